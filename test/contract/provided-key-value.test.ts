import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  type Bucket,
  Calls,
  Clock,
  Database,
  definePlugin,
  type Expiry,
  KeyValue,
  perLine,
} from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { keyValueContract } from '../services/key-value-contract.ts'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
type Kept = Record<'line' | 'key' | 'value', string> & { until: number }
interface Rows {
  get(key: string): Promise<string | undefined>
  put(key: string, value: string, until: number): Promise<unknown>
}

/** `KeyValue` in tables, for every plugin line and the gateway itself. */
const stored = definePlugin({
  name: 'stored',
  version: '1.0.0',
  configSchema: nothing,
  needs: { database: Database, clock: Clock },
  provides: { keyValue: KeyValue },
  migrations: {
    '001': {
      up: (db, sql) =>
        sql`create table ${sql.table('kept')}
          (line text, key text, value text, until real, primary key (line, key))`.execute(db),
    },
  },
  setup(_config, { database, clock }) {
    const db = database.kysely<{ kept: Kept }>()
    const until = ({ ttl = Number.MAX_SAFE_INTEGER }: Expiry = {}) => {
      if (ttl > 0) return clock.now() + ttl
      throw new RangeError(`a ttl of ${ttl}`)
    }
    const make = (line: string): KeyValue => {
      const alone = <T>(work: (rows: Rows) => Promise<T>): Promise<T> =>
        db.transaction().execute((open) =>
          work({
            async get(key) {
              const rows = open.selectFrom('kept').selectAll().where('line', '=', line)
              const [row] = await rows.where('key', '=', key).execute()
              return row !== undefined && row.until > clock.now() ? row.value : undefined
            },
            put(key, value, end) {
              const row = open.insertInto('kept').values({ line, key, value, until: end })
              const set = { value, until: end }
              return row.onConflict((c) => c.columns(['line', 'key']).doUpdateSet(set)).execute()
            },
          }),
        )
      /** Writes if what is there may be replaced. @returns what was there */
      const swap = (key: string, value: string, end: number, may = (_old?: string) => true) =>
        alone(async (rows) => {
          const old = await rows.get(`v/${key}`)
          if (may(old)) await rows.put(`v/${key}`, value, end)
          return old
        })
      return {
        get: (key) => alone((rows) => rows.get(`v/${key}`)),
        set: async (key, value, expiry) => void (await swap(key, value, until(expiry))),
        add: async (key, value, expiry) =>
          (await swap(key, value, until(expiry), (old) => old === undefined)) === undefined,
        take: (key) => swap(key, '', 0),
        delete: async (key) => (await swap(key, '', 0)) !== undefined,
        compareAndSet: async (key, was, value, expiry) =>
          (await swap(key, value, until(expiry), (old) => old === was)) === was,
        consume: (buckets) => alone((rows) => consume(rows, buckets, clock.now())),
      }
    }
    return { provide: () => ({ keyValue: perLine(make) }) }
  },
})

/** GCRA: a bucket is the time at which it is full again. */
async function consume(rows: Rows, buckets: readonly Bucket[], now: number) {
  const full = new Map<string, number>()
  let [remaining, wait, longest] = [Number.POSITIVE_INFINITY, -1, '']
  for (const { key, cost, limit, windowMs, burst = limit } of buckets) {
    if (!(cost >= 0 && limit > 0 && windowMs > 0 && burst > 0)) throw new RangeError(key)
    const interval = windowMs / limit
    const before = full.get(key) ?? Number((await rows.get(`b/${key}`)) ?? now)
    full.set(key, Math.max(before, now) + cost * interval)
    const room = Math.round((burst * interval - (full.get(key) as number) + now) * 1e3) / 1e3
    if (room >= 0) remaining = Math.min(remaining, Math.floor(room / interval))
    const late = cost > burst ? Number.POSITIVE_INFINITY : Math.ceil(-room)
    if (room < 0 && late > wait) [wait, longest] = [late, key]
  }
  if (wait >= 0) return { ok: false, retryAfterMs: wait, key: longest } as const
  for (const [key, until] of full) await rows.put(`b/${key}`, `${until}`, until)
  return { ok: true, remaining } as const
}

/** A plugin line that hands out the `KeyValue` it was given. */
function taking(name: string, into: Map<string, KeyValue>) {
  return definePlugin({
    name,
    version: '1.0.0',
    configSchema: nothing,
    needs: { keyValue: KeyValue },
    setup(_config, { keyValue }) {
      into.set(name, keyValue)
      return {}
    },
  })
}

keyValueContract('in tables, by a plugin', async (t) => {
  const given = new Map<string, KeyValue>()
  const [one, other] = [taking('one', given), taking('other', given)]
  const gateway = await testPlugin(stored, {}, { before: [[one]], with: [[other]] })
  t.after(() => gateway.stop())
  return {
    one: given.get('one') as KeyValue,
    other: given.get('other') as KeyValue,
    advance: (ms) => gateway.clock.advance(ms),
  }
})

const asking = definePlugin({
  name: 'asking',
  version: '1.0.0',
  phase: 'guard',
  configSchema: nothing,
  setup: () => ({
    beforeCall: ({ answers }) =>
      answers.sure === undefined
        ? ask({ sure: { method: 'elicitation/create', params: { message: 'Sure?' } } })
        : undefined,
  }),
})
const options = { client: { capabilities: { elicitation: {} } }, with: [[asking]] } as const
const yes = { sure: { action: 'accept' } }

test('the gateway keeps there which answers were used, and an answer counts once', async (t) => {
  const gateway = await testPlugin(stored, {}, options)
  t.after(() => gateway.stop())
  const question = await gateway.call('demo__echo')
  const [first, second] = await Promise.all([
    gateway.answer(question, yes),
    gateway.answer(question, yes),
  ])
  assert.deepEqual([first.kind, second.kind].sort(), ['denial', 'result'])
  assert.equal(gateway.sent.length, 1)
})

const asked: string[] = []
/** A `KeyValue` of which nobody knows whether it can be reached. */
const elsewhere = (add: () => Promise<boolean>) =>
  definePlugin({
    name: 'elsewhere',
    version: '1.0.0',
    configSchema: nothing,
    needs: { keyValue: KeyValue },
    provides: { keyValue: KeyValue },
    setup: (_config, { keyValue }) => ({
      provide: () => ({
        keyValue: perLine((line) => {
          const adding = (key: string) => {
            asked.push(`${line} ${key.split('/')[0]}`)
            return add()
          }
          return Object.assign(Object.create(keyValue), { add: adding }) as KeyValue
        }),
      }),
    }),
  })

test('an answer that was used elsewhere is used up, and none counts while nobody can say', async () => {
  for (const [add, kind] of [
    [async () => true, 'result'],
    [async () => false, 'denial'],
    [() => Promise.reject(new Error('no network')), 'failure'],
  ] as const) {
    const gateway = await testPlugin(elsewhere(add), {}, options)
    const question = await gateway.call('demo__echo')
    const outcome = gateway.answer(question, yes)
    if (kind === 'failure') await assert.rejects(outcome, /no network/)
    else assert.equal((await outcome).kind, kind)
    assert.equal(gateway.sent.length, kind === 'result' ? 1 : 0)
  }
  assert.deepEqual(new Set(asked), new Set(['$gateway spent']))
})

test('a question that nobody answers ends its call also while nobody can say whether it was', async () => {
  const lost = elsewhere(() => Promise.reject(new Error('no network')))
  const gateway = await testPlugin(lost, {}, options)
  await gateway.call('demo__echo')
  gateway.clock.advance(11 * 60_000)
  await new Promise(setImmediate)
  const [end, ...more] = gateway.events.filter(({ type }) => type === 'call.finished')
  assert.ok(end?.type === 'call.finished' && end.outcome.kind === 'cancelled')
  assert.equal(more.length, 0)
})

test('an inner call goes on, though it cannot be written down that nobody waits for it', async () => {
  // The outer call's own question, then the inner one's: its state, and that it was found again.
  const replies = [
    async () => true,
    async () => true,
    () => Promise.reject(new Error('no network')),
  ]
  const once = elsewhere(() => (replies.shift() as () => Promise<boolean>)())
  const wrapper = definePlugin({
    name: 'wrapper',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'wrapped', inputSchema: { type: 'object' } },
          call: (call) => calls.call(call.caller, 'demo__echo', {}, { parent: call }),
        },
      ],
    }),
  })
  const gateway = await testPlugin(once, {}, { ...options, with: [[wrapper], [asking]] })
  const outer = await gateway.answer(await gateway.call('wrapped'), yes)
  const inner = await gateway.answer(outer, yes)
  await new Promise(setImmediate)
  assert.equal(inner.kind, 'result')
  assert.equal(replies.length, 0)
})
