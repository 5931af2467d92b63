// Servers of 2026-07-28 that ask in the middle of a call, through the gateway, to clients that can answer.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  acceptedContent,
  createMcpHandler,
  inputRequired,
  McpServer,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { adapt, serve } from '../../fixtures/upstreams.ts'
import { type Stub, stub } from '../upstreams/stub.ts'

const ELICITATION = { elicitation: { form: {} } }
const KEYS = { anna: 'the-key-of-anna-0123456789', bert: 'the-key-of-bert-0123456789' }
const QUESTION = {
  ok: {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
  },
}
const ANSWER = { ok: { action: 'accept', content: {}, big: 0 } }

interface Sending {
  readonly args?: object
  readonly name?: string
  readonly method?: string
  readonly state?: string
  readonly capabilities?: object
  readonly as?: keyof typeof KEYS
}

/** A gateway before a server that asks once, and clients with keys. */
async function asking(
  scope: Scope,
  more: { plugins?: object[]; files?: Record<string, string> } = {},
) {
  const server = await stub(scope, 'modern')
  server.tools = ['look', 'write'].map((name) => ({ name, inputSchema: { type: 'object' } }))
  server.acts['tools/call'] = ({ message: { params } }) => {
    if (params?.requestState === undefined) {
      return { resultType: 'input_required', inputRequests: QUESTION, requestState: 'theirs' }
    }
    return { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }
  }
  const keys = Object.entries(KEYS).map(([id, key]) => {
    return { id, sha256: createHash('sha256').update(key).digest('hex') }
  })
  const { plugins = [], files = {} } = more
  const gateway = await startWith(
    scope,
    {
      upstreams: { up: { url: server.url } },
      plugins: [{ use: 'auth-api-key', config: { keys } }, ...plugins],
    },
    { files },
  )
  await gateway.ready()
  const send = async (sending: Sending = {}) => {
    const { args = { a: 1 }, name = 'up__look', method = 'tools/call', state } = sending
    const { capabilities = ELICITATION, as = 'anna' } = sending
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        'mcp-name': name,
        authorization: `Bearer ${KEYS[as]}`,
      },
      // A number that JavaScript cannot hold, to see that answers travel as they came.
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: {
          name,
          arguments: args,
          ...(state === undefined ? {} : { requestState: state, inputResponses: ANSWER }),
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': capabilities,
          },
        },
      }).replace('"big":0', '"big":12345678901234567890'),
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    const answer = (await response.json()) as any
    return { status: response.status, ...answer }
  }
  return { server, gateway, send }
}

const calls = (server: Stub) => server.of('tools/call')

test('the question reaches the client as it is, and the answer the server, with its own state', async (t) => {
  const { server, send } = await asking(t)
  const first = await send()
  assert.equal(first.result.resultType, 'input_required')
  assert.deepEqual(first.result.inputRequests, QUESTION)
  assert.notEqual(first.result.requestState, 'theirs')
  const second = await send({ state: first.result.requestState })
  assert.equal(second.result.content[0].text, 'done')
  const [asked, answered] = calls(server)
  assert.deepEqual(
    asked?.message.params?._meta?.['io.modelcontextprotocol/clientCapabilities' as never],
    ELICITATION,
  )
  assert.equal(answered?.message.params?.requestState, 'theirs')
  assert.match(
    answered?.text ?? '',
    /"inputResponses":\{"ok":\{"action":"accept","content":\{\},"big":12345678901234567890\}\}/,
  )
  assert.deepEqual(answered?.message.params?.arguments, { a: 1 })
})

test('a state that is replayed, of somebody else, or of another request executes nothing', async (t) => {
  const { server, send } = await asking(t)
  const { result } = await send()
  const state = result.requestState
  for (const other of [
    { args: { a: 2 } },
    { name: 'up__write' },
    { as: 'bert' },
    { state: 'theirs' },
    { state: `${state}x` },
  ] satisfies Sending[]) {
    const { error } = await send({ state, ...other })
    assert.equal(error.code, -32602, JSON.stringify(other))
  }
  assert.equal(calls(server).length, 1)
  assert.equal((await send({ state })).result.content[0].text, 'done')
  assert.equal((await send({ state })).error.code, -32602)
  assert.equal(calls(server).length, 2)
})

test('a server is told what this very client can be asked, and nothing of tasks', async (t) => {
  const { server, send } = await asking(t)
  const tasks = { 'io.modelcontextprotocol/tasks': {}, 'com.example/other': { a: 1 } }
  await send({ capabilities: { roots: {}, extensions: tasks } })
  await send({ capabilities: {} })
  const told = calls(server).map(
    ({ message }) => message.params?._meta?.['io.modelcontextprotocol/clientCapabilities' as never],
  )
  assert.deepEqual(told, [{ roots: {}, extensions: { 'com.example/other': { a: 1 } } }, {}])
})

test('a server that asks what the client never offered is not passed on', async (t) => {
  const { send } = await asking(t)
  const { status, error } = await send({ capabilities: { sampling: {} } })
  assert.equal(status, 400)
  assert.equal(error.code, -32021)
  assert.deepEqual(error.data.requiredCapabilities, { elicitation: { form: {} } })
})

test('a server that refuses for want of a capability is heard, in the client’s own words', async (t) => {
  const { server, send } = await asking(t)
  server.acts['tools/call'] = ({ message: { id } }, response) => {
    const error = { code: -32021, message: 'no', data: { requiredCapabilities: { roots: {} } } }
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, error }))
  }
  const { status, error } = await send()
  assert.equal(status, 400)
  assert.deepEqual([error.code, error.data.requiredCapabilities], [-32021, { roots: {} }])
})

const COUNTING = `
import { change, definePlugin, KeyValue } from 'mcp-patchbay/sdk'
const empty = { type: 'object', additionalProperties: false, properties: {} }
let closed = false
export const shaper = definePlugin({
  name: 'counting',
  version: '1.0.0',
  phase: 'shape',
  configSchema: empty,
  setup: () => {
    let shaped = 0
    return {
      listFilter: ({ principal }) => ({ key: String(closed), until: 0, test: () => !closed || { rule: 'closed', reason: 'closed' } }),
      beforeCall: ({ args }) => change({ args: { ...args, shaped: ++shaped } }),
      afterCall(call, outcome) {
        if (outcome.kind === 'question') closed = call.args.close === true
        return outcome.kind === 'result' ? { ...outcome, result: { ...outcome.result, seen: true } } : { kind: 'failure', code: 'X' }
      },
    }
  },
})
export default shaper
`

test('what shapers made of the arguments is what goes back, and every plugin sees the result', async (t) => {
  const more = { plugins: [{ use: './counting.ts' }], files: { 'counting.ts': COUNTING } }
  const { server, send } = await asking(t, more)
  const { result } = await send()
  // A question is nobody's to change.
  assert.deepEqual(result.inputRequests, QUESTION)
  const second = await send({ state: result.requestState })
  assert.equal(second.result.seen, true)
  const sent = calls(server).map(({ message }) => message.params?.arguments)
  assert.deepEqual(sent, [
    { a: 1, shaped: 1 },
    { a: 1, shaped: 1 },
  ])
})

test('who loses the tool between two rounds is refused, and the server hears no more', async (t) => {
  const more = { plugins: [{ use: './counting.ts' }], files: { 'counting.ts': COUNTING } }
  const { server, send } = await asking(t, more)
  const args = { close: true }
  const { result } = await send({ args })
  const { error } = await send({ args, state: result.requestState })
  assert.equal(error.data.code, 'NOT_FOUND')
  assert.equal(calls(server).length, 1)
})

test('a server that asks for ever is stopped, and one that asks nonsense fails its call', async (t) => {
  const { server, send } = await asking(t)
  const again = { resultType: 'input_required', inputRequests: QUESTION, requestState: 'again' }
  server.acts['tools/call'] = () => again
  let answer = await send()
  for (let round = 0; answer.result?.requestState !== undefined && round < 20; round++) {
    answer = await send({ state: answer.result.requestState })
  }
  assert.match(JSON.stringify(answer.error), /without coming to an end/)
  assert.equal(calls(server).length, 8)
  for (const nonsense of [
    {},
    { inputRequests: 7 },
    { inputRequests: { a: { method: 'tools/call', params: {} } } },
    { requestState: 7 },
    {
      inputRequests: Object.fromEntries(
        Array.from({ length: 17 }, (_, i) => [`q${i}`, QUESTION.ok] as const),
      ),
    },
  ]) {
    server.acts['tools/call'] = () => ({ resultType: 'input_required', ...nonsense })
    const { result } = await send()
    assert.equal(result.isError, true)
    assert.match(result.content[0].text, /^up: asked /)
  }
})

test('the client of the SDK answers a server of the SDK, also for a prompt and several times', async (t) => {
  const schema = z.object({ name: z.string() })
  const open = () => {
    const server = new McpServer({ name: 'asking', version: '1' })
    const ask = (message: string) => ({
      inputRequests: { who: inputRequired.elicit({ message, requestedSchema: schema }) },
    })
    server.registerTool('greet', {}, (ctx) => {
      const { inputResponses } = ctx.mcpReq
      const state = ctx.mcpReq.requestState() as unknown as string | undefined
      const who = acceptedContent<{ name: string }>(inputResponses, 'who')
      if (who === undefined) return inputRequired({ ...ask('First name?'), requestState: 'first' })
      if (state === 'first')
        return inputRequired({ ...ask('Last name?'), requestState: `last ${who.name}` })
      return { content: [{ type: 'text', text: `${state?.slice(5)} ${who.name}` }] }
    })
    return server
  }
  const handler = createMcpHandler(open, { legacy: 'reject' })
  t.after(() => handler.close())
  const url = await serve(t, (request, response) => adapt(handler.fetch, request, response))
  const gateway = await startWith(t, {
    upstreams: { up: { url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: ELICITATION, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  t.after(() => client.close())
  const names: Record<string, string> = { 'First name?': 'Ada', 'Last name?': 'Lovelace' }
  client.setRequestHandler('elicitation/create', async ({ params }) => ({
    action: 'accept',
    content: { name: names[params.message] ?? '' },
  }))
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)))
  const { content } = await client.callTool({ name: 'up__greet', arguments: {} })
  assert.deepEqual(content, [{ type: 'text', text: 'Ada Lovelace' }])
})

test('a handshake client that offered nothing is told so, and so is the server', async (t) => {
  const { server, gateway } = await asking(t)
  const client = new FormerClient({ name: 'old', version: '1' })
  t.after(() => client.close())
  const requestInit = { headers: { authorization: `Bearer ${KEYS.anna}` } }
  await client.connect(new FormerTransport(new URL(gateway.url), { requestInit }) as never)
  const answer = await client.callTool({ name: 'up__look', arguments: {} })
  assert.equal(answer.isError, true)
  assert.match(JSON.stringify(answer.content), /cannot be asked here/)
  const [sent] = calls(server)
  assert.deepEqual(
    sent?.message.params?._meta?.['io.modelcontextprotocol/clientCapabilities' as never],
    {},
  )
})
