// `needs` decides the services, `upstreamSettings` the map of claimed settings.
import {
  Clock,
  Database,
  definePlugin,
  KeyValue,
  Log,
  type Maybe,
  type Plugin,
  perLine,
  token,
} from 'mcp-patchbay/sdk'

interface Counter {
  add(amount: number): number
}
const Counter = token<Counter>('Counter')

/** Services under names of the plugin's own. */
export const services = definePlugin({
  name: 'services',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { time: Clock, log: Log, counter: Counter },
  setup(_config, { time, log, counter }, upstreams) {
    const now: number = time.now()
    const sum: number = counter.add(now)
    log.info({ sum }, 'counted')
    // @ts-expect-error no such method
    time.today()
    // @ts-expect-error counts numbers
    counter.add('1')
    // @ts-expect-error the message is missing
    log.warn({ sum })
    // @ts-expect-error claims nothing, so there is nothing to read
    upstreams.get('crm')?.mode
    return {}
  },
})

/** A service that was not asked for is not there. */
export const unasked = definePlugin({
  name: 'unasked',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { log: Log },
  // @ts-expect-error `needs` names no clock
  setup(_config, { clock }) {
    return { start: () => void clock }
  },
})

/** Settings under a key of every upstream. */
export const claims = definePlugin({
  name: 'claims',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  upstreamSettings: {
    key: 'auth',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['mode'],
      properties: {
        mode: { enum: ['none', 'bearer'], description: '' },
        wait: { type: 'string', format: 'duration', default: '1s', description: '' },
      },
    },
  },
  setup(_config, _services, upstreams) {
    const crm = upstreams.get('crm')
    const mode: 'none' | 'bearer' | undefined = crm?.mode
    const wait: number | undefined = crm?.wait
    // @ts-expect-error an upstream may not have the key
    crm.mode
    // @ts-expect-error not one of the modes
    crm?.mode === 'basic'
    // @ts-expect-error read-only
    upstreams.set('crm', { mode: 'none', wait: 0 })
    return { start: () => void [mode, wait] }
  },
})

interface Tables {
  visit: { name: string; at: number }
}

/** Tables have the types the plugin gives them; values of a store may be on their way. */
export const stored = definePlugin({
  name: 'stored',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { database: Database, keyValue: KeyValue },
  migrations: {
    '001': {
      async up(db, sql) {
        await db.schema.createTable('visit').addColumn('name', 'text').execute()
        await sql`drop table ${sql.table('visit')}`.execute(db)
        // @ts-expect-error no such type of column
        db.schema.createTable('visit').addColumn('name', 'txet')
      },
    },
  },
  setup(_config, { database, keyValue }) {
    const db = database.kysely<Tables>()
    const names: Promise<{ name: string }[]> = db.selectFrom('visit').select('name').execute()
    // @ts-expect-error no such table
    db.selectFrom('visits')
    // @ts-expect-error no such column
    db.selectFrom('visit').select('nam')
    // @ts-expect-error a number
    db.insertInto('visit').values({ name: 'Anna', at: 'today' })
    const value: Maybe<string | undefined> = keyValue.get('a')
    // @ts-expect-error may be a promise
    const now: string | undefined = keyValue.get('a')
    // @ts-expect-error values are strings
    keyValue.set('a', 1)
    // @ts-expect-error a bucket needs its window
    keyValue.consume([{ key: 'a', cost: 1, limit: 1 }])
    return { start: () => void [names, value, now] }
  },
})

/** Migrations go forward only. */
export const backward = definePlugin({
  name: 'backward',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { database: Database },
  // @ts-expect-error there is no way down
  migrations: { '001': { up: async () => {}, down: async () => {} } },
  setup: () => ({}),
})

const configSchema = { type: 'object', additionalProperties: false, properties: {} } as const
const counter: Counter = { add: (amount) => amount }

/** What is declared is provided, each with its type: one for all, or one per line. */
export const provider = definePlugin({
  name: 'provider',
  version: '1.0.0',
  configSchema,
  needs: { keyValue: KeyValue },
  provides: { counter: Counter, keyValue: KeyValue },
  setup: (_config, { keyValue }) => ({
    start() {},
    provide: () => ({
      counter,
      keyValue: perLine((line) => ({ ...keyValue, get: (key) => `${line}${key}` })),
    }),
  }),
})

/** What is declared must be provided. */
export const empty = definePlugin({
  name: 'empty',
  version: '1.0.0',
  configSchema,
  provides: { counter: Counter },
  // @ts-expect-error `provide` is missing
  setup: () => ({ start() {} }),
})

/** All of it. */
export const half = definePlugin({
  name: 'half',
  version: '1.0.0',
  configSchema,
  provides: { counter: Counter, keyValue: KeyValue },
  // @ts-expect-error `keyValue` is missing
  setup: () => ({ provide: () => ({ counter }) }),
})

/** As what it is. */
export const wrong = definePlugin({
  name: 'wrong',
  version: '1.0.0',
  configSchema,
  provides: { counter: Counter },
  // @ts-expect-error counts numbers
  setup: () => ({ provide: () => ({ counter: { add: (amount: string) => amount } }) }),
})

/** At once. */
export const late = definePlugin({
  name: 'late',
  version: '1.0.0',
  configSchema,
  provides: { counter: Counter },
  // @ts-expect-error a promise
  setup: () => ({ provide: async () => ({ counter }) }),
})

/** With a way to migrate, where it is tables. */
export const tables = definePlugin({
  name: 'tables',
  version: '1.0.0',
  configSchema,
  needs: { database: Database },
  provides: { database: Database },
  // @ts-expect-error `migrate` is missing
  setup: (_config, { database }) => ({ provide: () => ({ database: perLine(() => database) }) }),
})

/** What is not declared is not provided. */
export const undeclared = definePlugin({
  name: 'undeclared',
  version: '1.0.0',
  configSchema,
  // @ts-expect-error there is no `provides`
  setup: () => ({ provide: () => ({ counter }) }),
})

/** Whatever their settings, all are plugins. */
export const plugins: readonly Plugin[] = [
  ...[services, unasked, claims, stored, backward],
  ...[provider, empty, half, wrong, late, tables, undeclared],
]
