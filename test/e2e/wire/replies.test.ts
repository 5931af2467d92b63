import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { DENIAL_CODES } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { steered } from './steered.ts'
import { Wire } from './wire.ts'

const { wire, stub } = await steered({ after })
const loud = await steered({ after }, { errors: { showPlugin: true } })
const session = await wire.session()

const ERAS = {
  modern: (name: string, args: object = {}, meta: object = {}) =>
    wire.modern('tools/call', { name, arguments: args, _meta: meta }),
  legacy: (name: string, args: object = {}, meta: object = {}) =>
    wire.legacy('tools/call', { name, arguments: args, _meta: meta }, session),
}

const TO_THE_MODEL = [
  'FORBIDDEN',
  'LOGIN_REQUIRED',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'TIMEOUT',
  'INVALID',
] as const

for (const [era, call] of Object.entries(ERAS)) {
  test(`${era}: a result is answered as it is, and so is a tool's own error`, async () => {
    const ok = await call('echo', { a: 1 })
    assert.equal(ok.status, 200)
    assert.deepEqual(ok.json.result.content, [{ type: 'text', text: '{"a":1}' }])
    const failed = await call('fails')
    assert.equal(failed.status, 200)
    assert.equal(failed.json.result.isError, true)
    assert.deepEqual(failed.json.result.content, [{ type: 'text', text: 'it went wrong' }])
    assert.equal('resultType' in ok.json.result, era === 'modern')
  })

  for (const code of TO_THE_MODEL) {
    test(`${era}: ${code} on a call is told to the model, not by a status`, async () => {
      const data = { hint: 'Do the other thing.', rule: 'r1', retryAfterMs: 1500 }
      const { status, json } = await call('echo', { deny: { code, message: 'not now', data } })
      assert.equal(status, 200)
      const { result } = json
      assert.equal(result.isError, true)
      assert.deepEqual(result.content, [{ type: 'text', text: 'not now. Do the other thing.' }])
      assert.deepEqual(result._meta['patchbay/error'], {
        code,
        message: 'not now',
        hint: 'Do the other thing.',
        retryAfterMs: 1500,
      })
      assert.equal(result.resultType, era === 'modern' ? 'complete' : undefined)
    })
  }

  test(`${era}: every refusal without a hint of its own ends with what to do`, async () => {
    for (const code of TO_THE_MODEL) {
      const { json } = await call('echo', { deny: { code } })
      assert.match(json.result.content[0].text, /^no\. [A-Z].*\.$/)
    }
  })

  test(`${era}: UNAUTHENTICATED and INSUFFICIENT_SCOPE are statuses with every plugin's challenge`, async () => {
    const first = await call('echo', { deny: { code: 'UNAUTHENTICATED' } })
    assert.equal(first.status, 401)
    assert.equal(first.json.error.code, 40100)
    assert.equal(first.headers['www-authenticate'], 'Bearer, ApiKey hint="say \\"please\\""')
    const data = { scopes: ['files:write', 'files:read'] }
    const second = await call('echo', { deny: { code: 'INSUFFICIENT_SCOPE', data } })
    assert.equal(second.status, 403)
    assert.equal(second.json.error.code, 40302)
    assert.deepEqual(second.json.error.data.scopes, data.scopes)
    assert.equal(
      second.headers['www-authenticate'],
      'Bearer error="insufficient_scope", scope="files:write files:read", ApiKey hint="say \\"please\\""',
    )
    assert.match(second.json.error.message, /\. Ask for the missing scopes and try again\.$/)
  })

  test(`${era}: once a stream is open every refusal is told to the model`, async () => {
    for (const code of ['UNAUTHENTICATED', 'INSUFFICIENT_SCOPE', ...TO_THE_MODEL]) {
      const after = { code, message: 'too late', data: { scopes: ['x'] } }
      const answer = call('hold', { after }, { progressToken: 'p' })
      await stub.until(() => (stub.calls.at(-1) as { after?: object })?.after !== undefined)
      stub.release()
      const { status, headers, messages, json } = await answer
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'text/event-stream')
      assert.equal(headers['www-authenticate'], undefined)
      assert.equal(messages[0].params.progressToken, 'p')
      assert.equal(json.result.isError, true)
      assert.equal(json.result._meta['patchbay/error'].code, code)
      assert.deepEqual(json.result._meta['patchbay/error'].scopes, ['x'])
      stub.forget()
    }
  })

  test(`${era}: NOT_FOUND by a plugin and an unknown name read the same`, async () => {
    const hint = 'List the tools again and use one of their names.'
    const denied = await call('echo', {
      deny: { code: 'NOT_FOUND', message: 'Unknown tool: echo' },
    })
    const unknown = await call('ghost')
    for (const [{ status, json }, name] of [
      [denied, 'echo'],
      [unknown, 'ghost'],
    ] as const) {
      assert.equal(status, 200)
      assert.deepEqual(json.error, {
        code: -32602,
        message: `Unknown tool: ${name}. ${hint}`,
        data: { code: 'NOT_FOUND', message: `Unknown tool: ${name}`, hint },
      })
    }
  })

  test(`${era}: an upstream's own error is relayed as it is`, async () => {
    const { status, json } = await call('refuses')
    assert.equal(status, 200)
    assert.deepEqual(json.error, { code: -32050, message: 'not like this', data: { n: 1 } })
  })

  test(`${era}: an upstream's "resource not found" is told in the words of the era`, async () => {
    const { json } = await call('missing')
    assert.equal(json.error.code, era === 'modern' ? -32602 : -32002)
    assert.deepEqual(json.error.data, { uri: 'a:b' })
  })

  test(`${era}: an upstream lost after sending is UNAVAILABLE and says to check`, async () => {
    const { status, json } = await call('breaks')
    assert.equal(status, 200)
    assert.equal(json.result._meta['patchbay/error'].code, 'UNAVAILABLE')
    assert.match(json.result.content[0].text, /Check whether it was done before trying again\.$/)
  })
}

test('plugin and rule are told only where the config allows it', async () => {
  const deny = { code: 'FORBIDDEN', data: { rule: 'r1' } }
  const params = { name: 'echo', arguments: { deny } }
  const quiet = (await wire.modern('tools/call', params)).json.result._meta['patchbay/error']
  assert.equal('plugin' in quiet || 'rule' in quiet, false)
  const told = (await loud.wire.modern('tools/call', params)).json.result._meta['patchbay/error']
  assert.equal(told.plugin, 'steer')
  assert.equal(told.rule, 'r1')
})

test('a refusal at the door is a status, with a challenge where credentials could help', async () => {
  const statuses: Record<string, number> = {
    UNAUTHENTICATED: 401,
    INSUFFICIENT_SCOPE: 403,
    LOGIN_REQUIRED: 403,
    FORBIDDEN: 403,
    NOT_FOUND: 403,
    RATE_LIMITED: 429,
    INVALID: 400,
    UNAVAILABLE: 503,
    TIMEOUT: 504,
  }
  const codes: Record<string, number> = {
    UNAUTHENTICATED: 40100,
    INSUFFICIENT_SCOPE: 40302,
    LOGIN_REQUIRED: 40101,
    FORBIDDEN: 40301,
    NOT_FOUND: -32602,
    RATE_LIMITED: 42901,
    INVALID: -32602,
    UNAVAILABLE: 50301,
    TIMEOUT: 50401,
  }
  for (const code of DENIAL_CODES) {
    const said = { code, message: 'stop', data: { retryAfterMs: 1200 } }
    const headers = { 'x-deny': JSON.stringify(said) }
    const answers = [
      await wire.modern('tools/list', {}, headers),
      await wire.legacy('tools/list', undefined, headers),
      await wire.send('GET', headers),
      await wire.send('DELETE', headers),
    ]
    for (const { status, json, headers: received } of answers) {
      assert.equal(status, statuses[code], code)
      assert.equal(json.id, null)
      assert.equal(json.error.code, codes[code])
      assert.equal(json.error.data.code, code)
      assert.match(json.error.message, /^stop\. [A-Z].*\.$/)
      assert.equal(received['retry-after'], '2')
      const challenged = statuses[code] === 401 || statuses[code] === 403
      assert.equal(received['www-authenticate'] !== undefined, challenged, code)
    }
  }
})

test('a modern client that closes the connection cancels its call upstream', async () => {
  const before = stub.closed
  const sending = wire.beginModern('tools/call', {
    name: 'hold',
    arguments: { marker: 'close' },
    _meta: { progressToken: 1 },
  })
  await sending.seen('notifications/progress')
  sending.cut()
  await stub.until(() => stub.closed === before + 1)
})

test('a legacy client cancels by a notification, and nothing more is sent', async () => {
  const before = stub.closed
  for (const id of ['"a"', '7', '123456789012345678901234567890']) {
    const arrived = stub.calls.length
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"hold"}}`
    const sending = wire.beginPost(body, session)
    await stub.until(() => stub.calls.length > arrived)
    const note = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`
    assert.equal((await wire.post(note, session)).status, 202)
    const { status, messages } = await sending.answer
    assert.equal(status, 200)
    assert.deepEqual(messages, [])
  }
  await stub.until(() => stub.closed === before + 3)
})

test('a legacy client that loses its connection has not cancelled', async () => {
  const before = stub.closed
  const arrived = stub.calls.length
  const sending = wire.beginPost(
    { jsonrpc: '2.0', id: 'lost', method: 'tools/call', params: { name: 'hold' } },
    session,
  )
  await stub.until(() => stub.calls.length > arrived)
  sending.cut()
  assert.equal((await wire.legacy('ping', undefined, session)).status, 200)
  assert.equal(stub.closed, before)
  stub.release()
})

test('an upstream that stays silent is a TIMEOUT', async (t) => {
  const clock = new FakeClock()
  const slow = await steered(t, {}, { clock })
  const answer = slow.wire.modern('tools/call', { name: 'hold' })
  await slow.stub.until(() => slow.stub.calls.length === 1)
  clock.advance(61_000)
  const { status, headers, json } = await answer
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'text/event-stream')
  assert.equal(json.result._meta['patchbay/error'].code, 'TIMEOUT')
})

test('a request keeps its own id in every log line and error, unless it is no id', async (t) => {
  const broken = await steered(
    t,
    {
      plugins: [{ use: './steer.ts' }, { use: './throws.ts' }],
    },
    {
      files: {
        'throws.ts': `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'throws', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ beforeCall() { throw new Error('boom') } }),
})
`,
      },
    },
  )
  const own = new Wire(t, broken.gateway.url)
  const call = (id: string) => own.modern('tools/call', { name: 'echo' }, { 'x-request-id': id })
  const kept = (await call('req-7.a:b')).json.error
  assert.equal(kept.code, -32603)
  assert.equal(kept.data.requestId, 'req-7.a:b')
  assert.match(kept.message, /request req-7\.a:b\)\. Tell the operator the request id\.$/)
  for (const garbage of ['a b', 'x'.repeat(129), '<script>', '{}']) {
    const { data } = (await call(garbage)).json.error
    assert.match(data.requestId, /^[\w-]+$/)
    assert.notEqual(data.requestId, garbage)
  }
  const logged = (id: string) => broken.gateway.log.filter(({ requestId }) => requestId === id)
  const [failed] = logged('req-7.a:b')
  assert.deepEqual([failed?.plugin, failed?.hook], ['throws', 'beforeCall'])
})
