import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive, trouble, until } from './gateway.ts'
import { type Act, answer, json, refuse, stream, stub, TOOLS } from './stub.ts'

const HOUR = 60 * 60_000

test('a modern server is asked once who it is, and gets everything in each request', async (t) => {
  const server = await stub(t, 'modern')
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.equal(gateway.status().up?.era, 'modern')
  await gateway.call('up__look')
  assert.equal(server.of('initialize').length, 0)
  assert.equal(server.of('server/discover').length, 1)
  const [said] = server.of('tools/call')
  assert.equal(said?.headers['mcp-protocol-version'], '2026-07-28')
  assert.equal(said?.headers['mcp-method'], 'tools/call')
  assert.equal(said?.headers['mcp-name'], 'look')
  const meta = said?.message.params?._meta as Record<string, unknown>
  assert.equal(meta['io.modelcontextprotocol/protocolVersion'], '2026-07-28')
  assert.deepEqual(meta['io.modelcontextprotocol/clientCapabilities'], {})
})

const OLD_WAYS: Record<string, Act> = {
  '-32000 with 400': ({ message }, response) => refuse(response, message, -32000, 400),
  '-32601 with 404': ({ message }, response) => refuse(response, message, -32601, 404),
  '-32601 with 200': ({ message }, response) => refuse(response, message, -32601),
  '-32602 with 400 and no id': (_, response) => refuse(response, {}, -32602, 400),
  '405': (_, response) => void response.writeHead(405).end(),
  'HTML with 404': (_, response) => void response.writeHead(404).end('<html>'),
  'a result of something else': () => ({ tools: [] }),
  silence: () => undefined,
}

for (const [how, act] of Object.entries(OLD_WAYS)) {
  test(`a server that answers the probe with ${how} is asked the old way`, async (t) => {
    const server = await stub(t)
    server.acts['server/discover'] = act
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.passUntil(() => gateway.status().up?.state === 'ready')
    assert.equal(gateway.status().up?.era, 'legacy')
    assert.deepEqual(
      server.said.slice(0, 4).map(({ message: { method } }) => method),
      ['server/discover', 'initialize', 'notifications/initialized', 'tools/list'],
    )
    await gateway.call('up__look')
    const [said] = server.of('tools/call')
    assert.equal(said?.headers['mcp-session-id'], 's1')
    assert.equal(said?.headers['mcp-protocol-version'], '2025-11-25')
    assert.equal(said?.headers['mcp-method'], undefined)
  })
}

test('nothing overtakes the initialized notification', async (t) => {
  const server = await stub(t)
  let release: (() => void) | undefined
  server.acts['notifications/initialized'] = (_, response) => {
    release = () => void response.writeHead(202).end()
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await until(() => release !== undefined)
  assert.equal(server.of('tools/list').length, 0)
  release?.()
  await gateway.ready()
})

for (const status of [401, 403]) {
  test(`${status} says nothing about the era: the upstream wants credentials`, async (t) => {
    const server = await stub(t)
    server.acts['server/discover'] = (_, response) => void response.writeHead(status).end()
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.until(() => gateway.status().up?.state === 'auth-required')
    assert.equal(server.of('initialize').length, 0)
    assert.equal(gateway.status().up?.httpStatus, status)
    assert.match(gateway.status().up?.error ?? '', /set its `headers`/)
  })
}

test('credentials that are refused later make the state auth-required too', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  server.acts['tools/list'] = (_, response) => void response.writeHead(401).end()
  server.acts['server/discover'] = server.acts['tools/list']
  gateway.clock.advance(5 * 60_000)
  await gateway.until(() => gateway.status().up?.state === 'auth-required')
  assert.match(trouble(await gateway.call('up__look')), /refuses the credentials.*operator/s)
})

test('a legacy verdict is remembered on reconnecting, and asked for again after an hour', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  server.session = 's2'
  await gateway.call('up__look')
  assert.equal(server.of('initialize').length, 2)
  assert.equal(server.of('server/discover').length, 1)
  gateway.clock.advance(HOUR)
  await gateway.passUntil(() => server.of('server/discover').length === 2)
  await gateway.ready()
})

test('a legacy server that was upgraded meanwhile is found out as soon as the old way fails', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const gone: Act = (_, response) => void response.writeHead(404).end()
  server.acts.initialize = gone
  server.acts['tools/list'] = gone
  server.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
  })
  gateway.clock.advance(5 * 60_000)
  await gateway.until(() => gateway.status().up?.state === 'down')
  server.acts['tools/list'] = () => ({ tools: TOOLS })
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(gateway.status().up?.era, 'modern')
})

const LOST: Record<string, (message: { id?: number }) => [number, object]> = {
  '404': () => [404, {}],
  '400 about the session': ({ id }) => [
    400,
    { jsonrpc: '2.0', id, error: { code: -32000, message: 'No valid session ID provided' } },
  ],
}

for (const [how, body] of Object.entries(LOST)) {
  test(`a session lost with ${how} is opened anew once, however many calls notice it`, async (t) => {
    const server = await stub(t)
    let held: (() => void) | undefined
    server.acts['tools/call'] = ({ headers, message }, response) => {
      if (message.params?.name === 'write') {
        held = () => answer(response, message, { content: [] })
      } else if (headers['mcp-session-id'] === 's1') json(response, ...body(message))
      else return { content: [{ type: 'text', text: 'again' }] }
      return undefined
    }
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.ready()
    const before = gateway.call('up__write')
    await until(() => held !== undefined)
    server.session = 's2'
    const lost = await Promise.all([1, 2, 3, 4].map(() => gateway.call('up__look')))
    for (const { result } of lost) assert.equal(result?.content[0]?.text, 'again')
    assert.equal(server.of('initialize').length, 2)
    assert.equal(gateway.status().up?.state, 'ready')
    held?.()
    assert.deepEqual((await before).result?.content, [])
    // The old session is given back once nothing is left in it.
    await until(() => server.of('DELETE')[0]?.headers['mcp-session-id'] === 's1')
  })
}

test('the stream of a legacy session tells of changes, and is opened again when it breaks', async (t) => {
  const server = await stub(t)
  const streams: ((message: object) => void)[] = []
  const cuts: (() => void)[] = []
  const capabilities = { tools: { listChanged: true } }
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', 's1')
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  server.acts.GET = (_, response) => {
    streams.push(stream(response))
    cuts.push(() => response.destroy())
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  await until(() => streams.length === 1)
  server.tools = [...TOOLS, { name: 'third', inputSchema: {} }]
  streams[0]?.({ method: 'notifications/tools/list_changed' })
  await gateway.until(() => gateway.catalog?.entries.length === 3)
  server.tools = TOOLS
  cuts[0]?.()
  await gateway.passUntil(() => streams.length === 2)
  // What was said while nobody listened is noticed all the same.
  await gateway.until(() => gateway.catalog?.entries.length === 2)
  server.tools = TOOLS.slice(1)
  streams[1]?.({ method: 'notifications/tools/list_changed' })
  await gateway.until(() => gateway.catalog?.entries.length === 1)
})

test('a modern server tells of changes on the stream of subscriptions/listen', async (t) => {
  const server = await stub(t, 'modern')
  const streams: ((message: object) => void)[] = []
  server.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true } },
  })
  server.acts['subscriptions/listen'] = (_, response) => void streams.push(stream(response))
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  await until(() => streams.length === 1)
  assert.deepEqual(server.of('subscriptions/listen')[0]?.message.params?.notifications, {
    toolsListChanged: true,
  })
  server.tools = [TOOLS[0]]
  streams[0]?.({ method: 'notifications/tools/list_changed' })
  await gateway.until(() => gateway.catalog?.entries.length === 1)
})

test('a change that is told while the list is being read is not missed', async (t) => {
  const server = await stub(t)
  let say: ((message: object) => void) | undefined
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', 's1')
    return { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } } }
  }
  server.acts.GET = (_, response) => {
    say = stream(response)
  }
  let finish: (() => void) | undefined
  server.acts['tools/list'] = ({ message }, response) => {
    const { tools } = server
    if (finish === undefined) finish = () => answer(response, message, { tools })
    else return { tools }
    return undefined
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await until(() => finish !== undefined && say !== undefined)
  server.tools = [TOOLS[0]]
  say?.({ method: 'notifications/tools/list_changed' })
  await until(() => server.of('tools/list').length === 1)
  // The notification is on its way before the answer is.
  setImmediate(() => finish?.())
  await gateway.until(() => gateway.catalog?.entries.length === 1)
})

test('a list that changes without a word is noticed by reading it from time to time', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url, refresh: '1m' } })
  await gateway.ready()
  server.tools = [TOOLS[0]]
  gateway.clock.advance(60_250)
  await gateway.until(() => gateway.catalog?.entries.length === 1)
})

test('sessions are given back when the gateway stops', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  await gateway.stop()
  assert.equal(server.of('DELETE')[0]?.headers['mcp-session-id'], 's1')
})
