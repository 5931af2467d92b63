// Servers of handshake revisions ask with their call open: the gateway holds it until the answer comes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  ListRootsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { stream } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'
import { ADA, ASKABLE, FORM, former, heldServer } from './held-server.ts'

const NAMED = `
import { definePlugin } from 'mcp-patchbay/sdk'
const told = (globalThis.heldTold ??= [])
export default definePlugin({
  name: 'named', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate: ({ headers: { user = 'ada' } }) => ({ principal: { issuer: 'test', subject: user, claims: {}, scopes: [] } }),
    listFilter: () => ({ key: String(globalThis.heldClosed), until: 0, test: () => !globalThis.heldClosed || { rule: 'closed', reason: 'closed' } }),
    observe(event) {
      if (event.type === 'call.finished') told.push([event.outcome.kind, event.outcome.executed, event.rounds])
    },
  }),
})
`
const host = globalThis as unknown as { heldTold: unknown[]; heldClosed?: boolean }

async function held(scope: Scope, { session = {} }: { session?: object } = {}) {
  const server = await heldServer(scope)
  const clock = new FakeClock()
  const gateway = await startWith(
    scope,
    { upstreams: { up: { url: server.stub.url, ...session } }, plugins: [{ use: './named.ts' }] },
    { files: { 'named.ts': NAMED }, clock },
  )
  await gateway.ready()
  host.heldTold.length = 0
  const wire = new Wire(scope, gateway.url)
  const call = (more: object = {}, headers = {}, name = 'up__write') => {
    const params = { name, arguments: { a: 1 }, _meta: ASKABLE, ...more }
    return wire.beginModern('tools/call', params, headers)
  }
  /** A call that has asked. */
  const asked = async (headers = {}) => {
    const sent = call({}, headers)
    const waiting = await server.next()
    const answer = waiting.ask()
    const { json } = await sent.answer
    return { waiting, answer, state: json.result.requestState as string, json }
  }
  const retry = (state: string, inputResponses: object = { 'question-1': ADA }, headers = {}) =>
    call({ requestState: state, inputResponses }, headers).answer
  return { server, clock, gateway, wire, call, asked, retry }
}

test('a client of 2026-07-28 is asked by its result, and the server’s call goes on with the answer', async (t) => {
  const { server, asked, retry } = await held(t)
  const { json, waiting, answer, state } = await asked()
  assert.equal(json.result.resultType, 'input_required')
  assert.deepEqual(json.result.inputRequests, { 'question-1': FORM })
  const going = retry(state)
  assert.deepEqual((await answer).result, ADA)
  const sampling = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }
  assert.equal((await waiting.ask(sampling)).error?.code, -32601)
  const again = waiting.ask()
  const second = (await going).json.result
  assert.deepEqual(Object.keys(second.inputRequests), ['question-2'])
  const last = retry(second.requestState, { 'question-2': ADA })
  assert.deepEqual((await again).result, ADA)
  waiting.end()
  assert.deepEqual((await last).json.result.content, [{ type: 'text', text: 'done' }])
  assert.equal((await last).json.result.resultType, 'complete')
  assert.equal(server.stub.of('tools/call').length, 1)
  assert.deepEqual(host.heldTold, [['result', true, 3]])
})

test('each session is told what its own callers can be asked, and those who can be asked nothing have theirs', async (t) => {
  const { server, call } = await held(t)
  const plain = call({ _meta: {} })
  const first = await server.next()
  const refused = await first.ask()
  assert.equal(refused.error?.code, -32601)
  first.end()
  await plain.answer
  const second = call()
  ;(await server.next()).end()
  await second.answer
  const third = call()
  ;(await server.next()).end()
  await third.answer
  assert.deepEqual(server.declared, [{}, { elicitation: {} }])
})

test('what the client could not be asked is not asked, whatever its session declared', async (t) => {
  const { server, call } = await held(t)
  const sent = call()
  const waiting = await server.next()
  for (const method of ['sampling/createMessage', 'roots/list', 'tools/list']) {
    assert.equal((await waiting.ask({ method, params: {} })).error?.code, -32601, method)
  }
  const page = { ...FORM, params: { mode: 'url', url: 'https://x.example', elicitationId: '1' } }
  assert.equal((await waiting.ask(page)).error?.code, -32601)
  assert.deepEqual((await waiting.ask({ method: 'ping' })).result, {})
  waiting.end()
  assert.equal((await sent.answer).json.result.content[0].text, 'done')
})

test('an answer is good once, for whoever asked, with the same arguments', async (t) => {
  const { server, asked, retry, call } = await held(t)
  const { waiting, answer, state } = await asked()
  const other = await retry(state, undefined, { user: 'eve' })
  assert.equal(other.json.error.code, -32602)
  const changed = await call({ arguments: { a: 2 }, requestState: state, inputResponses: {} })
    .answer
  assert.equal(changed.json.error.code, -32602)
  const going = retry(state)
  assert.deepEqual((await answer).result, ADA)
  assert.equal((await retry(state)).json.error.code, -32602)
  waiting.end()
  assert.equal((await going).json.result.content[0].text, 'done')
  assert.equal(server.stub.of('tools/call').length, 1)
})

test('what is not answered is asked again, and what is no answer is passed over', async (t) => {
  const { asked, retry } = await held(t)
  const { waiting, answer, state } = await asked()
  const again = (await retry(state, { other: ADA, 'question-1': 7 })).json.result
  assert.deepEqual(again.inputRequests, { 'question-1': FORM })
  const going = retry(again.requestState)
  assert.deepEqual((await answer).result, ADA)
  waiting.end()
  assert.equal((await going).json.result.content[0].text, 'done')
})

test('while nobody listens the newest progress is kept, and the result; further questions wait', async (t) => {
  const { server, call, retry, wire } = await held(t)
  const meta = { ...ASKABLE, progressToken: 'mine' }
  const sent = call({ _meta: meta })
  const waiting = await server.next()
  const { progressToken: token } = (waiting.message.params?._meta ?? {}) as Record<string, unknown>
  const first = waiting.ask()
  const { json } = await sent.answer
  const progress = (n: number) =>
    waiting.send({
      method: 'notifications/progress',
      params: { progressToken: token, progress: n },
    })
  progress(1)
  progress(2)
  const second = waiting.ask()
  // What came before it on the wire has been read once this is answered.
  await wire.modern('tools/list')
  const went = call({
    _meta: meta,
    requestState: json.result.requestState,
    inputResponses: { 'question-1': ADA },
  })
  assert.deepEqual((await first).result, ADA)
  const { messages } = await went.answer
  const told = messages.slice(0, -1)
  assert.deepEqual(
    told.map(({ params }) => [params.progressToken, params.progress]),
    [['mine', 2]],
  )
  const next = messages.at(-1).result
  assert.deepEqual(Object.keys(next.inputRequests), ['question-2'])
  waiting.end()
  const last = await retry(next.requestState, { 'question-2': ADA })
  assert.equal(last.json.result.content[0].text, 'done')
  void second
})

test('who goes away in the next round cancels the call at the server', async (t) => {
  const { server, asked, call } = await held(t)
  const { answer, state } = await asked()
  const going = call({ requestState: state, inputResponses: { 'question-1': ADA } })
  await answer
  const gone = new Promise<void>((resolve) => {
    server.stub.acts['notifications/cancelled'] = (_, response) => {
      response.writeHead(202).end()
      resolve()
    }
  })
  going.cut()
  await gone
  assert.deepEqual(server.cancelled, ['the client closed the connection'])
})

test('who may use the tool no longer is refused, and the server’s call is cancelled', async (t) => {
  const { server, asked, retry } = await held(t)
  const { state } = await asked()
  const gone = new Promise<void>((resolve) => {
    server.stub.acts['notifications/cancelled'] = (_, response) => {
      response.writeHead(202).end()
      resolve()
    }
  })
  host.heldClosed = true
  t.after(() => {
    host.heldClosed = false
  })
  const { json } = await retry(state)
  assert.equal(json.error.data.code, 'NOT_FOUND')
  await gone
  assert.deepEqual(host.heldTold, [['denial', true, 1]])
})

test('after ten minutes without an answer the call is cancelled at the server, and told', async (t) => {
  const { server, asked, retry, clock } = await held(t)
  const { state } = await asked()
  const gone = new Promise<void>((resolve) => {
    server.stub.acts['notifications/cancelled'] = (_, response) => {
      response.writeHead(202).end()
      resolve()
    }
  })
  // Silence is not held against a call that waits for a person.
  clock.advance(9 * 60_000)
  assert.deepEqual(server.cancelled, [])
  clock.advance(61_000)
  await gone
  assert.deepEqual(server.cancelled, ['nobody answered'])
  assert.equal((await retry(state)).json.error.code, -32602)
  assert.deepEqual(host.heldTold.at(0), ['cancelled', true, 1])
})

test('a server that dies while its call is held is told at the retry', async (t) => {
  const { asked, retry, wire } = await held(t)
  const { waiting, state } = await asked()
  waiting.cut()
  await wire.modern('tools/list')
  const { result } = (await retry(state)).json
  assert.equal(result.isError, true)
  assert.equal(result._meta['patchbay/error'].code, 'UNAVAILABLE')
})

test('one principal may let 32 calls wait; the server of the next is told, and goes on', async (t) => {
  const { server, asked, call, retry } = await held(t)
  const all = []
  for (let n = 0; n < 32; n++) all.push(await asked())
  const sent = call()
  const waiting = await server.next()
  assert.match(String((await waiting.ask()).error?.message), /too many calls wait/)
  waiting.end()
  assert.equal((await sent.answer).json.result.content[0].text, 'done')
  const others = await asked({ user: 'eve' })
  assert.equal(others.json.result.resultType, 'input_required')
  const [first] = all
  const going = retry(String(first?.state))
  await first?.answer
  first?.waiting.end()
  assert.equal((await going).json.result.content[0].text, 'done')
  // There is room again.
  assert.equal((await asked()).json.result.resultType, 'input_required')
})

test('a handshake client is asked all there is on the stream of its call, and its errors reach the server', async (t) => {
  const { server, gateway } = await held(t)
  const client = await former(t, gateway.url, { elicitation: {}, sampling: {}, roots: {} })
  client.setRequestHandler(ElicitRequestSchema, () => ADA as never)
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///a' }] }))
  client.setRequestHandler(CreateMessageRequestSchema, () => {
    throw new McpError(ErrorCode.InvalidRequest, 'the person said no')
  })
  const calling = client.callTool({ name: 'up__write', arguments: {} })
  const waiting = await server.next()
  const asked = [
    waiting.ask(),
    waiting.ask({ method: 'roots/list' }),
    waiting.ask({ method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }),
  ]
  const [form, roots, sampling] = await Promise.all(asked)
  assert.deepEqual(form?.result, ADA)
  assert.deepEqual(roots?.result, { roots: [{ uri: 'file:///a' }] })
  assert.match(String(sampling?.error?.message), /the person said no/)
  waiting.end()
  assert.deepEqual((await calling).content, [{ type: 'text', text: 'done' }])
  assert.deepEqual(server.declared, [{}, { elicitation: {}, sampling: {}, roots: {} }])
})

test('a server that waits no longer ends the call of a handshake client that is still asked', async (t) => {
  const { server, gateway } = await held(t)
  const client = await former(t, gateway.url, { elicitation: {} })
  const asked = Promise.withResolvers<void>()
  client.setRequestHandler(ElicitRequestSchema, async (_, { signal }) => {
    asked.resolve()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return { action: 'cancel' }
  })
  const calling = client.callTool({ name: 'up__write', arguments: {} })
  const waiting = await server.next()
  void waiting.ask()
  await asked.promise
  waiting.end({ content: [{ type: 'text', text: 'tired of waiting' }] })
  assert.deepEqual((await calling).content, [{ type: 'text', text: 'tired of waiting' }])
})

test('a server that asks on its session’s stream is heard while one call is open, and refused else', async (t) => {
  const { server, call, retry } = await held(t)
  const { promise: opened, resolve: open } = Promise.withResolvers<(message: object) => void>()
  server.stub.acts.GET = (_, response) => {
    open(stream(response))
    return undefined
  }
  const sent = call()
  const waiting = await server.next()
  const tell = await opened
  const answer = server.answerTo('aside')
  tell({ id: 'aside', ...FORM })
  const { result } = (await sent.answer).json
  assert.deepEqual(result.inputRequests, { 'question-1': FORM })
  // Held, it is open still: with another call beside it nobody can tell whose a question is.
  const other = call()
  const second = await server.next()
  const refused = server.answerTo('whose')
  tell({ id: 'whose', ...FORM })
  assert.equal((await refused).error?.code, -32601)
  second.end()
  await other.answer
  const going = retry(result.requestState)
  assert.deepEqual((await answer).result, ADA)
  waiting.end()
  assert.equal((await going).json.result.content[0].text, 'done')
})
