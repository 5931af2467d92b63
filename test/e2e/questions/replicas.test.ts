// Who was asked by one replica may answer at another: held calls and questions know their owner.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { SHARED_BUS } from '../../fixtures/shared-bus.ts'
import { initialize, Wire } from '../wire/wire.ts'
import { ADA, ASKABLE, FORM, type HeldServer, heldServer } from './held-server.ts'

async function replica(scope: Scope, server: HeldServer) {
  const gateway = await startWith(
    scope,
    {
      keys: ['the one key of all replicas, long enough'],
      upstreams: { up: { url: server.stub.url } },
      plugins: [{ use: 'auth-none' }, { use: './bus.ts' }],
    },
    { files: { 'bus.ts': SHARED_BUS } },
  )
  await gateway.ready()
  const wire = new Wire(scope, gateway.url)
  const begin = (more: object = {}) =>
    wire.beginModern('tools/call', { name: 'up__write', _meta: ASKABLE, ...more })
  return { gateway, wire, begin }
}

async function asked(scope: Scope) {
  const server = await heldServer(scope)
  const [here, there] = [await replica(scope, server), await replica(scope, server)]
  const sent = here.begin()
  const waiting = await server.next()
  const answer = waiting.ask()
  const state = (await sent.answer).json.result.requestState as string
  return { server, here, there, waiting, answer, state }
}

const retried = (requestState: string, meta: object = ASKABLE) => ({
  requestState,
  inputResponses: { 'question-1': ADA },
  _meta: meta,
})

test('the retry of a held call is relayed to the replica that holds it, with all that comes before the answer', async (t) => {
  const { server, there, waiting, answer, state } = await asked(t)
  const going = there.begin(retried(state, { ...ASKABLE, progressToken: 'mine' }))
  assert.deepEqual((await answer).result, ADA)
  // The server was asked for no progress when the call began, so it tells none; a question it asks again.
  const again = waiting.ask()
  const { json } = await going.answer
  assert.deepEqual(json.result.inputRequests, { 'question-2': FORM })
  const last = there.begin({
    requestState: json.result.requestState,
    inputResponses: { 'question-2': ADA },
  })
  assert.deepEqual((await again).result, ADA)
  waiting.end()
  assert.equal((await last.answer).json.result.content[0].text, 'done')
  assert.equal(server.stub.of('tools/call').length, 1)
})

test('who goes away from the other replica cancels the call where it is held', async (t) => {
  const { server, there, answer, state } = await asked(t)
  const gone = new Promise<void>((resolve) => {
    server.stub.acts['notifications/cancelled'] = (_, response) => {
      response.writeHead(202).end()
      resolve()
    }
  })
  const going = there.begin(retried(state))
  await answer
  going.cut()
  await gone
})

test('a call whose replica is gone ends as unavailable at every other', async (t) => {
  const { here, there, state } = await asked(t)
  await here.gateway.stop()
  const { result } = (await there.begin(retried(state)).answer).json
  assert.equal(result.isError, true)
  assert.equal(result._meta['patchbay/error'].code, 'UNAVAILABLE')
})

test('a handshake client may answer at another replica, and only with its own session', async (t) => {
  const server = await heldServer(t)
  const [here, there] = [await replica(t, server), await replica(t, server)]
  const hello = initialize() as { params: object }
  const capable = { ...hello, params: { ...hello.params, capabilities: { elicitation: {} } } }
  const open = async () => {
    const { headers } = await here.wire.post(capable)
    return {
      'mcp-session-id': String(headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
  }
  const [session, other] = [await open(), await open()]
  const params = { name: 'up__write', arguments: {} }
  const call = here.wire.beginPost({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session)
  const waiting = await server.next()
  const answer = waiting.ask()
  await call.seen('elicitation/create')
  const { id } = call.heard().at(-1)
  const say = (headers: object, content: object) =>
    there.wire.post({ jsonrpc: '2.0', id, result: { action: 'accept', content } }, { ...headers })
  assert.equal((await say(other, { name: 'Eve' })).status, 202)
  assert.equal((await say(session, { name: 'Ada' })).status, 202)
  assert.deepEqual((await answer).result, ADA)
  waiting.end()
  assert.equal((await call.answer).json.result.content[0].text, 'done')
})
