import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { steered } from './steered.ts'
import { ENVELOPE, MODERN } from './wire.ts'

const { wire, stub } = await steered({ after })
const BATCHES = '2025-03-26'
const session = await wire.session({}, BATCHES)

const call = (id: number | string, name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

test('a batch of 2025-03-26 is split, and what is answered is answered together', async () => {
  const batch = [
    call(1, 'echo', { n: 1 }),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'p', method: 'ping' },
    { jsonrpc: '2.0', id: 2, method: 'no/such' },
    { jsonrpc: '2.0', id: 3, method: 'initialize', params: {} },
    call(4, 'ghost'),
    { id: 5 },
    7,
    { jsonrpc: '2.0', id: 9, result: {} },
  ]
  const { status, headers, json } = await wire.post(batch, session)
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json')
  assert.deepEqual(
    json.map(({ id, error }: { id: unknown; error?: { code: number } }) => [id, error?.code]),
    [
      [1, undefined],
      ['p', undefined],
      [2, -32601],
      [3, -32600],
      [4, -32602],
      [null, -32600],
      [null, -32600],
    ],
  )
  assert.deepEqual(json[0].result.content, [{ type: 'text', text: '{"n":1}' }])
})

test('a batch without a session or a version is one of 2025-03-26', async () => {
  const { status, json } = await wire.post([{ jsonrpc: '2.0', id: 1, method: 'ping' }])
  assert.equal(status, 200)
  assert.deepEqual(json, [{ jsonrpc: '2.0', id: 1, result: {} }])
})

test('a batch of nothing but notifications has no answer', async () => {
  const { status, text } = await wire.post(
    [{ jsonrpc: '2.0', method: 'notifications/initialized' }],
    session,
  )
  assert.equal(status, 202)
  assert.equal(text, '')
})

test('one that needs a status gets its refusal in-band: a batch has one status', async () => {
  const deny = { code: 'UNAUTHENTICATED' }
  const { status, json } = await wire.post([call(1, 'echo', { deny }), call(2, 'echo')], session)
  assert.equal(status, 200)
  assert.equal(json[0].result._meta['patchbay/error'].code, 'UNAUTHENTICATED')
  assert.equal(json[1].result.isError, undefined)
})

test('a call of a batch can be cancelled and leaves the others alone', async () => {
  const arrived = stub.calls.length
  const sending = wire.beginPost([call('x', 'hold'), call('y', 'echo')], session)
  await stub.until(() => stub.calls.length === arrived + 2)
  const params = { requestId: 'x' }
  await wire.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, session)
  const { json } = await sending.answer
  assert.deepEqual(
    json.map(({ id }: { id: string }) => id),
    ['y'],
  )
})

test('a batch of 100 messages is served, and one of 101 is invalid and runs nothing', async () => {
  const before = stub.calls.length
  const many = (count: number) => Array.from({ length: count }, (_, i) => call(i, 'echo'))
  const served = await wire.post(many(100), session)
  assert.equal(served.json.length, 100)
  assert.equal(stub.calls.length, before + 100)
  const { status, json } = await wire.post(many(101), session)
  assert.equal(status, 400)
  assert.equal(json.error.code, -32600)
  assert.match(json.error.message, /at most 100 messages/)
  assert.equal(stub.calls.length, before + 100)
})

test('an empty batch, and batches of any other version, are invalid', async () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const modern = { ...ping, params: { _meta: ENVELOPE } }
  const newer = await wire.session({}, '2025-06-18')
  const answers = [
    await wire.post([], session),
    await wire.post([ping], newer),
    await wire.post([ping], { 'mcp-protocol-version': '2025-11-25' }),
    await wire.post([ping], { 'mcp-protocol-version': MODERN }),
    await wire.post([ping, modern], session),
  ]
  for (const { status, json } of answers) {
    assert.equal(status, 400)
    assert.equal(json.error.code, -32600)
    assert.equal(json.id, null)
  }
})
