// HTTP+SSE (2024-11-05), byte by byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { openSse } from './sse-client.ts'
import { steered } from './steered.ts'
import { initialize, Wire } from './wire.ts'

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }
const HOLD = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hold' } }

test('a stream names a place relative to itself, and everything comes on it', async (t) => {
  const { wire, stub } = await steered(t)
  const client = await openSse(wire)
  assert.match(client.stream.raw(), /^event: endpoint\ndata: \?session=[\w-]+\n\n$/)

  const { status, text } = await client.post(initialize('2024-11-05'))
  assert.deepEqual([status, text], [202, 'Accepted'])
  const hello = await client.answer('hello')
  assert.equal(hello.result.protocolVersion, '2024-11-05')
  assert.equal(
    (await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status,
    202,
  )

  const list = await client.ask(2, 'tools/list')
  assert.equal(list.result.tools.length, 6)
  const params = { name: 'hold', _meta: { progressToken: 'p' } }
  await client.post({ jsonrpc: '2.0', id: 3, method: 'tools/call', params })
  await client.stream.seen('notifications/progress')
  stub.release()
  assert.equal((await client.answer(3)).result.content[0].text, 'held')
  assert.equal((await client.ask(4, 'ping')).result !== undefined, true)
  assert.match(client.stream.raw(), /event: message\ndata: \{/)
})

test('later revisions with a handshake get what they ask for', async (t) => {
  const { wire } = await steered(t)
  for (const version of ['2025-03-26', '2025-06-18', '2025-11-25']) {
    const client = await openSse(wire)
    await client.post(initialize(version))
    assert.equal((await client.answer('hello')).result.protocolVersion, version)
    const params = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
    await client.post({ jsonrpc: '2.0', id: 9, method: 'server/discover', params })
    await client.stream.seen('-32601')
  }
})

test('the query of the stream stays in the place it names', async (t) => {
  const { wire } = await steered(t)
  const client = await openSse(wire, {}, '/sse?tenant=a%20b&session=mine')
  const { searchParams } = new URL(client.url)
  assert.equal(searchParams.get('tenant'), 'a b')
  assert.equal(searchParams.getAll('session').length, 1)
  assert.equal((await client.ask(1, 'ping')).id, 1)
})

test('the path that plugins see is that of the endpoint', async (t) => {
  const SAYS = `import { definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({ name: 'says', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ beforeCall: ({ caller }) => deny('FORBIDDEN', 'from ' + caller.path) }) })`
  const { wire } = await steered(
    t,
    { profiles: { team: {} }, plugins: [{ use: './steer.ts' }, { use: './says.ts' }] },
    { files: { 'says.ts': SAYS } },
  )
  for (const [path, seen] of [
    ['/sse', '/mcp'],
    ['/sse/team', '/mcp/team'],
  ] as const) {
    const client = await openSse(wire, {}, path)
    const { result } = await client.ask(1, 'tools/call', { name: 'echo' })
    assert.match(result.content[0].text, new RegExp(`from ${seen}\\b`))
  }
  assert.equal((await wire.send('GET', {}, undefined, '/sse/nobody')).status, 404)
  const team = await openSse(wire, {}, '/sse/team')
  const elsewhere = `/sse${new URL(team.url).search}`
  const { status } = await wire.begin('POST', JSON_TYPE, JSON.stringify(CALL), elsewhere).answer
  assert.equal(status, 404)
})

const JSON_TYPE = { 'content-type': 'application/json' }

test('only who opened a stream is heard on it', async (t) => {
  const { wire, stub } = await steered(t)
  const client = await openSse(wire, { 'x-user': 'anna' })
  const other = await client.post(CALL, { 'x-user': 'bert' })
  assert.equal(other.status, 404)
  assert.equal(other.json.error.code, -32600)
  const nobody = await client.post(CALL, { 'x-deny': '{"code":"UNAUTHENTICATED"}' })
  assert.equal(nobody.status, 401)
  assert.match(String(nobody.headers['www-authenticate']), /Bearer/)
  assert.deepEqual(stub.calls, [])
  const refused = await wire.send(
    'GET',
    { 'x-deny': '{"code":"UNAUTHENTICATED"}' },
    undefined,
    '/sse',
  )
  assert.equal(refused.status, 401)
  const unknown = await wire.begin('POST', JSON_TYPE, JSON.stringify(CALL), '/sse?session=x').answer
  assert.equal(unknown.status, 404)
  assert.equal((await client.ask(1, 'tools/call', { name: 'echo' })).id, 1)
})

test('what is no message is refused where it is POSTed', async (t) => {
  const { wire } = await steered(t, { listen: { bodyLimit: '1KiB' } })
  const client = await openSse(wire)
  const said = async (body: string, headers = {}) => {
    const { status, json } = await client.post(body, headers)
    return [status, json.error.code]
  }
  assert.deepEqual(await said('{"jsonrpc":"2.0","id":1,"me'), [400, -32700])
  assert.deepEqual(await said('{"id":1,"method":"ping"}'), [400, -32600])
  assert.deepEqual(await said('[]'), [400, -32600])
  assert.deepEqual(await said('{}', { 'content-type': 'text/plain' }), [415, -32600])
  assert.deepEqual(await said(JSON.stringify({ ...CALL, more: 'x'.repeat(1024) })), [413, -32600])
  const methods = ['PUT', 'DELETE', 'POST']
  for (const method of methods) {
    const { status, headers } = await wire.send(method, {}, undefined, '/sse')
    assert.deepEqual([status, headers.allow], [405, 'GET, OPTIONS'])
  }
  const strange = await wire.send('GET', { host: 'evil.example' }, undefined, '/sse')
  assert.equal(strange.status, 403)
  const page = await wire.send('GET', { accept: 'application/json' }, undefined, '/sse')
  assert.equal(page.status, 406)
})

test('a batch is served in the revision that has them', async (t) => {
  const { wire } = await steered(t)
  const client = await openSse(wire)
  await client.begin('2025-03-26')
  const batch = [
    { ...CALL, id: 'a' },
    { ...CALL, id: 'b' },
  ]
  assert.equal((await client.post(batch)).status, 202)
  await client.stream.seen('"id":"b"')
  const answers = client.stream.heard().at(-1)
  assert.deepEqual(answers.map(({ id }: { id: string }) => id).sort(), ['a', 'b'])
  const older = await openSse(wire)
  await older.begin('2024-11-05')
  await older.post(batch)
  await older.stream.seen('has no batches')
})

test('a call is cancelled by its id, and by the end of the stream', async (t) => {
  const { wire, stub } = await steered(t)
  const client = await openSse(wire)
  await client.begin()
  await client.post(HOLD)
  await stub.until(() => stub.calls.length === 1)
  await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await stub.until(() => stub.closed === 1)
  await client.post({ ...HOLD, id: 2 })
  await stub.until(() => stub.calls.length === 2)
  client.stream.cut()
  await stub.until(() => stub.closed === 2)
  const late = await client.post(CALL)
  assert.equal(late.status, 404)
  assert.match(late.json.error.message, /stream has ended/)
})

test('a principal holds so many streams open as the config says', async (t) => {
  const { wire } = await steered(t, { listen: { streams: 2 } })
  await openSse(wire)
  await openSse(wire)
  const third = await wire.send('GET', {}, undefined, '/sse')
  assert.equal(third.status, 429)
  await openSse(wire, { 'x-user': 'bert' })
})

test('a stream ends with its credentials, unless others that last longer have come', async (t) => {
  const clock = new FakeClock()
  const UNTIL = `import { definePlugin } from 'mcp-patchbay/sdk'
const principal = { issuer: 'until', subject: 'anna', claims: {}, scopes: [] }
export default definePlugin({ name: 'until', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ authenticate: ({ headers }) => ({ principal, until: Number(headers['x-until']) }) }) })`
  const { wire } = await steered(
    t,
    { plugins: [{ use: './until.ts' }] },
    { clock, files: { 'until.ts': UNTIL } },
  )
  const at = (ms: number) => String(clock.now() + ms)
  const brief = await openSse(wire, { 'x-until': at(20_000) })
  const renewed = await openSse(wire, { 'x-until': at(20_000) })
  await renewed.post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'x-until': at(60_000) })
  await renewed.answer(1)
  await clock.advance(15_000)
  await brief.stream.seen(': keep-alive')
  await clock.advance(5_000)
  await brief.stream.answer
  await clock.advance(10_000)
  await renewed.post({ jsonrpc: '2.0', id: 2, method: 'ping' }, { 'x-until': at(30_000) })
  await renewed.answer(2)
  await clock.advance(30_000)
  await renewed.stream.answer
})

test('a stop lets calls end, with their answers, before the stream does', async (t) => {
  const { wire, stub, gateway } = await steered(t, { drain: '10s' })
  const client = await openSse(wire)
  await client.begin()
  await client.post(HOLD)
  await stub.until(() => stub.calls.length === 1)
  const stopped = gateway.stop()
  stub.release()
  const { messages } = await client.stream.answer
  assert.equal(messages.at(-1).result.content[0].text, 'held')
  assert.deepEqual(await stopped, { cut: 0 })
})

test('two clients on two streams never hear each other', async (t) => {
  const { wire, gateway } = await steered(t)
  const [one, two] = [await openSse(wire), await openSse(new Wire(t, gateway.url))]
  await one.ask('mine', 'ping')
  await two.ask('yours', 'ping')
  assert.doesNotMatch(one.stream.raw(), /yours/)
  assert.doesNotMatch(two.stream.raw(), /mine/)
})

test('a stream that nobody reads is cut before its answers fill the memory', async (t) => {
  const { wire, stub } = await steered(t, { listen: { bodyLimit: '6MiB' } })
  const client = await openSse(wire)
  await client.stream.seen('endpoint')
  client.stream.pause()
  const words = 'x'.repeat(4 * 1024 * 1024)
  const params = { name: 'echo', arguments: { words } }
  let status = 202
  let sent = 0
  for (; status === 202 && sent < 40; sent++) {
    await stub.until(() => stub.calls.length >= sent - 2)
    ;({ status } = await client.post({ jsonrpc: '2.0', id: sent, method: 'tools/call', params }))
  }
  assert.equal(status, 404)
  // What it may hold, what the sockets hold, and what was under way.
  assert.ok(sent >= 8 && sent <= 24, `${sent} answers of 4 MiB`)
})
