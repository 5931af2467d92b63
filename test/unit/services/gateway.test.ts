import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { Worker } from 'node:worker_threads'
import { loadConfig } from '../../../core/boot/config/config.ts'
import { setUpGateway } from '../../../core/boot/gateway.ts'
import { type LogLine, makeLog } from '../../../core/boot/log.ts'
import { Redactor } from '../../../core/services/redactor.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { folder, load, problems } from '../boot/folder.ts'

const STORED = `import { Database, Log, Secrets, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'stored', version: '1.0.0',
  configSchema: {
    type: 'object', additionalProperties: false,
    properties: {
      token: { type: 'string', writeOnly: true, description: 'A secret.' },
      note: { type: 'string', description: 'Anything.' },
    },
  },
  needs: { database: Database, log: Log, secrets: Secrets },
  migrations: { '001': { up: (db) => db.schema.createTable('boot').addColumn('n', 'integer').execute() } },
  setup: (config, { database, log, secrets }) => ({
    async start() {
      const db = database.kysely()
      await db.insertInto('boot').values({ n: 1 }).execute()
      const { length } = await db.selectFrom('boot').selectAll().execute()
      secrets.add('made at run time')
      log.warn({ length, ...config }, 'made at run time')
    },
  }),
})`

test('a running gateway keeps tables in its data folder, and the log keeps secrets', async (t) => {
  const gateway = await startWith(
    t,
    { plugins: [{ use: './stored.ts', config: { token: 'the-token', note: 'open' } }] },
    { files: { 'stored.ts': STORED } },
  )
  assert.ok(existsSync(join(gateway.config.data, 'patchbay.db')))
  await gateway.stop()
  assert.deepEqual(gateway.config.secrets, ['the-token'])
  assert.ok(!existsSync(join(gateway.config.data, 'patchbay.db-wal')), 'closed properly')
})

const SERVER = `import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
appendFileSync('starts', 'x')
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  const tools = [{ name: 'echo', inputSchema: { type: 'object' } }]
  const answer = method === 'initialize'
    ? { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } }
    : method === 'tools/list' ? { result: { tools } } : { error: { code: -32601, message: 'no such method' } }
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
})`

const POKE = `import { Log, Upstreams, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'poke', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { log: Log, upstreams: Upstreams },
  setup(_config, { log, upstreams }) {
    let poked = false
    return {
      observe(event) {
        if (event.type !== 'upstream.state' || event.state.state !== 'ready' || poked) return
        poked = true
        upstreams.reconnect('files').then(() => {
          upstreams.refresh('files')
          log.warn({ state: upstreams.status().files.state }, 'poked')
          return upstreams.reconnect('none')
        }).catch(({ code }) => log.warn({ code }, 'poked'))
      },
    }
  },
})`

test('a plugin can connect an upstream anew', async (t) => {
  const gateway = await startWith(
    t,
    { plugins: [{ use: './poke.ts' }], upstreams: { files: { command: ['node', 'server.mjs'] } } },
    { files: { 'poke.ts': POKE, 'server.mjs': SERVER } },
  )
  await gateway.ready()
  // Connecting anew changes no state that was ready before and is after: the log tells.
  while (gateway.log.filter(({ msg }) => msg === 'poked').length < 2) {
    await new Promise(setImmediate)
  }
  assert.deepEqual(
    gateway.log.flatMap(({ msg, state, code }) => (msg === 'poked' ? [state ?? code] : [])),
    ['ready', 'NO_UPSTREAM'],
  )
  assert.equal(readFileSync(join(gateway.folder, 'starts'), 'utf8'), 'xx')
})

test('checking a config sets plugins up and opens nothing', async (t) => {
  const root = folder(t, {
    'patchbay.yaml': 'plugins: [{ use: ./stored.ts }]',
    'stored.ts': STORED,
  })
  const config = await loadConfig(join(root, 'patchbay.yaml'), { env: {} })
  const { lines } = await setUpGateway(config)
  assert.equal(lines.length, 1)
  assert.ok(!existsSync(join(root, 'data')))
})

test('what references stood for is secret where credentials are written', async (t) => {
  const env = {
    HOST: '127.0.0.1',
    KEY: 'k'.repeat(32),
    TOKEN: 'the-token',
    URL: 'https://x.example',
  }
  const config = await load(
    t,
    {
      'patchbay.yaml': `listen: { host: "\${HOST}" }
keys: ["\${KEY}"]
include: [more.yaml]
upstreams:
  crm: { url: "\${URL}/mcp", headers: { Authorization: "Bearer \${TOKEN}" } }
`,
      'more.yaml': `upstreams:
  files: { command: [node, "--key=\${file:./secret}"], env: { A: "\${UNSET:-written-here}" } }
`,
      secret: 'from-a-file\n',
    },
    env,
  )
  assert.deepEqual([...config.secrets].sort(), ['from-a-file', env.KEY, 'the-token'].sort())
})

test('no line of the log tells a secret, whoever registers it when', () => {
  const lines: LogLine[] = []
  const secrets = new Redactor()
  const log = makeLog({ level: 'info', secrets, show: (line) => lines.push(line) })
  log.info({ a: { b: ['hunter2'] } }, 'before hunter2')
  secrets.add('hunter2')
  log.child({ plugin: 'x' }).error({ err: new Error('no hunter2') }, 'after hunter2')
  assert.match(JSON.stringify(lines[0]), /hunter2/)
  assert.doesNotMatch(JSON.stringify(lines[1]), /hunter2/)
  assert.equal(lines[1]?.msg, 'after [redacted]')
})

test('an entry of egress.allow that allows nothing is a mistake with a place', async (t) => {
  const found = await problems(t, 'egress: { allow: [127.0.0.1, 10.0.0.0/99] }')
  assert.equal(found.length, 1)
  assert.match(found[0]?.text ?? '', /patchbay\.yaml:1:\d+ egress\.allow\[1\]: is no network/)
})

test('the schema for editors knows what the gateway knows', () => {
  const file = new URL('../../../config/patchbay.schema.json', import.meta.url)
  assert.ok('egress' in JSON.parse(readFileSync(file, 'utf8')).properties)
})

test('a public URL with a path is the base of the endpoint that is announced', async (t) => {
  for (const [publicUrl, announced] of [
    ['https://x.example', 'https://x.example/mcp'],
    ['https://x.example/tools', 'https://x.example/tools/mcp'],
    ['https://x.example/tools/', 'https://x.example/tools/mcp'],
  ]) {
    const gateway = await startWith(t, { listen: { publicUrl } })
    assert.equal(gateway.url, announced)
    await gateway.stop()
  }
})

test('a start that is refused leaves no thread of the database behind', async (t) => {
  const threads: Worker[] = []
  const begun = (thread: Worker) => void threads.push(thread)
  process.on('worker', begun)
  t.after(() => process.off('worker', begun))
  const broken = STORED.replace("name: 'stored'", "name: 'broken'").replace(
    'setup: (config,',
    "setup: (config, { database }) => { throw new Error('no luck') }, unused: (config,",
  )
  const plugins = [{ use: './stored.ts' }, { use: './broken.ts' }]
  const files = { 'stored.ts': STORED, 'broken.ts': broken.replace(/, unused: [\s\S]*/, '})') }
  await assert.rejects(startWith(t, { plugins }, { files }), /no luck/)
  assert.equal(threads.length, 1)
  assert.equal(threads[0]?.threadId, -1, 'it has ended')
})
