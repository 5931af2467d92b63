import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { steered } from './steered.ts'
import { mirrored, Wire } from './wire.ts'

const { wire, gateway } = await steered({ after }, { listen: { bodyLimit: '64KiB' } })
const port = new URL(gateway.url).port
const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const LIMIT = 64 * 1024

/** A ping of exactly that many bytes. */
function padded(bytes: number): string {
  const body = JSON.stringify({ ...PING, params: { pad: '' } })
  return body.replace('"pad":""', `"pad":"${'x'.repeat(bytes - body.length)}"`)
}

test('only JSON is read, in whatever way it is announced', async () => {
  for (const type of ['application/json', 'Application/JSON', 'application/json; charset=utf-8']) {
    assert.equal((await wire.post(PING, { 'content-type': type })).status, 200, type)
  }
  for (const type of ['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded']) {
    const { status, json } = await wire.post(PING, { 'content-type': type })
    assert.equal(status, 415, type)
    assert.match(json.error.message, /Content-Type must be application\/json/)
  }
  assert.equal((await wire.post(PING, { 'content-type': undefined })).status, 415)
})

test('a compressed body is refused', async () => {
  const body = gzipSync(JSON.stringify(PING))
  const { status, json } = await wire.post(body, { 'content-encoding': 'gzip' })
  assert.equal(status, 415)
  assert.match(json.error.message, /Content-Encoding/)
})

test('a client must take JSON and event streams', async () => {
  const both = ['*/*', 'application/*, text/*', 'TEXT/event-stream;q=0.5, Application/json']
  for (const accept of [...both, undefined]) {
    assert.equal((await wire.post(PING, { accept })).status, 200, accept)
  }
  for (const accept of ['application/json', 'text/event-stream', 'text/plain', '']) {
    const { status, json } = await wire.post(PING, { accept })
    assert.equal(status, 406, accept)
    assert.match(json.error.message, /Accept must list/)
  }
  const session = await wire.session()
  const { status } = await wire.send('GET', { ...session, accept: 'application/json' })
  assert.equal(status, 406)
})

test('a body at the limit is read and one above it is 413, and the connection is kept', async () => {
  const fits = await wire.post(padded(LIMIT))
  assert.equal(fits.status, 200)
  const over = await wire.post(padded(LIMIT + 1))
  assert.equal(over.status, 413)
  assert.match(over.json.error.message, /larger than 65536 bytes/)
  const chunked = wire.begin('POST', { 'content-type': 'application/json', accept: '*/*' }, null)
  chunked.write(padded(LIMIT))
  chunked.write(' '.repeat(100))
  chunked.end()
  assert.equal((await chunked.answer).status, 413)
  const next = await wire.post(PING)
  assert.equal(next.status, 200)
  assert.deepEqual(new Set([fits.port, over.port, (await chunked.answer).port, next.port]).size, 1)
})

test('a body announced as too large is refused before any of it was sent', async () => {
  const headers = { 'content-type': 'application/json', accept: '*/*' }
  const sending = wire.begin('POST', { ...headers, 'content-length': String(LIMIT + 1) }, null)
  sending.flush()
  const { status, json } = await sending.answer
  assert.equal(status, 413)
  assert.match(json.error.message, /larger than 65536 bytes/)
  sending.cut()
})

test('/ready answers to its own names and to addresses, and to nobody else’s name', async () => {
  const ready = (host: string) => wire.send('GET', { host }, undefined, '/ready')
  for (const host of [`localhost:${port}`, '10.1.2.3:8080', '[fd00::1]:8080']) {
    assert.equal((await ready(host)).status, 200, host)
  }
  for (const host of ['evil.example', `10.1.2.3.evil.example:${port}`]) {
    const { status, text } = await ready(host)
    assert.equal(status, 403, host)
    assert.match(text, /listen\.allowedHosts/)
  }
})

test('a Host that is not the gateway is 403', async () => {
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', '[::1]:1']) {
    assert.equal((await wire.post(PING, { host })).status, 200, host)
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.2',
  ]) {
    const { status, json } = await wire.post(PING, { host })
    assert.equal(status, 403, host)
    assert.match(json.error.message, /listen\.allowedHosts/)
  }
})

test('an Origin that is not allowed is 403, whatever the method', async () => {
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'file://',
    'ftp://localhost',
    'localhost',
  ]) {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await wire.send(method, { origin })
      assert.equal(status, 403, `${method} ${origin}`)
      assert.equal(headers['access-control-allow-origin'], undefined)
    }
  }
})

test('an allowed Origin gets CORS headers with every answer, refusals and streams too', async (t) => {
  const listen = {
    allowedHosts: ['mcp.example'],
    allowedOrigins: ['https://app.example/', 'https://Other.example'],
  }
  const open = await steered(t, { listen })
  for (const origin of ['https://app.example', 'https://other.example', 'http://localhost:5173']) {
    const answers = [
      await open.wire.post(PING, { origin }),
      await open.wire.post('{', { origin }),
      await open.wire.post(PING, { origin, accept: 'text/plain' }),
      await open.wire.post(PING, { origin, 'mcp-session-id': 'x' }),
      await open.wire.post(PING, { origin, 'x-deny': '{"code":"UNAUTHENTICATED"}' }),
      await open.wire.modern('tools/list', {}, { origin }),
      await open.wire.modern('no/such', {}, { origin }),
      await open.wire.send('GET', { origin }),
      await open.wire.send('PUT', { origin }),
      await open.wire.post({ jsonrpc: '2.0', method: 'notifications/x' }, { origin }),
    ]
    for (const { headers } of answers) {
      assert.equal(headers['access-control-allow-origin'], origin)
      assert.match(String(headers['access-control-expose-headers']), /Mcp-Session-Id/)
      assert.equal(headers.vary, 'Origin')
    }
  }
  assert.equal((await open.wire.post(PING)).headers['access-control-allow-origin'], undefined)
  assert.equal((await open.wire.post(PING, { host: 'mcp.example' })).status, 200)
})

test('a preflight allows the methods, and the headers it asks for', async () => {
  const origin = 'http://localhost:5173'
  const wanted = 'authorization,content-type,mcp-param-region,x-api-key'
  const asked = await wire.send('OPTIONS', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': wanted,
  })
  assert.equal(asked.status, 204)
  assert.equal(asked.headers['access-control-allow-headers'], wanted)
  assert.equal(asked.headers['access-control-allow-methods'], 'GET, POST, DELETE, OPTIONS')
  const { headers } = await wire.send('OPTIONS', { origin })
  assert.match(String(headers['access-control-allow-headers']), /Mcp-Session-Id/)
})

test('headers over 16 KB are 431, and others go on being served', async () => {
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  const heard = text(socket)
  socket.write(`POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-flood: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(await heard, /^HTTP\/1\.1 431 /)
  assert.equal((await wire.post(PING)).status, 200)
})

test('a browser gets a page that says what this is and what to paste', async () => {
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  for (const path of ['/', '/mcp']) {
    const { status, headers, text } = await wire.send('GET', browser, undefined, path)
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^text\/html/)
    assert.ok(text.includes(gateway.url))
    assert.ok(text.includes('mcpServers'))
  }
})

test('any path that is not configured is 404, profiles that are serve', async (t) => {
  const open = await steered(t, { profiles: { dev: {} } })
  const dev = new Wire(t, `${open.gateway.url}/dev`)
  assert.equal((await dev.modern('tools/list')).json.result.tools.length, 6)
  for (const path of ['/mcp/prod', '/mcp/', '/mcp/dev/x', '/nope']) {
    const headers = { 'content-type': 'application/json', ...mirrored('tools/list') }
    assert.equal((await open.wire.send('POST', headers, '{}', path)).status, 404)
  }
  assert.equal((await open.wire.send('POST', {}, '{}', '/mcp?x=1')).status, 415)
})

test('a client that resets its connection leaves no line in the log', async () => {
  const before = gateway.log.length
  for (let i = 0; i < 5; i++) {
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    const head = 'POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
    socket.write(`${head}content-length: 100\r\n\r\n{"jsonrpc"`)
    await wire.post(PING)
    socket.resetAndDestroy()
  }
  await wire.post(PING)
  assert.deepEqual(gateway.log.slice(before), [])
})
