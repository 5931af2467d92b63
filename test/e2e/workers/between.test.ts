// Each request of a client may meet another worker: what one holds, the others find.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crewOf } from '../../fixtures/crew.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { knock } from '../admin/door.ts'
import { ADA, ASKABLE, FORM, type HeldServer, heldServer } from '../questions/held-server.ts'
import { watched } from '../subscriptions/watched.ts'
import { stream, stub } from '../upstreams/stub.ts'
import { openSse } from '../wire/sse-client.ts'
import { steered } from '../wire/steered.ts'
import { initialize, JSON_HEADERS, type Sending, Wire } from '../wire/wire.ts'
import { eventually } from './processes.ts'

const APPROVAL = `import { ask, definePlugin } from 'mcp-patchbay/sdk'
const params = { mode: 'form', message: 'Run it?', requestedSchema: { type: 'object', properties: {} } }
export default definePlugin({
  name: 'approval', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall: ({ answers }) =>
      answers.ok === undefined ? ask({ ok: { method: 'elicitation/create', params } }) : undefined,
  }),
})
`

type Headers = Readonly<Record<string, string>>

/** Two workers in front of a stub. */
async function pair(scope: Scope, config: object = {}) {
  const { data, seats } = crewOf(scope)
  const [here, there] = [
    await steered(scope, { data, ...config }, { worker: seats[0] as (typeof seats)[0] }),
    await steered(scope, { data, ...config }, { worker: seats[1] as (typeof seats)[0] }),
  ]
  return { here, there }
}

/** Two workers in front of one server. */
async function both(
  scope: Scope,
  url: string,
  config: object = {},
  files: Readonly<Record<string, string>> = {},
) {
  const { data, seats, die } = crewOf(scope)
  const start = async (slot: 0 | 1) => {
    const gateway = await startWith(
      scope,
      { data, upstreams: { up: { url } }, plugins: [{ use: 'auth-none' }], ...config },
      { worker: seats[slot] as (typeof seats)[0], files },
    )
    await gateway.ready()
    const wire = new Wire(scope, gateway.url)
    const begin = (more: object = {}) =>
      wire.beginModern('tools/call', { name: 'up__write', _meta: ASKABLE, ...more })
    return { gateway, wire, begin }
  }
  return { here: await start(0), there: await start(1), die }
}

/** Opens a GET stream, after a certain event when one is named. */
function get(wire: Wire, session: Headers, last?: string): Sending {
  const after = last === undefined ? {} : { 'last-event-id': last }
  return wire.begin('GET', { ...session, accept: 'text/event-stream', ...after }, undefined)
}

const HOLD = { name: 'hold', _meta: { progressToken: 1 } }
const holding = (wire: Wire, session: Headers) =>
  wire.beginPost({ jsonrpc: '2.0', id: 'x', method: 'tools/call', params: HOLD }, session)

/** A call that waits for its client, at the first of two workers. */
async function asked(scope: Scope) {
  const server: HeldServer = await heldServer(scope)
  const { here, there, die } = await both(scope, server.stub.url)
  const sent = here.begin()
  const waiting = await server.next()
  const answer = waiting.ask()
  const requestState = (await sent.answer).json.result.requestState as string
  const retried = { requestState, inputResponses: { 'question-1': ADA }, _meta: ASKABLE }
  return { here, there, die, waiting, answer, retried }
}

test('a held call goes on at another worker, with what it asks next', async (t) => {
  const { here, there, waiting, answer, retried } = await asked(t)
  const going = there.begin(retried)
  assert.deepEqual((await answer).result, ADA)
  const again = waiting.ask()
  const { json } = await going.answer
  assert.deepEqual(json.result.inputRequests, { 'question-2': FORM })
  const last = here.begin({
    requestState: json.result.requestState,
    inputResponses: { 'question-2': ADA },
  })
  assert.deepEqual((await again).result, ADA)
  waiting.end()
  assert.equal((await last.answer).json.result.content[0].text, 'done')
})

test('the answer to a plugin’s question counts once, at whichever worker it comes twice', async (t) => {
  const server = await stub(t, 'modern')
  const plugins = [{ use: 'auth-none' }, { use: './approval.ts' }]
  const files = { 'approval.ts': APPROVAL }
  const { here, there } = await both(t, server.url, { plugins }, files)
  const { result } = (await here.begin().answer).json
  const retried = {
    requestState: result.requestState,
    inputResponses: { 'approval/ok': { action: 'accept', content: {} } },
  }
  const answers = await Promise.all([here, there, here].map(({ begin }) => begin(retried).answer))
  const ran = answers.filter(({ json }) => json.result?.content?.[0].text === 'ok')
  assert.equal(ran.length, 1, JSON.stringify(answers.map(({ json }) => json)))
  assert.equal(server.of('tools/call').length, 1)
})

test('a call that a dead worker held is unavailable at once', async (t) => {
  const { there, die, retried } = await asked(t)
  die(0)
  const { result } = (await there.begin(retried).answer).json
  assert.equal(result._meta['patchbay/error'].code, 'UNAVAILABLE')
})

test('a client answers a question at another worker', async (t) => {
  const server = await heldServer(t)
  const { here, there } = await both(t, server.stub.url)
  const hello = initialize() as { params: object }
  const { headers } = await here.wire.post({
    ...hello,
    params: { ...hello.params, capabilities: { elicitation: {} } },
  })
  const session = {
    'mcp-session-id': String(headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  }
  const params = { name: 'up__write', arguments: {} }
  const call = here.wire.beginPost({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session)
  const waiting = await server.next()
  const answer = waiting.ask()
  await call.seen('elicitation/create')
  const { id } = call.heard().at(-1)
  const said = { action: 'accept', content: { name: 'Ada' } }
  assert.equal((await there.wire.post({ jsonrpc: '2.0', id, result: said }, session)).status, 202)
  assert.deepEqual((await answer).result, ADA)
  waiting.end()
  assert.equal((await call.answer).json.result.content[0].text, 'done')
})

test('what is POSTed to another worker is answered on the HTTP+SSE stream', async (t) => {
  const { here, there } = await pair(t)
  const client = await openSse(here.wire)
  const params = { name: 'echo', arguments: { id: 1 } }
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const path = `/sse${new URL(client.url).search}`
  assert.equal((await there.wire.begin('POST', JSON_HEADERS, message, path).answer).status, 202)
  assert.equal((await client.answer(1)).result.content[0].text, '{"id":1}')
  assert.deepEqual([here.stub.calls.length, there.stub.calls.length], [1, 0])
})

test('a cancellation at another worker reaches its call, and no call of another session', async (t) => {
  const { here, there } = await pair(t)
  const [session, other] = [await here.wire.session(), await here.wire.session()]
  const call = holding(here.wire, session)
  await call.seen('notifications/progress')
  const cancel = (headers: Headers) =>
    there.wire.post(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x' } },
      headers,
    )
  assert.equal((await cancel(other)).status, 202)
  // What is said later arrives later: by then the first has had its chance.
  assert.equal((await cancel(session)).status, 202)
  await here.stub.until(() => here.stub.closed === 1)
  await call.answer
  const spared = holding(here.wire, session)
  await spared.seen('notifications/progress')
  await cancel(other)
  await there.wire.legacy('ping', undefined, other)
  here.stub.release()
  assert.equal((await spared.answer).json.result.content[0].text, 'held')
})

test('who lost the stream of an answer comes back to it at another worker, and goes on there', async (t) => {
  const { here, there } = await pair(t)
  const session = await here.wire.session()
  const call = holding(here.wire, session)
  await call.seen('notifications/progress')
  const [primed = '', progress = ''] = call.ids()
  call.cut()
  const other = await there.wire.session()
  const stranger = get(there.wire, other, primed)
  await stranger.seen('id: ')
  assert.doesNotMatch(stranger.raw(), /progress/)
  const back = get(there.wire, session, primed)
  await back.seen('notifications/progress')
  assert.deepEqual(back.ids(), [progress])
  here.stub.release()
  const { messages } = await back.answer
  assert.deepEqual(
    messages.map(({ method, id }) => method ?? id),
    ['notifications/progress', 'x'],
  )
  const again = await get(there.wire, session, progress).answer
  assert.equal(again.json.result.content[0].text, 'held')
  stranger.cut()
})

test('a stop of the worker that relays waits for the answer, one of the owner’s too', async (t) => {
  const { here, there } = await pair(t, { drain: '20s' })
  const session = await here.wire.session()
  const call = holding(here.wire, session)
  await call.seen('notifications/progress')
  const [primed = ''] = call.ids()
  call.cut()
  const back = get(there.wire, session, primed)
  await back.seen('notifications/progress')
  const stopped = here.gateway.stop()
  here.stub.release()
  assert.equal((await back.answer).json.result.content[0].text, 'held')
  assert.deepEqual(await stopped, { cut: 0 })
})

test('a session hears of its resources on the stream it has, wherever it subscribed, and after coming back', async (t) => {
  const up = await watched(t, 'legacy', ['a:1', 'a:2'])
  const { here, there } = await both(t, up.url)
  const session = await here.wire.session()
  const subscribe = ({ wire }: typeof here, uri: string) =>
    wire.legacy('resources/subscribe', { uri }, session)
  const listening = get(there.wire, session)
  await listening.seen('id: ')
  assert.deepEqual((await subscribe(here, 'a:1')).json.result, {})
  await eventually(() => up.subscribed().filter((uri) => uri === 'a:1').length === 2)
  up.update('a:1')
  await listening.seen('"uri":"a:1"')
  const last = listening.ids().at(-1) as string
  listening.cut()
  const back = get(here.wire, session, last)
  await back.seen('\n\n').catch(() => {})
  assert.deepEqual((await subscribe(here, 'a:2')).json.result, {})
  await eventually(() => up.subscribed().filter((uri) => uri === 'a:2').length === 2)
  up.update('a:2')
  await back.seen('"uri":"a:2"')
  // The newest stream counts, also when it is opened elsewhere.
  const newest = get(here.wire, session)
  await newest.seen('id: ')
  await back.answer
  up.update('a:1')
  await newest.seen('"uri":"a:1"')
  newest.cut()
})

test('a list that is read again at every worker is told of as changed on the stream of either', async (t) => {
  const server = await stub(t, 'legacy')
  const { here, there } = await both(t, server.url, { admin: { port: 0 } })
  assert.equal(there.gateway.adminUrl, undefined)
  const streams: Sending[] = []
  for (const { wire } of [here, there]) {
    const stream = get(wire, await here.wire.session())
    await stream.seen('id: ')
    streams.push(stream)
  }
  server.tools = [{ name: 'fresh', inputSchema: { type: 'object' } }]
  const { body } = await knock(here.gateway, '/upstreams/up/refresh', { method: 'POST' })
  assert.deepEqual((body.status as { workers: object }).workers, { ready: 2 })
  for (const stream of streams) {
    await stream.seen('notifications/tools/list_changed')
    stream.cut()
  }
})

test('the log level that one worker was told holds at the other', async (t) => {
  const server = await stub(t, 'modern')
  server.acts['tools/call'] = ({ message: { id } }, response) => {
    const send = stream(response)
    const params = { level: 'info', data: 'hello' }
    send({ method: 'notifications/message', params })
    send({ id, result: { resultType: 'complete', content: [] } } as object)
    response.end()
  }
  const { here, there } = await both(t, server.url)
  const session = await here.wire.session()
  const logged = async ({ wire }: typeof here) =>
    (await wire.legacy('tools/call', { name: 'up__look', arguments: {} }, session)).messages.length
  assert.equal(await logged(there), 1)
  await here.wire.legacy('logging/setLevel', { level: 'info' }, session)
  await eventually(async () => (await logged(there)) === 2)
  await there.wire.legacy('logging/setLevel', { level: 'error' }, session)
  await eventually(async () => (await logged(here)) === 1)
})
