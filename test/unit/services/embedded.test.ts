import assert from 'node:assert/strict'
import test from 'node:test'
import {
  Bus,
  Clock,
  Database,
  definePlugin,
  Events,
  Http,
  type HttpAnswer,
  KeyValue,
  Lock,
  Metrics,
  type Plugin,
  Seal,
  Secrets,
  Upstreams,
} from '../../../sdk/index.ts'
import { testPlugin } from '../../../sdk/testing/index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

const ALL = {
  clock: Clock,
  keyValue: KeyValue,
  bus: Bus,
  lock: Lock,
  database: Database,
  seal: Seal,
  http: Http,
  secrets: Secrets,
  metrics: Metrics,
  events: Events,
  upstreams: Upstreams,
}

interface Tables {
  visit: { name: string }
}

test('a plugin gets every service it asks for, the database with its tables', async (t) => {
  const seen: unknown[] = []
  const plugin = definePlugin({
    name: 'all-services',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: ALL,
    migrations: {
      '001-visits': {
        up: (db) => db.schema.createTable('visit').addColumn('name', 'text').execute(),
      },
    },
    setup(_config, services) {
      const { bus, database, events, keyValue, lock, metrics, seal, secrets, upstreams } = services
      const db = database.kysely<Tables>()
      return {
        async start() {
          await db.insertInto('visit').values({ name: 'Anna' }).execute()
          seen.push(await db.selectFrom('visit').select('visit.name').execute())
          seen.push(keyValue.add('a', '1'), seal.open(seal.seal('facts', 'p'), 'p'))
          bus.answer('ask', (message) => [message])
          seen.push(await bus.request(bus.replica, 'ask', 1, { timeoutMs: 1_000 }))
          seen.push(await lock.hold('door', { ttlMs: 1_000 }, () => 'held'))
          secrets.add('hunter2')
          seen.push(secrets.redact('hunter2'), metrics.read(), Object.keys(upstreams.status()))
          assert.throws(() => upstreams.refresh('none'), { code: 'NO_UPSTREAM' })
          await upstreams.reconnect('demo')
          const refused: Promise<HttpAnswer> = services.http.request('https://localhost/')
          await assert.rejects(refused, { code: 'EGRESS_REFUSED' })
        },
        observe(event) {
          if (event.type === 'list') events.emit('listed', { count: event.count })
        },
      }
    },
  })
  const gateway = await testPlugin(plugin)
  t.after(() => gateway.stop())
  assert.deepEqual(seen, [
    [{ name: 'Anna' }],
    true,
    'facts',
    [1],
    'held',
    '[redacted]',
    [],
    ['demo'],
  ])
  await gateway.list()
  const event = gateway.events.findLast(({ type }) => type === 'plugin')
  assert.deepEqual(event, {
    type: 'plugin',
    plugin: 'all-services',
    name: 'listed',
    fields: { count: 1 },
  })
})

test('two lines of one plugin keep apart what they store', async (t) => {
  const values: (string | undefined)[] = []
  const plugin = definePlugin({
    name: 'twin',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: { keyValue: KeyValue },
    setup: (_config, { keyValue }) => ({
      async start() {
        values.push(await keyValue.get('a'))
        await keyValue.set('a', 'mine')
      },
    }),
  })
  const gateway = await testPlugin(plugin, {}, { with: [[plugin]] })
  t.after(() => gateway.stop())
  assert.deepEqual(values, [undefined, undefined])
})

test('an event that brings about itself ends, and its plugin is told', async (t) => {
  const plugin = definePlugin({
    name: 'echo-chamber',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: { events: Events },
    setup: (_config, { events }) => ({
      observe(event) {
        if (event.type === 'list' || event.type === 'plugin') events.emit('again', {})
      },
    }),
  })
  const gateway = await testPlugin(plugin)
  t.after(() => gateway.stop())
  await gateway.list()
  assert.equal(gateway.events.filter(({ type }) => type === 'plugin').length, 8)
  const failed = gateway.events.find((event) => event.type === 'plugin.failed')
  assert.match(String(failed?.type === 'plugin.failed' && failed.cause), /brings about itself/)
})

test('migrations without a database, or without `up`, are refused', async () => {
  const plugin = (parts: object): Plugin => {
    const base = { name: 'stored', version: '1.0.0', configSchema: EMPTY, setup: () => ({}) }
    return definePlugin({ ...base, ...parts })
  }
  const migrations = { '001': { up: async () => {} } }
  await assert.rejects(testPlugin(plugin({ migrations })), /Add `Database` to `needs`/)
  const broken = { needs: { db: Database }, migrations: { '001': {} } }
  await assert.rejects(testPlugin(plugin(broken)), /plugin stored migrations: 001 has no `up`/)
})
