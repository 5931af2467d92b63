// Clients of handshake revisions are asked by requests on the stream of the call that asks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const FORM = {
  method: 'elicitation/create',
  params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
}
const GUARD = `
import { ask, definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'confirm',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall({ answers: { ok } }) {
      if (ok?.action === 'accept') return undefined
      if (ok !== undefined) return deny('FORBIDDEN', 'the person said no')
      return ask({ ok: ${JSON.stringify(FORM)} })
    },
  }),
})
`

/** A gateway whose server asks what \`questions\` say before it does its work. */
async function asking(scope: Scope, questions: object = {}, plugins: object[] = []) {
  const server = await stub(scope, 'modern')
  server.acts['tools/call'] = ({ message: { params } }) => {
    const asks = Object.keys(questions).length > 0 && params?.requestState === undefined
    if (asks) return { resultType: 'input_required', inputRequests: questions, requestState: 's' }
    return { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }
  }
  const clock = new FakeClock()
  const gateway = await startWith(
    scope,
    { upstreams: { up: { url: server.url } }, plugins: [{ use: 'auth-none' }, ...plugins] },
    { files: { 'confirm.ts': GUARD }, clock },
  )
  await gateway.ready()
  return { server, gateway, clock }
}

async function former(scope: Scope, url: string, capabilities: object) {
  const client = new FormerClient({ name: 'old', version: '1' }, { capabilities })
  scope.after(() => client.close())
  await client.connect(new FormerTransport(new URL(url)) as never)
  return client
}

test('a plugin asks the person behind a client of 2025-11-25, and the call goes on or not', async (t) => {
  const { server, gateway } = await asking(t, {}, [{ use: './confirm.ts' }])
  const client = await former(t, gateway.url, { elicitation: {} })
  const said: string[] = []
  let action: 'accept' | 'decline' = 'accept'
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    said.push(params.message)
    return { action, ...(action === 'accept' ? { content: {} } : {}) }
  })
  const yes = await client.callTool({ name: 'up__look', arguments: {} })
  assert.deepEqual(yes.content, [{ type: 'text', text: 'done' }])
  action = 'decline'
  const no = await client.callTool({ name: 'up__look', arguments: {} })
  assert.match(JSON.stringify(no.content), /the person said no/)
  assert.deepEqual(said, ['Sure?', 'Sure?'])
  assert.equal(server.of('tools/call').length, 1)
})

test('a server of 2026-07-28 asks it everything there is to ask, and gets each answer as it came', async (t) => {
  const sampling = { messages: [], maxTokens: 5 }
  const { server, gateway } = await asking(t, {
    form: FORM,
    model: { method: 'sampling/createMessage', params: sampling },
    roots: { method: 'roots/list' },
  })
  const client = await former(t, gateway.url, { elicitation: {}, sampling: {}, roots: {} })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }))
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///a' }] }))
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    role: 'assistant',
    model: 'm',
    content: { type: 'text', text: 'hi' },
  }))
  const { content } = await client.callTool({ name: 'up__look', arguments: { a: 1 } })
  assert.deepEqual(content, [{ type: 'text', text: 'done' }])
  const [asked, answered] = server.of('tools/call')
  const meta = asked?.message.params?._meta as Record<string, unknown>
  assert.deepEqual(meta['io.modelcontextprotocol/clientCapabilities'], {
    elicitation: {},
    sampling: {},
    roots: {},
  })
  assert.deepEqual(answered?.message.params?.inputResponses, {
    form: { action: 'accept', content: {} },
    model: { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } },
    roots: { roots: [{ uri: 'file:///a' }] },
  })
  assert.equal(answered?.message.params?.requestState, 's')
})

test('a client that cannot do what it was asked ends the call, but for a form it does not show', async (t) => {
  const failing = async (questions: object, schema: typeof ElicitRequestSchema) => {
    const { gateway } = await asking(t, questions)
    const client = await former(t, gateway.url, { elicitation: {}, sampling: {} })
    client.setRequestHandler(schema, () => {
      throw new Error('no model here')
    })
    return client.callTool({ name: 'up__look', arguments: {} })
  }
  const shown = await failing({ form: FORM }, ElicitRequestSchema)
  assert.deepEqual(shown.content, [{ type: 'text', text: 'done' }])
  const sampling = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } }
  const sampled = await failing({ model: sampling }, CreateMessageRequestSchema as never)
  assert.match(JSON.stringify(sampled.content), /refused sampling\/createMessage: .*no model here/)
})

/** A session of 2025-06-18 that is spoken to as bytes, with a call that waits for an answer. */
async function waiting(scope: Scope, questions: object = { form: FORM }) {
  const { server, gateway, clock } = await asking(scope, questions)
  const wire = new Wire(scope, gateway.url)
  const open = async () => {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: { elicitation: { url: {}, form: {} }, roots: {} },
      clientInfo: { name: 'raw', version: '1' },
    }
    const answer = await wire.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    return { 'mcp-session-id': String(answer.headers['mcp-session-id']) }
  }
  const mine = await open()
  const params = { name: 'up__look', arguments: {} }
  const call = wire.beginPost({ jsonrpc: '2.0', id: 7, method: 'tools/call', params }, mine)
  await call.seen('"method":"')
  const post = (body: object, as = mine) => wire.post({ jsonrpc: '2.0', ...body }, as)
  return { server, clock, wire, call, post, open, mine }
}

const ACCEPT = { action: 'accept', content: {} }

test('the question is a request of the client’s revision, answered once, by its own session only', async (t) => {
  const page = {
    method: 'elicitation/create',
    params: { mode: 'url', message: 'm', url: 'https://a.example' },
  }
  const { server, call, post, open } = await waiting(t, { form: FORM, page })
  await call.seen('a.example')
  const stranger = await open()
  const [form, url] = call.heard().filter(({ method }) => method === 'elicitation/create')
  assert.deepEqual(form.params, { message: 'Sure?', requestedSchema: FORM.params.requestedSchema })
  assert.equal(url.params.elicitationId, url.id)
  const answer = async (id: unknown, as?: typeof stranger) =>
    (await post({ id, result: ACCEPT }, as)).status
  // Nobody learns whether somebody waits.
  assert.equal(await answer(form.id, stranger), 202)
  assert.equal(await answer('question-made-up'), 202)
  assert.equal(server.of('tools/call').length, 1)
  for (const id of [form.id, form.id, url.id]) assert.equal(await answer(id), 202)
  const { json } = await call.answer
  assert.equal(json.result.content[0].text, 'done')
  assert.equal(server.of('tools/call').length, 2)
})

test('a call that is cancelled while it waits is over, and so is one whose session ends', async (t) => {
  const cancelled = await waiting(t)
  const params = { requestId: 7, reason: 'changed my mind' }
  await cancelled.post({ method: 'notifications/cancelled', params })
  const ended = await waiting(t)
  assert.equal((await ended.wire.send('DELETE', ended.mine)).status, 200)
  for (const { call, server } of [cancelled, ended]) {
    assert.doesNotMatch((await call.answer).text, /"result"/)
    assert.equal(server.of('tools/call').length, 1)
  }
})

test('a question that nobody answers ends the call after ten minutes', async (t) => {
  const { server, call, clock } = await waiting(t)
  for (let minute = 0; minute < 11; minute++) clock.advance(60_000)
  const { json } = await call.answer
  assert.equal(json.result.isError, true)
  assert.match(json.result.content[0].text, /nobody answered/)
  assert.equal(server.of('tools/call').length, 1)
})

test('an answer of any shape ends the wait, even an error that is none', async (t) => {
  const roots = { roots: { method: 'roots/list' } }
  for (const error of [null, 'no', { message: { toString: 1, valueOf: 1 } }]) {
    const { call, post } = await waiting(t, roots)
    const [{ id }] = call.heard()
    assert.equal((await post({ id, error })).status, 202)
    const { json } = await call.answer
    assert.match(json.result.content[0].text, /the client refused roots\/list/)
  }
})
