// A client of a session that lost a stream comes back for the rest of it, with `Last-Event-ID`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream } from '../../fixtures/upstreams.ts'
import { stub } from '../upstreams/stub.ts'
import { steered } from './steered.ts'
import { type Sending, Wire } from './wire.ts'

const MINUTES = 60_000
const HOLD = { name: 'hold', _meta: { progressToken: 1 } }

type Headers = Readonly<Record<string, string>>

/** Opens a GET stream, after a certain event when one is named. */
function get(wire: Wire, session: Headers, last?: string): Sending {
  const after = last === undefined ? {} : { 'last-event-id': last }
  return wire.begin('GET', { ...session, accept: 'text/event-stream', ...after }, undefined)
}

/** The stream that an event's id names. Keys may hold the character that ends them. */
const keyOf = (id = '') => id.slice(0, Math.max(0, id.lastIndexOf('-')))

/** A call whose stream was cut after its first message. @returns the ids of its events */
async function broken({ wire }: { wire: Wire }, session: Headers): Promise<string[]> {
  const body = { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: HOLD }
  const sending = wire.beginPost(body, session)
  await sending.seen('notifications/progress')
  const ids = sending.ids()
  sending.cut()
  // What came later on another connection is answered after the gateway heard of the cut.
  await wire.legacy('ping', undefined, session)
  return ids
}

test('the answer of a call whose stream broke is there for whoever comes back, also twice', async (t) => {
  const all = await steered(t)
  const { wire, stub } = all
  const session = await wire.session()
  const [primed = '', progress = ''] = await broken(all, session)
  stub.release()
  for (const _ of [1, 2]) {
    const late = await get(wire, session, progress).answer
    assert.deepEqual(
      late.messages.map(({ id, result }) => [id, result.content[0].text]),
      [['x', 'held']],
    )
    const { messages } = await get(wire, session, primed).answer
    assert.deepEqual(
      messages.map(({ method, id }) => method ?? id),
      ['notifications/progress', 'x'],
    )
  }
  assert.deepEqual(all.gateway.log, [])
})

test('who comes back before the answer waits for it, and a stop waits with them', async (t) => {
  const all = await steered(t, { drain: '20s' })
  const { wire, stub, gateway } = all
  const session = await wire.session()
  const [primed] = await broken(all, session)
  const first = get(wire, session, primed)
  await first.seen('notifications/progress')
  const second = get(wire, session, primed)
  await second.seen('notifications/progress')
  assert.equal((await first.answer).messages.length, 1, 'the newest goes on with it')
  const stopped = gateway.stop()
  stub.release()
  assert.equal((await second.answer).json.result.content[0].text, 'held')
  assert.deepEqual(await stopped, { cut: 0 })
})

test('events of another session, unknown and forgotten ones begin a plain new stream', async (t) => {
  const clock = new FakeClock()
  const all = await steered(t, {}, { clock })
  const { wire, stub } = all
  const session = await wire.session()
  const [primed = ''] = await broken(all, session)
  const other = await wire.session()
  const bob = await wire.session({ 'x-user': 'bob' })
  const plain = async (headers: Headers, last: string) => {
    const stream = get(wire, headers, last)
    await stream.seen('retry: ')
    assert.deepEqual(stream.heard(), [])
    assert.notEqual(keyOf(stream.ids()[0]), keyOf(last))
    stream.cut()
  }
  await plain(other, primed)
  await plain({ ...bob, 'x-user': 'bob' }, primed)
  for (const wrong of ['', 'x', `${primed}0000000000`, primed.replace(/-/, '_'), `x${primed}`]) {
    await plain(session, wrong)
  }
  const foreign = await get(wire, { ...session, 'x-user': 'bob' }, primed).answer
  assert.equal(foreign.status, 404)
  clock.advance(10 * MINUTES)
  stub.release()
  await stub.until(() => stub.closed === 0)
  assert.equal((await get(wire, session, primed).answer).messages.length, 2, 'kept while it runs')
  clock.advance(5 * MINUTES + 500)
  await plain(session, primed)
})

test('clients of earlier revisions get ids, and no event without data', async (t) => {
  const all = await steered(t)
  const session = await all.wire.session({}, '2025-06-18')
  const ids = await broken(all, session)
  assert.equal(ids.length, 1)
  all.stub.release()
  assert.equal((await get(all.wire, session, ids[0]).answer).messages.length, 1)
  const without = all.wire.begin(
    'POST',
    { 'content-type': 'application/json', accept: '*/*', 'mcp-protocol-version': '2025-06-18' },
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: HOLD }),
  )
  await without.seen('notifications/progress')
  all.stub.release()
  await without.answer
  assert.deepEqual(without.ids(), [], 'without a session nobody can come back')
})

test('ending the session ends its calls, and nobody comes back to them', async (t) => {
  const all = await steered(t)
  const { wire, stub } = all
  const session = await wire.session()
  const [primed = ''] = await broken(all, session)
  const resumed = get(wire, session, primed)
  await resumed.seen('notifications/progress')
  const open = wire.beginPost(
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: HOLD },
    session,
  )
  await open.seen('notifications/progress')
  assert.equal((await wire.send('DELETE', session)).status, 200)
  for (const { messages } of [await resumed.answer, await open.answer]) {
    assert.deepEqual(
      messages.map(({ method }) => method),
      ['notifications/progress'],
    )
  }
  await stub.until(() => stub.closed === 2)
  assert.equal((await get(wire, session, primed).answer).status, 404)
})

test('a stream of changes goes on where it broke, with what has changed meanwhile', async (t) => {
  const upstream = await legacyUpstream(t)
  const clock = new FakeClock()
  const gateway = await startWith(
    t,
    { upstreams: { up: { url: upstream.url } }, plugins: [{ use: 'auth-none' }] },
    { clock },
  )
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  const session = await wire.session()
  const stream = get(wire, session)
  await stream.seen('retry: ')
  upstream.tools.offer('first')
  await stream.seen('list_changed')
  const [primed, told] = stream.ids()
  stream.cut()
  await wire.legacy('ping', undefined, session)
  const before = gateway.catalog?.revision
  upstream.tools.offer('second')
  await gateway.until(() => gateway.catalog?.revision !== before)
  const again = get(wire, session, told)
  await again.seen('list_changed')
  again.cut()
  const whole = get(wire, session, primed)
  await whole.seen('-3\n')
  upstream.tools.offer('third')
  await whole.seen('-4\n')
  assert.equal(whole.heard().length, 3)
  whole.cut()
  await wire.legacy('ping', undefined, session)
  clock.advance(6 * MINUTES)
  const late = get(wire, session, primed)
  await late.seen('retry: ')
  late.cut()
})

test('a question on a stream that broke is asked again, and the call goes on', async (t) => {
  const server = await stub(t, 'modern')
  const question = {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
  }
  server.acts['tools/call'] = ({ message: { params } }) =>
    params?.requestState === undefined
      ? { resultType: 'input_required', inputRequests: { ok: question }, requestState: 's' }
      : { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }
  const gateway = await startWith(t, {
    upstreams: { up: { url: server.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'raw', version: '1' },
  }
  const { headers } = await wire.legacy('initialize', params)
  const session = { 'mcp-session-id': String(headers['mcp-session-id']) }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'up__look' } }
  const sending = wire.beginPost(body, session)
  await sending.seen('elicitation/create')
  const [primed] = sending.ids()
  sending.cut()
  const again = get(wire, session, primed)
  await again.seen('elicitation/create')
  const [{ id }] = again.heard()
  await wire.post({ jsonrpc: '2.0', id, result: { action: 'accept', content: {} } }, session)
  assert.equal((await again.answer).json.result.content[0].text, 'done')
})

test('a principal can come back to its last 64 streams', async (t) => {
  const all = await steered(t)
  const sessions = await Promise.all(Array.from({ length: 65 }, () => all.wire.session()))
  const primed: string[] = []
  for (const session of sessions) {
    primed.push((await broken(all, session))[0] as string)
    all.stub.release()
  }
  const resumed = (at: number) => get(all.wire, sessions[at] as Headers, primed[at])
  for (const at of [1, 64]) assert.equal((await resumed(at).answer).messages.length, 2)
  const first = resumed(0)
  await first.seen('retry: ')
  first.cut()
})
