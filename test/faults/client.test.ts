// What clients do wrong, over real connections: each is answered for alone, and nothing is left of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { FakeClock } from '../../sdk/testing/clock.ts'
import { until } from '../e2e/upstreams/gateway.ts'
import { type Act, answer, type Stub, stream, stub } from '../e2e/upstreams/stub.ts'
import { JSON_HEADERS, type Sending, Wire } from '../e2e/wire/wire.ts'
import { type Scope, startWith } from '../fixtures/gateway.ts'
import { bytesInUse, leavesNothing } from '../fixtures/leaks.ts'

const TEXT = { resultType: 'complete', content: [{ type: 'text', text: 'fine' }] }
const FORM = {
  method: 'elicitation/create',
  params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
}
/** Who somebody is, is what they say: these tests are not about that. */
const NAMED = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'named', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate: ({ headers }) =>
      ({ principal: { issuer: 'named', subject: headers['x-user'] ?? 'anna', claims: {}, scopes: [] } }),
  }),
})`

/** A gateway whose time stands still, before a server that a test steers, and a connection to it. */
async function scene(scope: Scope, config: object = {}) {
  const server = await stub(scope, 'modern')
  const clock = new FakeClock()
  let pump: NodeJS.Timeout | undefined
  // Stopping may have to wait for something, and nobody moves the clock then.
  scope.after(() => {
    pump = setInterval(() => clock.advance(250), 5)
  })
  const upstreams = { up: { url: server.url } }
  const gateway = await startWith(
    scope,
    { upstreams, plugins: [{ use: './named.ts' }], ...config },
    { clock, files: { 'named.ts': NAMED } },
  )
  scope.after(() => clearInterval(pump))
  await gateway.ready()
  const wire = new Wire(scope, gateway.url)
  // Longer than a session's streams can be come back to, in steps that what is read meanwhile can follow.
  const passes = async () => {
    for (let step = 0; step < 40; step++) {
      clock.advance(10_000)
      await pause(2)
    }
  }
  return { server, clock, gateway, wire, passes }
}

/** Keeps calls open. @returns those that are */
function holding(server: Stub): Set<() => void> {
  const open = new Set<() => void>()
  const hold: Act = ({ message }, response) => {
    const go = () => answer(response, message, TEXT)
    open.add(go)
    response.on('close', () => open.delete(go))
  }
  server.acts['tools/call'] = hold
  return open
}

/** A link remembers the ids of cancelled calls, up to 1,000: its server may still speak of them. */
const cancelled = (calls: number) => ({ 'entries of maps and sets': calls })

const call = (id: unknown, more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'up__write', arguments: {}, ...more },
})

test('a modern client that disconnects in the middle of calls has cancelled them at the server', async (t) => {
  const { server, wire, passes } = await scene(t)
  const open = holding(server)
  await leavesNothing(
    async () => {
      const calls = [1, 2, 3].map(() => wire.beginModern('tools/call', { name: 'up__write' }))
      await until(() => open.size === 3)
      for (const one of calls) one.cut()
      await until(() => open.size === 0)
    },
    passes,
    cancelled(3),
  )
})

test('a legacy client that disconnects in the middle of calls loses their answers, and leaves nothing', async (t) => {
  const { server, wire, passes } = await scene(t)
  const open = holding(server)
  const session = await wire.session()
  await leavesNothing(async () => {
    const calls = [1, 2, 3].map((id) => wire.beginPost(call(id), session))
    await until(() => open.size === 3)
    for (const one of calls) one.cut()
    await wire.legacy('ping', undefined, session)
    assert.equal(open.size, 3)
    for (const go of open) go()
    await until(() => open.size === 0)
  }, passes)
})

test('two calls under one id are answered each with its own, and a cancellation ends what it names', async (t) => {
  const { server, wire, passes } = await scene(t)
  const open = holding(server)
  const session = await wire.session()
  await leavesNothing(
    async () => {
      const twice = [1, 2].map(() => wire.beginPost(call('same'), session))
      await until(() => open.size === 2)
      for (const go of open) go()
      for (const { json } of await Promise.all(twice.map((one) => one.answer))) {
        assert.deepEqual([json.id, json.result.content[0].text], ['same', 'fine'])
      }
      const again = [1, 2].map(() => wire.beginPost(call('same'), session))
      await until(() => open.size === 2)
      const cancel = { method: 'notifications/cancelled', params: { requestId: 'same' } }
      for (const _ of again) await wire.post({ jsonrpc: '2.0', ...cancel }, session)
      await until(() => open.size < 2)
      for (const go of open) go()
      await Promise.all(again.map((one) => one.answer))
    },
    passes,
    cancelled(2),
  )
})

test('a question that is answered twice, or by somebody else, is answered once by whom it was asked', async (t) => {
  const { server, wire, passes } = await scene(t)
  server.acts['tools/call'] = ({ message: { params } }) =>
    params?.requestState === undefined
      ? { resultType: 'input_required', inputRequests: { ok: FORM }, requestState: 's' }
      : { ...TEXT, content: [{ type: 'text', text: JSON.stringify(params.inputResponses) }] }
  const open = async (user: string) => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'raw', version: '1' },
    }
    const hello = { jsonrpc: '2.0', id: 0, method: 'initialize', params }
    const { headers } = await wire.post(hello, { 'x-user': user })
    return { 'x-user': user, 'mcp-session-id': String(headers['mcp-session-id']) }
  }
  const [mine, mySecond, foreign] = [await open('anna'), await open('anna'), await open('bert')]
  const stolen = { ...mine, 'x-user': 'bert' }
  await leavesNothing(
    async () => {
      const calling = wire.beginPost(call(1), mine)
      await calling.seen('"elicitation/create"')
      const [{ id }] = calling.heard()
      const say = async (who: Record<string, string>, content: object) => {
        const result = { action: 'accept', content }
        return (await wire.post({ jsonrpc: '2.0', id, result }, who)).status
      }
      assert.equal(await say(mySecond, { no: 1 }), 202)
      assert.equal(await say(foreign, { no: 2 }), 202)
      assert.equal(await say(stolen, { no: 3 }), 404)
      const before = server.of('tools/call').length
      assert.equal(await say(mine, { yes: 1 }), 202)
      assert.equal(await say(mine, { no: 4 }), 202)
      const { json } = await calling.answer
      assert.equal(json.result.content[0].text, '{"ok":{"action":"accept","content":{"yes":1}}}')
      assert.equal(server.of('tools/call').length, before + 1)
      // That a state was used is remembered; a sweep forgets it.
    },
    passes,
    { 'entries of maps and sets': 1 },
  )
})

const MIB = 1024 * 1024

test('a client that never reads its stream makes no queue: what it does not read is dropped, memory is flat', async (t) => {
  const { server, gateway, wire, passes } = await scene(t)
  const step = 'x'.repeat(64 * 1024)
  let said = () => {}
  server.acts['tools/call'] = async ({ message: { id, params } }, response) => {
    const say = stream(response)
    const { progressToken } = (params?._meta ?? {}) as { progressToken?: unknown }
    for (let progress = 1; progress <= 800; progress++) {
      say({ method: 'notifications/progress', params: { progressToken, progress, message: step } })
      if (response.writableNeedDrain) await once(response, 'drain')
    }
    say({ id, result: TEXT })
    response.end(said)
  }
  const session = await wire.session()
  await leavesNothing(async () => {
    const before = await bytesInUse()
    const finished = new Promise<void>((resolve) => {
      said = resolve
    })
    const headers = { ...JSON_HEADERS, ...session }
    const sent = request(gateway.url, { method: 'POST', agent: false, headers })
    sent.end(JSON.stringify(call(1, { _meta: { progressToken: 'p' } })))
    const [response] = await once(sent, 'response')
    // 50 MB have come, and nobody reads.
    await finished
    const grown = (await bytesInUse()) - before
    assert.ok(grown < 16 * MIB, `grew by ${Math.round(grown / MIB)} MiB`)
    // Whoever looks up at last finds the answer behind what was kept.
    let bytes = 0
    let last = ''
    for await (const chunk of response.setEncoding('utf8')) {
      bytes += chunk.length
      last = `${last}${chunk}`.slice(-1_000)
    }
    assert.match(last, /"text":"fine"/)
    assert.ok(bytes < 20 * MIB, `${bytes} bytes were kept`)
  }, passes)
})

const LISTEN = { notifications: { toolsListChanged: true } }

test('a client that opens 1,000 listen streams is told on each of them, and they cost nothing once they are closed', async (t) => {
  const { server, clock, gateway, passes } = await scene(t, { listen: { streams: 1_000 } })
  const wires = Array.from({ length: 20 }, () => new Wire(t, gateway.url))
  const [first] = wires as [Wire]
  const { tools } = server
  await leavesNothing(async () => {
    const streams = wires.flatMap((wire) =>
      Array.from({ length: 50 }, (): Sending => wire.beginModern('subscriptions/listen', LISTEN)),
    )
    await Promise.all(streams.map((stream) => stream.seen('acknowledged')))
    const { status, json } = await first.modern('subscriptions/listen', LISTEN)
    assert.deepEqual([status, json.error.data.code], [429, 'RATE_LIMITED'])
    // Calls go on beside them.
    assert.equal((await first.modern('tools/list')).status, 200)
    server.tools = server.tools === tools ? tools.slice(1) : tools
    clock.advance(5 * 60_000)
    await Promise.all(streams.map((stream) => stream.seen('notifications/tools/list_changed')))
    for (const stream of streams) stream.cut()
    // The gateway hears of it when it does.
    await until(async () => {
      const again = first.beginModern('subscriptions/listen', LISTEN)
      const refused = again.answer.then(
        () => true,
        () => true,
      )
      const heard = again.seen('acknowledged').then(
        () => false,
        () => true,
      )
      const full = await Promise.race([refused, heard])
      again.cut()
      return !full
    })
  }, passes)
})
