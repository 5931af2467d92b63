// An answer stream of a handshake server that ends before the answer is taken up again (2025-11-25, SEP-1699).
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { type Answer, drive, mayHaveRun, trouble, until } from './gateway.ts'
import { type Message, type Stub, stub } from './stub.ts'

/** Begins an SSE answer with these lines. */
function begin(response: ServerResponse, ...lines: string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`${lines.join('\n')}\n\n`)
}

/** A server whose call of `write` is answered only to those who ask again. */
async function interrupting(
  scope: Parameters<typeof stub>[0],
  lines: readonly string[],
  end: (response: ServerResponse) => void = (response) => response.end(),
): Promise<Stub> {
  const server = await stub(scope)
  let asked: Message = {}
  server.acts['tools/call'] = ({ message }, response) => {
    asked = message
    begin(response, ...lines)
    end(response)
  }
  server.acts.GET = (_, response) => {
    const result = { content: [{ type: 'text', text: 'the rest' }] }
    begin(response, 'id: e2', `data: ${JSON.stringify({ jsonrpc: '2.0', id: asked.id, result })}`)
  }
  return server
}

const words = ({ result }: Answer) => result?.content[0]?.text

test('it is asked to go on from the last event, in its session and with its credentials', async (t) => {
  const server = await interrupting(t, ['id: e1', 'retry: 3000', 'data: '])
  const headers = { authorization: 'Bearer up' }
  const gateway = await drive(t, { up: { url: server.url, headers } })
  await gateway.ready()
  const call = gateway.call('up__write')
  await until(() => server.of('tools/call').length === 1)
  const since = gateway.clock.monotonic()
  await gateway.passUntil(() => server.of('GET').length === 1)
  assert.ok(gateway.clock.monotonic() - since >= 3_000, 'not before the server wants it')
  assert.equal(words(await call), 'the rest')
  const [said] = server.of('GET')
  assert.equal(said?.headers['last-event-id'], 'e1')
  assert.equal(said?.headers['mcp-session-id'], 's1')
  assert.equal(said?.headers['mcp-protocol-version'], '2025-11-25')
  assert.equal(said?.headers.authorization, 'Bearer up')
  assert.equal(said?.headers.accept, 'text/event-stream')
  assert.equal(server.of('tools/call').length, 1)
})

test('a connection that breaks is no other thing, and a second is the default', async (t) => {
  const server = await interrupting(t, ['id: e1', 'data: '], (response) => {
    setImmediate(() => response.destroy())
  })
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const call = gateway.call('up__write')
  await until(() => server.of('tools/call').length === 1)
  const since = gateway.clock.monotonic()
  await gateway.passUntil(() => server.of('GET').length === 1)
  assert.ok(gateway.clock.monotonic() - since >= 1_000)
  assert.equal(words(await call), 'the rest')
})

test('without an event id there is nothing to go on from', async (t) => {
  const server = await interrupting(t, ['retry: 10', 'data: '])
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.ok(mayHaveRun(await gateway.call('up__write')))
  assert.equal(server.of('GET').length, 0)
})

for (const [what, act, times] of [
  ['says nothing new', (response: ServerResponse) => begin(response) ?? response.end(), 5],
  ['is not well', (response: ServerResponse) => response.writeHead(503).end(), 5],
  ['does not go on', (response: ServerResponse) => response.writeHead(405).end(), 1],
  ['has forgotten the session', (response: ServerResponse) => response.writeHead(404).end(), 1],
  ['wants other credentials', (response: ServerResponse) => response.writeHead(401).end(), 1],
] as const) {
  test(`a server that ${what} is asked ${times} times, and the call is sent once`, async (t) => {
    const server = await interrupting(t, ['id: e1', 'data: '])
    server.acts.GET = (_, response) => void act(response)
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.ready()
    let answer: Answer | undefined
    void gateway.call('up__write').then((one) => {
      answer = one
    })
    await gateway.passUntil(() => answer !== undefined)
    assert.ok(answer !== undefined && mayHaveRun(answer))
    assert.equal(server.of('GET').length, times)
    assert.equal(server.of('tools/call').length, 1)
  })
}

test("the call's own limit counts on", async (t) => {
  const server = await interrupting(t, ['id: e1', 'retry: 3600000', 'data: '])
  const gateway = await drive(t, { up: { url: server.url, timeout: '20s' } })
  await gateway.ready()
  let answer: Answer | undefined
  void gateway.call('up__write').then((one) => {
    answer = one
  })
  await gateway.passUntil(() => answer !== undefined)
  assert.match(trouble(answer as Answer), /silent for 20 s/)
  assert.equal(server.of('GET').length, 0)
})

test('whoever has gone away is not asked for, the server is told', async (t) => {
  const server = await interrupting(t, ['id: e1', 'data: '])
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const gone = new AbortController()
  const call = gateway.call('up__write', { signal: gone.signal })
  await until(() => server.of('tools/call').length === 1)
  gone.abort()
  await assert.rejects(call)
  await until(() => server.of('notifications/cancelled').length === 1)
  gateway.clock.advance(5_000)
  await gateway.list()
  assert.equal(server.of('GET').length, 0)
})

test('the stream for what belongs to no call goes on from its last event too', async (t) => {
  const server = await stub(t)
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', 's1')
    const capabilities = { tools: { listChanged: true } }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  const streams: ServerResponse[] = []
  server.acts.GET = (_, response) => {
    begin(response, `id: e${streams.length}`, 'data: ')
    streams.push(response)
  }
  const gateway = await drive(t, { up: { url: server.url, refresh: '0s' } })
  await gateway.ready()
  await until(() => streams.length === 1)
  assert.equal(server.of('GET')[0]?.headers['last-event-id'], undefined)
  streams[0]?.end()
  await gateway.passUntil(() => streams.length === 2)
  assert.equal(server.of('GET')[1]?.headers['last-event-id'], 'e0')
  assert.ok(gateway.clock.monotonic() < 5_000, 'sooner than a stream is opened anew')
  const listed = server.of('tools/list').length
  streams[1]?.write('data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n')
  await until(() => server.of('tools/list').length > listed)
  // One that does not go on is opened anew, without a word on where the old one ended.
  server.acts.GET = ({ headers }, response) => {
    if (headers['last-event-id'] !== undefined) response.writeHead(400).end()
    else begin(response, 'data: ')
  }
  streams[1]?.end()
  await gateway.passUntil(() => server.of('GET').length === 4)
  assert.equal(server.of('GET')[3]?.headers['last-event-id'], undefined)
})

test('in 2026-07-28 nothing is taken up again', async (t) => {
  const server = await stub(t, 'modern')
  server.acts['tools/call'] = (_, response) => {
    begin(response, 'id: e1', 'data: ')
    response.end()
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.ok(mayHaveRun(await gateway.call('up__write')))
  assert.equal(server.of('GET').length, 0)
})
