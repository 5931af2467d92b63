// Two workers are one gateway: what either was told, counted or keeps holds for both.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { patchbay } from '../commands/patchbay.ts'
import { type Stub, stubUpstream } from '../wire/stub.ts'
import { Wire } from '../wire/wire.ts'
import { eventually, type Processes, startProcesses } from './processes.ts'

const ends: (() => unknown)[] = []
const scope = { after: (run: () => unknown) => void ends.push(run) }
let gateway: Processes
let stub: Stub

before(async () => {
  stub = await stubUpstream(scope)
  gateway = await startProcesses(scope, { upstreams: { up: { url: stub.url, prefix: '' } } })
  await eventually(async () => (await gateway.admin('/status')).upstreams.up.workers.ready === 2)
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

const echo = (wire: Wire, args: object = {}) =>
  wire.modern('tools/call', { name: 'echo', arguments: args })

test('connections are handed out by turns, and it is said once where it listens', async (t) => {
  const pids = new Set<number>()
  for (let i = 0; i < 4; i++) {
    const { json } = await new Wire(t, gateway.url).send('GET', {}, undefined, '/pid')
    pids.add(json.pid)
  }
  assert.equal(pids.size, 2)
  assert.deepEqual([...pids].sort(), (await gateway.workers()).sort())
  const listening = gateway.log.filter(({ msg }) => msg === 'listening')
  assert.equal(listening.length, 1)
  const [{ url, workers, worker }] = listening as [(typeof listening)[0]]
  assert.deepEqual({ url, workers, worker }, { url: gateway.url, workers: 2, worker: undefined })
  const slots = new Set(gateway.log.map((line) => line.worker))
  assert.deepEqual(slots, new Set([0, 1, undefined]))
  const door = JSON.parse(readFileSync(join(gateway.folder, 'data/admin.json'), 'utf8'))
  assert.equal(door.pid, gateway.pid)
})

test('a session opened at one worker works, remembers and ends at the other', async (t) => {
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  const session = await here.wire.session()
  const ping = async ({ wire }: typeof here) =>
    (await wire.legacy('ping', undefined, session)).status
  assert.equal(await ping(there), 200)
  const called = await there.wire.legacy(
    'tools/call',
    { name: 'echo', arguments: { a: 1 } },
    session,
  )
  assert.equal(called.json.result.content[0].text, '{"a":1}')
  const level = await here.wire.legacy('logging/setLevel', { level: 'error' }, session)
  assert.equal(level.status, 200)
  assert.equal((await there.wire.send('DELETE', session)).status, 200)
  await eventually(async () => (await ping(here)) === 404)
  assert.equal(await ping(there), 404)
})

test('what is counted by `KeyValue` counts once, whichever worker is asked', async (t) => {
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, i) => echo(i % 2 ? here.wire : there.wire, { limited: true })),
  )
  const limited = answers.filter(({ json }) => json.error !== undefined || json.result.isError)
  assert.equal(limited.length, 6)
})

test('numbers are those of all workers, whoever tells them', async (t) => {
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  const calls = async ({ wire }: typeof here) => {
    const { json } = await wire.send('GET', {}, undefined, '/numbers')
    const find = (name: string) => json.find((one: { name: string }) => one.name === name)
    return {
      count: find('calls').series[0].value,
      sizes: find('sizes').series[0].buckets,
      up: find('patchbay.worker.up').series,
    }
  }
  const before = await calls(here)
  for (let i = 0; i < 3; i++) await echo(here.wire)
  for (let i = 0; i < 4; i++) await echo(there.wire)
  for (const one of [here, there]) {
    const { count, sizes, up } = await calls(one)
    assert.equal(count, before.count + 7)
    assert.deepEqual(sizes, [before.sizes[0] + 7, 0, 0])
    assert.deepEqual(up, [
      { labels: { worker: '0' }, value: 1 },
      { labels: { worker: '1' }, value: 1 },
    ])
  }
})

test('status is one page of all workers, and in words', async () => {
  const page = await gateway.admin('/status')
  assert.deepEqual(
    page.workers.map(({ slot, state }: { slot: number; state: string }) => [slot, state]),
    [
      [0, 'serving'],
      [1, 'serving'],
    ],
  )
  const { state, workers, each } = page.upstreams.up
  assert.deepEqual(
    { state, workers, each },
    { state: 'ready', workers: { ready: 2 }, each: 'connection' },
  )
  const pids = await gateway.workers()
  assert.deepEqual(page.plugins.probe.status, {
    'worker 0': { pid: pids[0] },
    'worker 1': { pid: pids[1] },
  })
  const { runs } = page.plugins.probe.hooks.beforeCall
  const numbers = await gateway.admin('/status')
  assert.equal(numbers.plugins.probe.hooks.beforeCall.runs, runs)
  assert.ok(runs >= 23, `${runs} runs`)
  const { out } = await patchbay('status', gateway.file)
  assert.match(out, /up +ready +modern +6 +2 ready, a connection each/)
  assert.match(out, /1 +serving +\d+/)
})

test('what operators turn is turned at every worker', async () => {
  const { upstream, status } = await gateway.admin('/upstreams/up/reconnect', 'POST')
  assert.equal(upstream, 'up')
  assert.deepEqual(status.workers, { ready: 2 })
  const none = await gateway.admin('/upstreams/nobody/refresh', 'POST')
  assert.match(none.detail, /no upstream nobody/)
})

test('each worker says for itself whether it is ready', async (t) => {
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  for (const { wire } of [here, there]) {
    for (const path of ['/ready', '/live']) {
      assert.equal((await wire.send('GET', {}, undefined, path)).status, 200)
    }
  }
})

test('a second gateway on the same data is refused', async () => {
  const { code, err } = await patchbay('start', gateway.file)
  assert.equal(code, 1)
  assert.match(err, new RegExp(`in use by a gateway.*process ${gateway.pid}`))
})
