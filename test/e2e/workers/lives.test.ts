// Workers that die are replaced, a stop waits for calls, and nothing outlives the primary.
import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stubUpstream } from '../wire/stub.ts'
import { eventually, isThere, type Processes, startProcesses } from './processes.ts'

/** Writes its pid and environment into a file beside it. */
const STDIO = `import { writeFileSync } from 'node:fs'
writeFileSync(new URL('./' + process.pid + '.seen', import.meta.url), JSON.stringify(process.env))
let rest = ''
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    const { id, method } = JSON.parse(line)
    if (id === undefined) continue
    const result = method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
      : { tools: [] }
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
  }
})
// It would outlive its stdin: whoever started it has to end it.
setInterval(() => {}, 1000)
`
const STDIO_UPSTREAM = { command: [process.execPath, './server.mjs'], era: 'legacy' }

async function serverPids(gateway: Processes): Promise<number[]> {
  await eventually(async () => {
    const { upstreams } = await gateway.admin('/status')
    return upstreams.local.workers.ready === 2
  })
  return globSync('*.seen', { cwd: gateway.folder }).map((name) => Number.parseInt(name, 10))
}

test('a killed worker is replaced, the other serves on, and what it did not finish fails', async (t) => {
  const stub = await stubUpstream(t)
  const gateway = await startProcesses(t, { upstreams: { up: { url: stub.url, prefix: '' } } })
  const [first] = (await gateway.workers()) as [number, number]
  const there = await gateway.another(t, first)
  // What it is replaced by reads the config as it was: the others run it.
  writeFileSync(gateway.file, 'nonsense: [')
  process.kill(first, 'SIGKILL')
  const died = await gateway.line(({ signal }) => signal === 'SIGKILL')
  assert.deepEqual([died.worker, died.pid, died.delay], [0, first, 500])
  assert.equal((await there.wire.send('GET', {}, undefined, '/pid')).json.pid, there.pid)
  const back = await gateway.line(({ msg }) => /is back/.test(String(msg)))
  assert.equal(back.worker, 0)
  const pids = await gateway.workers()
  assert.equal(pids[0], back.pid)
  assert.notEqual(pids[0], first)
  const door = JSON.parse(readFileSync(join(gateway.folder, 'data/admin.json'), 'utf8'))
  assert.equal(door.pid, gateway.pid)
  const again = await gateway.another(t, there.pid)
  assert.equal(again.pid, pids[0])
  gateway.signal('SIGTERM')
  assert.deepEqual(await gateway.ended, { code: 0, signal: null })
})

test('a stop lets calls at every worker end, then ends with 0', async (t) => {
  const stub = await stubUpstream(t)
  const gateway = await startProcesses(t, { upstreams: { up: { url: stub.url, prefix: '' } } })
  await eventually(async () => (await gateway.admin('/status')).upstreams.up.workers.ready === 2)
  const pids = await gateway.workers()
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  const calls = [here, there].map(({ wire }) =>
    wire.modern('tools/call', { name: 'hold', arguments: {} }),
  )
  await stub.until(() => stub.calls.length === 2)
  // As a terminal does: everybody in the group hears it, and the workers leave it to the primary.
  process.kill(-gateway.pid, 'SIGINT')
  await gateway.line(({ msg, worker }) => msg === 'stopping' && worker === 0)
  await gateway.line(({ msg, worker }) => msg === 'stopping' && worker === 1)
  stub.release()
  for (const { json } of await Promise.all(calls)) assert.ok(json.result, JSON.stringify(json))
  assert.deepEqual(await gateway.ended, { code: 0, signal: null })
  assert.equal(gateway.log.at(-1)?.msg, 'all workers stopped')
  for (const pid of pids) assert.equal(isThere(pid), false)
})

test('a second signal ends everything at once', async (t) => {
  const stub = await stubUpstream(t)
  const config = { drain: '60s', upstreams: { up: { url: stub.url, prefix: '' } } }
  const gateway = await startProcesses(t, config)
  await eventually(async () => (await gateway.admin('/status')).upstreams.up.workers.ready === 2)
  const pids = await gateway.workers()
  const { wire } = await gateway.another(t)
  wire.modern('tools/call', { name: 'hold', arguments: {} }).catch(() => {})
  await stub.until(() => stub.calls.length === 1)
  gateway.signal('SIGTERM')
  await gateway.line(({ msg }) => msg === 'stopping')
  gateway.signal('SIGTERM')
  assert.deepEqual(await gateway.ended, { code: 1, signal: null })
  await eventually(() => pids.every((pid) => !isThere(pid)))
})

test('stdio servers know nothing of the key, and nothing outlives a killed primary', async (t) => {
  const gateway = await startProcesses(
    t,
    { upstreams: { local: STDIO_UPSTREAM } },
    { 'server.mjs': STDIO },
  )
  const own = await gateway.line(
    ({ upstream, msg }) => upstream === 'local' && /each of/.test(`${msg}`),
  )
  assert.equal(own.msg, 'each of the 2 workers has a process of local for itself')
  const servers = await serverPids(gateway)
  t.after(() => {
    for (const pid of servers) if (isThere(pid)) process.kill(pid, 'SIGKILL')
  })
  assert.equal(servers.length, 2)
  const key = readFileSync(join(gateway.folder, 'data/key'), 'utf8').trim()
  for (const pid of servers) {
    const seen = readFileSync(join(gateway.folder, `${pid}.seen`), 'utf8')
    assert.doesNotMatch(seen, /NODE_CHANNEL|NODE_UNIQUE/)
    assert.ok(!seen.includes(key))
  }
  const workers = await gateway.workers()
  for (const pid of workers) {
    // What a process was begun with can be read by others of the same user.
    const began =
      readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    assert.ok(!began.includes(key))
  }
  gateway.signal('SIGKILL')
  await gateway.ended
  await eventually(() => [...workers, ...servers].every((pid) => !isThere(pid)))
})

test('what keeps the first worker from starting is told as by one process', async (t) => {
  const broken = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'broken', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ start() { throw new Error('no luck today') } }),
})`
  const starting = startProcesses(
    t,
    { plugins: [{ use: 'auth-none' }, { use: './broken.ts' }] },
    { 'broken.ts': broken },
  )
  await assert.rejects(starting, /ended with 1[\s\S]*/)
  const error = await starting.catch((cause: Error) => cause)
  assert.match((error as Error).message, /no luck today[\s\S]*1 problem in /)
})

test('what is wrong with a config is told before anything is forked', async (t) => {
  const starting = startProcesses(t, { listen: { port: -1 }, admin: { port: 99_999 } })
  const error = (await starting.catch((cause: Error) => cause)) as Error
  assert.match(error.message, /listen\.port[\s\S]*admin\.port[\s\S]*2 problems in /)
})
