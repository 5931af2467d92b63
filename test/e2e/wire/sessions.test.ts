import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { steered } from './steered.ts'
import { initialize, MODERN } from './wire.ts'

const { wire } = await steered({ after })
const ping = (headers: object) => wire.legacy('ping', undefined, { ...headers })

test('initialize opens a session and agrees on a version', async () => {
  for (const [asked, agreed] of [
    ['2025-11-25', '2025-11-25'],
    ['2025-03-26', '2025-03-26'],
    ['2024-11-05', '2024-11-05'],
    ['1999-01-01', '2025-11-25'],
    [MODERN, '2025-11-25'],
  ] as const) {
    const { status, headers, json } = await wire.post(initialize(asked))
    assert.equal(status, 200)
    assert.equal(json.id, 'hello')
    assert.equal(json.result.protocolVersion, agreed)
    assert.ok(headers['mcp-session-id'])
  }
})

test('a session that is unknown, garbage, foreign or ended is 404', async () => {
  const mine = await wire.session()
  const id = String(mine['mcp-session-id'])
  const gone = await wire.session()
  assert.equal((await wire.send('DELETE', gone)).status, 200)
  const ids: [string, string][] = [
    ['anna', 'garbage'],
    ['anna', `${id.slice(0, -2)}AA`],
    ['anna', `${id}=`],
    ['anna', 'x'.repeat(2_000)],
    ['bob', id],
    ['anna', String(gone['mcp-session-id'])],
    ['anna', `${gone['mcp-session-id']}=`],
  ]
  for (const [user, session] of ids) {
    const headers = { 'x-user': user, 'mcp-session-id': session }
    const post = await ping(headers)
    assert.equal(typeof post.json.id, 'number')
    const batch = await wire.post([{ jsonrpc: '2.0', id: 1, method: 'ping' }], headers)
    for (const { status, json } of [
      post,
      batch,
      await wire.send('GET', headers),
      await wire.send('DELETE', headers),
    ]) {
      assert.equal(status, 404, session)
      assert.match(json.error.message, /initialize again/)
    }
  }
  assert.equal((await ping(mine)).status, 200)
})

test('without a session there is nothing to listen to and nothing to end', async () => {
  const modern = { 'mcp-protocol-version': MODERN, 'mcp-session-id': 'old' }
  for (const headers of [{}, modern]) {
    for (const method of ['GET', 'DELETE']) {
      const { status, headers: received } = await wire.send(method, headers)
      assert.equal(status, 405)
      assert.equal(received.allow, 'POST')
    }
  }
  const put = await wire.send('PUT')
  assert.equal(put.status, 405)
  assert.equal(put.headers.allow, 'GET, POST, DELETE, OPTIONS')
})

test('ending a session ends its streams', async () => {
  const session = await wire.session()
  const stream = wire.begin('GET', { ...session, accept: 'text/event-stream' }, undefined)
  const other = await wire.session()
  const stays = wire.begin('GET', { ...other, accept: 'text/event-stream' }, undefined)
  // A request on another connection is answered only after those before it were opened.
  await ping(session)
  assert.equal((await wire.send('DELETE', session)).status, 200)
  const { status, headers } = await stream.answer
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'text/event-stream')
  assert.equal(await Promise.race([stays.answer, ping(other).then(() => 'open')]), 'open')
  stays.cut()
})

test('a session ends by itself after a week', async (t) => {
  const clock = new FakeClock()
  const aging = await steered(t, {}, { clock })
  const session = await aging.wire.session()
  const pinged = async () => (await aging.wire.legacy('ping', undefined, session)).status
  for (let hours = 0; hours + 23 < 7 * 24; hours += 23) {
    clock.advance(23 * 3_600_000)
    assert.equal(await pinged(), 200)
  }
  clock.advance(23 * 3_600_000)
  assert.equal(await pinged(), 404)
})

test('a client that says too much about itself is told so, and opens no session', async () => {
  const clientInfo = { name: 'x'.repeat(5_000), version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const { json, headers } = await wire.legacy('initialize', params)
  assert.equal(json.error.code, -32602)
  assert.match(json.error.message, /4096 bytes/)
  assert.equal(headers['mcp-session-id'], undefined)
})

test('what a client says about itself, if it is no text, is no name', async () => {
  const params = { protocolVersion: '2025-11-25', clientInfo: { name: 7, version: [] } }
  const { status, headers } = await wire.legacy('initialize', params)
  assert.equal(status, 200)
  assert.equal((await ping({ 'mcp-session-id': headers['mcp-session-id'] })).status, 200)
})
