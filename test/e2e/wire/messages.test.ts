import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { steered } from './steered.ts'
import { ENVELOPE, MODERN, mirrored } from './wire.ts'

const { wire, stub } = await steered({ after })
const session = await wire.session()

const modernCall = (params: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { _meta: ENVELOPE, ...params },
})

test('a body that is no JSON is a parse error', async () => {
  for (const body of [
    '',
    '{',
    '{"jsonrpc":"2.0",}',
    "{'a':1}",
    'null null',
    '\u0000',
    '{"a":NaN}',
  ]) {
    const { status, json } = await wire.post(body)
    assert.equal(status, 400, body)
    assert.equal(json.error.code, -32700)
    assert.equal(json.id, null)
  }
})

test('a body that is not UTF-8 is a parse error', async () => {
  const { status, json } = await wire.post(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))
  assert.equal(status, 400)
  assert.equal(json.error.code, -32700)
})

test('JSON that is no JSON-RPC 2.0 message is an invalid request', async () => {
  const bodies = [
    'null',
    '1',
    '"ping"',
    '{}',
    '[]',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":null,"method":"ping"}',
    '{"jsonrpc":"2.0","id":{},"method":"ping"}',
    '{"jsonrpc":"2.0","id":true,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":3}}',
  ]
  for (const body of bodies) {
    const { status, json } = await wire.post(body)
    assert.equal(status, 400, body)
    assert.equal(json.error.code, -32600, body)
    assert.equal(json.id, null)
  }
})

test('a member that stands twice is refused, because parsers disagree about which one counts', async () => {
  const twice = [
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/list"}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"hold"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"a":1,"a":2}}}',
  ]
  for (const body of twice) {
    const { status, json } = await wire.post(body)
    assert.equal(status, 400, body)
    assert.equal(json.error.code, -32600)
  }
})

test('arguments that name a member twice never reach a server behind a guard', async () => {
  const before = stub.calls.length
  for (const args of [
    '{"a":1,"a":2}',
    '{"x":[{"b":1,"\\u0062":2}]}',
    '{"x":{"y":{"z":1,"z":1}}}',
  ]) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${args}}}`
    const { status, json } = await wire.post(body, session)
    assert.equal(status, 200)
    assert.equal(json.error.code, -32602)
    assert.equal(json.error.data.code, 'INVALID')
  }
  assert.equal(stub.calls.length, before)
})

test('an unknown method is 404 for modern clients and in-band for legacy ones', async () => {
  for (const method of ['no/such', 'initialize', 'ping', 'logging/setLevel', 'tasks/list']) {
    const { status, json } = await wire.modern(method)
    assert.equal(status, 404, method)
    assert.equal(json.error.code, -32601)
  }
  const { status, json } = await wire.legacy('no/such', undefined, session)
  assert.equal(status, 200)
  assert.equal(json.error.code, -32601)
})

test('an envelope without a required key, or with one of a wrong type, is refused with 400', async () => {
  const { 'io.modelcontextprotocol/protocolVersion': version } = ENVELOPE
  const key = (name: string) => `io.modelcontextprotocol/${name}`
  const metas = [
    {},
    { [key('clientCapabilities')]: {} },
    { [key('protocolVersion')]: version },
    { [key('protocolVersion')]: 7, [key('clientCapabilities')]: {} },
    { [key('protocolVersion')]: version, [key('clientCapabilities')]: [] },
    { ...ENVELOPE, [key('clientInfo')]: 'me' },
    { ...ENVELOPE, [key('clientInfo')]: { version: '1' } },
  ]
  for (const _meta of metas) {
    const body = { jsonrpc: '2.0', id: 'x', method: 'tools/list', params: { _meta } }
    const { status, json } = await wire.post(body, mirrored('tools/list'))
    assert.equal(status, 400, JSON.stringify(_meta))
    assert.equal(json.error.code, -32602)
    assert.match(json.error.message, /_meta/)
    assert.equal(json.id, 'x')
  }
})

test('a version that is not spoken is refused with those that are', async () => {
  const _meta = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }
  const headers = { ...mirrored('tools/list'), 'mcp-protocol-version': '2099-01-01' }
  const modern = await wire.post(body, headers)
  const legacy = await wire.legacy('ping', undefined, { 'mcp-protocol-version': '1999-01-01' })
  for (const { status, json } of [modern, legacy]) {
    assert.equal(status, 400)
    assert.equal(json.error.code, -32022)
    assert.ok(json.error.data.supported.includes(MODERN))
    assert.equal(typeof json.id, 'number')
  }
  assert.equal(modern.json.error.data.requested, '2099-01-01')
  assert.ok(legacy.json.error.data.supported.includes('2025-11-25'))
  const found = await wire.post(
    { jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: ENVELOPE } },
    mirrored('server/discover'),
  )
  assert.deepEqual(modern.json.error.data.supported, found.json.result.supportedVersions)
})

test('a version in the body that is not the one in the header is a mismatch, spoken or not', async () => {
  const _meta = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }
  const { status, json } = await wire.post(body, mirrored('tools/list'))
  assert.equal(status, 400)
  assert.equal(json.error.code, -32020)
})

test('initialize under a modern header contradicts itself', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: MODERN } }
  const { status, json } = await wire.post(body, mirrored('initialize'))
  assert.equal(status, 400)
  assert.equal(json.error.code, -32020)
})

test('parameters of a wrong type are refused and never reach a server', async () => {
  const before = stub.calls.length
  const wrong: [string, object][] = [
    ['tools/call', {}],
    ['tools/call', { name: 7 }],
    ['tools/call', { name: null }],
    ['tools/call', { name: ['echo'] }],
    ['tools/call', { name: 'echo', arguments: [] }],
    ['tools/call', { name: 'echo', arguments: 'x' }],
    ['tools/call', { name: 'echo', arguments: null }],
    ['tools/list', { cursor: 7 }],
    ['tools/list', { cursor: 'nope' }],
  ]
  for (const [method, params] of wrong) {
    for (const answer of [
      await wire.modern(method, params as Record<string, unknown>),
      await wire.legacy(method, params as Record<string, unknown>, session),
    ]) {
      assert.equal(answer.status, 200, JSON.stringify(params))
      assert.equal(answer.json.error.code, -32602, JSON.stringify(params))
    }
  }
  for (const params of [
    {},
    { protocolVersion: 7 },
    { protocolVersion: '2025-11-25', capabilities: [] },
    { protocolVersion: '2025-11-25', capabilities: null },
  ]) {
    const { json, headers } = await wire.legacy('initialize', params)
    assert.equal(json.error.code, -32602, JSON.stringify(params))
    assert.equal(headers['mcp-session-id'], undefined)
  }
  for (const notifications of [undefined, null, [], 'x']) {
    const { status, json } = await wire.modern('subscriptions/listen', { notifications })
    assert.equal(status, 200)
    assert.equal(json.error.code, -32602)
  }
  for (const requestId of [undefined, null, {}, [], true]) {
    const note = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }
    assert.equal((await wire.post(note, session)).status, 202)
  }
  assert.equal(stub.calls.length, before)
})

test('ids come back as they were written, strings and integers of any size', async () => {
  for (const id of [
    '"a"',
    '""',
    '0',
    '-7',
    '123456789012345678901234567890',
    '1.50',
    '"\\u0041"',
  ]) {
    const body = `{"jsonrpc":"2.0","id":${id},"method":"ping"}`
    const { text } = await wire.post(body, session)
    assert.ok(text.includes(`"id":${id},`), text)
  }
})

test('notifications and answers are taken without a word', async () => {
  const bodies = [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/no/such' },
    { jsonrpc: '2.0', id: 1, result: {} },
    { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } },
  ]
  for (const body of bodies) {
    const { status, text } = await wire.post(body, session)
    assert.equal(status, 202)
    assert.equal(text, '')
  }
  const note = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { _meta: ENVELOPE } }
  const header = { 'mcp-protocol-version': MODERN }
  assert.equal((await wire.post(note, header)).status, 202)
  const bare = { jsonrpc: '2.0', method: 'notifications/cancelled' }
  assert.equal((await wire.post(bare, header)).status, 202)
})

test('every header that mirrors the body must be there and agree with it', async () => {
  const body = modernCall({ name: 'echo' })
  const good = mirrored('tools/call', 'echo')
  const wrong = [
    { ...good, 'mcp-protocol-version': '2025-11-25' },
    { ...good, 'mcp-method': 'tools/list' },
    { ...good, 'mcp-method': 'Tools/Call' },
    { ...good, 'mcp-name': 'hold' },
    { ...good, 'mcp-name': '=?base64?ZWNobw?=' },
    { ...good, 'mcp-name': '=?base64?aG9sZA==?=' },
    { ...good, 'mcp-name': '=?base64?!!!!?=' },
    { ...good, 'mcp-protocol-version': undefined },
    { ...good, 'mcp-method': undefined },
    { ...good, 'mcp-name': undefined },
  ]
  for (const headers of wrong) {
    const { status, json } = await wire.post(body, headers)
    assert.equal(status, 400, JSON.stringify(headers))
    assert.equal(json.error.code, -32020)
    assert.equal(json.id, 1)
  }
  for (const name of ['echo', '  echo ', '=?base64?ZWNobw==?=']) {
    const { status, json } = await wire.post(body, { ...good, 'mcp-name': name })
    assert.equal(status, 200, name)
    assert.equal(json.result.isError, undefined)
  }
})

test('arguments a hundred thousand levels deep arrive whole, behind guards too', async () => {
  const depth = 100_000
  const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fails","arguments":{"deep":${deep}}}}`
  const { status, json } = await wire.post(body, session)
  assert.equal(status, 200)
  assert.equal(json.result.isError, true)
  assert.equal(json.result.content[0].text, 'it went wrong')
  const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const { json: second } = await wire.post(body.replace(deep, objects), session)
  assert.equal(second.result.content[0].text, 'it went wrong')
})
