// A handshake server that wants URLs opened first says so by an error that one revision knows.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { json, stream, stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const ELICITATIONS = [
  {
    mode: 'url',
    elicitationId: 'e1',
    url: 'https://example.com/connect?x=1',
    message: 'Connect your account',
  },
]
const ERROR = {
  code: -32042,
  message: 'This needs a connected account.',
  data: { elicitations: ELICITATIONS },
}
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const CAN_OPEN = { [CAPABILITIES]: { elicitation: { url: {} } } }
const CALL = { name: 'write', arguments: { n: 1 } }

/** A gateway in front of a server that refuses until the test says that the URL was opened. */
async function house(t: TestContext) {
  const upstream = await stub(t, 'legacy')
  const state = { opened: false, error: ERROR as object }
  upstream.acts['tools/call'] = ({ message }, response) => {
    if (state.opened) return { content: [{ type: 'text', text: 'done' }] }
    return json(response, 200, { jsonrpc: '2.0', id: message.id, error: state.error })
  }
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url, prefix: '' } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  return { upstream, state, wire: new Wire(t, gateway.url) }
}

test('a modern client that can open URLs is asked to, and its retry sends the same call again', async (t) => {
  const { upstream, state, wire } = await house(t)
  const { result } = (await wire.modern('tools/call', { ...CALL, _meta: CAN_OPEN })).json
  assert.equal(result.resultType, 'input_required')
  const [key, ...others] = Object.keys(result.inputRequests)
  assert.deepEqual(others, [])
  const { elicitationId: _, ...params } = ELICITATIONS[0] as (typeof ELICITATIONS)[0]
  assert.deepEqual(result.inputRequests[key as string], { method: 'elicitation/create', params })

  state.opened = true
  const retry = {
    ...CALL,
    _meta: CAN_OPEN,
    requestState: result.requestState,
    inputResponses: { [key as string]: { action: 'accept' } },
  }
  const answer = await wire.modern('tools/call', retry)
  assert.equal(answer.json.result.content[0].text, 'done')
  const calls = upstream.of('tools/call').map(({ message }) => message.params)
  assert.deepEqual(calls, [CALL, CALL])
  const again = await wire.modern('tools/call', retry)
  assert.equal(again.json.error.code, -32602)
  assert.equal(upstream.of('tools/call').length, 2)
})

test('who does not open it is told and not asked again; who says so too early is', async (t) => {
  const { wire } = await house(t)
  const ask = async (more: object) =>
    (await wire.modern('tools/call', { ...CALL, _meta: CAN_OPEN, ...more })).json.result
  const first = await ask({})
  const key = Object.keys(first.inputRequests)[0] as string
  const early = await ask({
    requestState: first.requestState,
    inputResponses: { [key]: { action: 'accept' } },
  })
  assert.equal(early.resultType, 'input_required')
  const declined = await ask({
    requestState: early.requestState,
    inputResponses: { [key]: { action: 'decline' } },
  })
  assert.equal(declined.isError, true)
  assert.equal(
    declined.content[0].text,
    'This needs a connected account.\nConnect your account: https://example.com/connect?x=1\nAsk the user to open it in a browser, then call the tool again.',
  )
})

test('a client of 2025-11-25 gets the error as it is, others what their model can tell', async (t) => {
  const { wire } = await house(t)
  for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
    const { json: answer } = await wire.legacy('tools/call', CALL, await wire.session({}, version))
    if (version === '2025-11-25') assert.deepEqual(answer.error, ERROR)
    else {
      assert.equal(answer.result.isError, true, version)
      assert.match(answer.result.content[0].text, /https:\/\/example\.com\/connect\?x=1/)
    }
  }
  for (const capabilities of [{}, { elicitation: {} }, { elicitation: { form: {} } }]) {
    const _meta = { [CAPABILITIES]: capabilities }
    const { result } = (await wire.modern('tools/call', { ...CALL, _meta })).json
    assert.equal(result.isError, true)
    assert.equal(result.resultType, 'complete')
    assert.match(result.content[0].text, /https:\/\/example\.com\/connect\?x=1/)
  }
})

test('an error of that code that names no URLs asks nothing', async (t) => {
  const { wire, state } = await house(t)
  for (const data of [undefined, null, {}, { elicitations: [] }, { elicitations: [{ url: 1 }] }]) {
    state.error = { ...ERROR, data }
    const { result } = (await wire.modern('tools/call', { ...CALL, _meta: CAN_OPEN })).json
    assert.equal(result.isError, true)
    assert.match(result.content[0].text, /^This needs a connected account\./)
  }
})

test('that a URL was dealt with is told to callers of 2025-11-25 on their call, and to no others', async (t) => {
  const { wire, upstream } = await house(t)
  const done = {
    method: 'notifications/elicitation/complete',
    params: { elicitationId: 'e1', 'x-n': 1 },
  }
  upstream.acts['tools/call'] = ({ message }, response) => {
    const send = stream(response)
    send(done)
    send({ id: message.id, result: { content: [] } })
    response.end()
  }
  for (const version of ['2025-11-25', '2025-06-18']) {
    const { messages } = await wire.legacy('tools/call', CALL, await wire.session({}, version))
    const heard = messages.filter(({ method }) => method !== undefined)
    assert.deepEqual(heard, version === '2025-11-25' ? [{ jsonrpc: '2.0', ...done }] : [])
  }
  const { messages } = await wire.modern('tools/call', { ...CALL, _meta: CAN_OPEN })
  assert.equal(messages.length, 1)
})
