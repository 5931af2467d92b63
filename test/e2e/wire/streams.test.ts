import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { steered } from './steered.ts'
import { type Sending, Wire } from './wire.ts'

const LISTEN = { notifications: { toolsListChanged: true, promptsListChanged: true } }
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'

/** Begins to listen as soon as that is let in again: the gateway hears of a cut when it does. */
async function anew(listen: () => Sending): Promise<Sending> {
  for (;;) {
    const sending = listen()
    const answer = sending.answer.then(({ status }) => assert.equal(status, 429) ?? 'refused')
    const heard = sending.seen('acknowledged').catch(() => 'refused')
    if ((await Promise.race([answer, heard])) !== 'refused') return sending
  }
}

test('a result that nothing precedes is plain JSON', async (t) => {
  const { wire } = await steered(t)
  const session = await wire.session()
  for (const { headers, text } of [
    await wire.modern('tools/call', { name: 'echo', _meta: { progressToken: 1 } }),
    await wire.legacy('tools/call', { name: 'echo', _meta: { progressToken: 1 } }, session),
  ]) {
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
  }
})

test('a message before the result makes the answer a stream, with the token as it was', async (t) => {
  const { wire, stub } = await steered(t)
  const session = await wire.session()
  const params = (progressToken: unknown) => ({ name: 'hold', _meta: { progressToken } })
  for (const token of ['abc', 7]) {
    for (const sending of [
      wire.beginModern('tools/call', params(token)),
      wire.beginPost(
        { jsonrpc: '2.0', id: 'x', method: 'tools/call', params: params(token) },
        session,
      ),
    ]) {
      await sending.seen('notifications/progress')
      stub.release()
      const { status, headers, messages } = await sending.answer
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'text/event-stream')
      assert.equal(headers['x-accel-buffering'], 'no')
      assert.equal(messages.length, 2)
      assert.deepEqual(messages[0].params, { progressToken: token, progress: 1 })
      assert.equal(messages[1].result.content[0].text, 'held')
    }
  }
})

test('a call that outlasts 15 s becomes a stream, kept alive until its result', async (t) => {
  const clock = new FakeClock()
  const { wire, stub } = await steered(t, {}, { clock })
  const session = await wire.session()
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hold' } }
  for (const begin of [
    () => wire.beginModern('tools/call', { name: 'hold' }),
    () => wire.beginPost(body, session),
  ]) {
    const arrived = stub.calls.length
    const sending = begin()
    await stub.until(() => stub.calls.length > arrived)
    clock.advance(15_250)
    await sending.seen(': keep-alive\n\n')
    clock.advance(15_250)
    await sending.seen(': keep-alive\n\n: keep-alive\n\n')
    stub.release()
    const { headers, messages } = await sending.answer
    assert.equal(headers['content-type'], 'text/event-stream')
    assert.equal(messages.length, 1)
    assert.equal(messages[0].result.content[0].text, 'held')
  }
})

test('a client that went away is sent no keep-alive', async (t) => {
  const clock = new FakeClock()
  const { wire, stub, gateway } = await steered(t, {}, { clock })
  const session = await wire.session()
  const sending = wire.beginPost(
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hold' } },
    session,
  )
  await stub.until(() => stub.calls.length === 1)
  sending.cut()
  await wire.legacy('ping', undefined, session)
  clock.advance(16_000)
  stub.release()
  assert.equal((await wire.legacy('ping', undefined, session)).status, 200)
  assert.deepEqual(gateway.log, [])
})

test('a listen stream acknowledges what it will tell, first, and is kept alive', async (t) => {
  const clock = new FakeClock()
  const { wire } = await steered(t, {}, { clock })
  const sending = wire.beginModern('subscriptions/listen', LISTEN)
  await sending.seen('acknowledged')
  clock.advance(15_250)
  await sending.seen(': keep-alive')
  sending.cut()
})

test('a stop gives listen streams their final result and ends session streams', async (t) => {
  const { wire, gateway } = await steered(t)
  const session = await wire.session()
  const listening = wire.beginModern('subscriptions/listen', LISTEN)
  const stream = wire.begin('GET', { ...session, accept: 'text/event-stream' }, undefined)
  await listening.seen('acknowledged')
  await wire.legacy('ping', undefined, session)
  assert.deepEqual(await gateway.stop(), { cut: 0 })
  const { messages } = await listening.answer
  const [first, last] = messages
  assert.equal(first.method, 'notifications/subscriptions/acknowledged')
  assert.deepEqual(first.params.notifications, {
    toolsListChanged: true,
    promptsListChanged: true,
  })
  assert.equal(first.params._meta[SUBSCRIPTION], last.id)
  assert.equal(last.result.resultType, 'complete')
  assert.equal(last.result._meta[SUBSCRIPTION], last.id)
  assert.deepEqual((await stream.answer).messages, [])
})

test('the newest stream of a session replaces the one before', async (t) => {
  const { wire } = await steered(t)
  const session = await wire.session()
  const listen = () => wire.begin('GET', { ...session, accept: 'text/event-stream' }, undefined)
  const first = listen()
  await wire.legacy('ping', undefined, session)
  const second = listen()
  assert.deepEqual((await first.answer).messages, [])
  const open = wire.legacy('ping', undefined, session).then(() => 'open')
  assert.equal(await Promise.race([second.answer, open]), 'open')
  second.cut()
})

test('a caller may hold so many streams open as the config says, and one more when one of them is closed', async (t) => {
  const { wire: many, gateway } = await steered(t, { listen: { streams: 4 } })
  const wire = new Wire(t, gateway.url)
  const listen = () => wire.beginModern('subscriptions/listen', LISTEN)
  const streams = Array.from({ length: 4 }, () => many.beginModern('subscriptions/listen', LISTEN))
  await Promise.all(streams.map((stream) => stream.seen('acknowledged')))
  const refused = await listen().answer
  assert.equal(refused.status, 429)
  assert.equal(typeof refused.json.id, 'number')
  assert.equal(refused.json.error.data.code, 'RATE_LIMITED')
  assert.match(refused.json.error.message, /4 streams open.*Close streams/)
  const session = await wire.session()
  const legacy = await wire.send('GET', { ...session, accept: 'text/event-stream' })
  assert.equal(legacy.status, 429)
  const bob = wire.beginModern('subscriptions/listen', LISTEN, { 'x-user': 'bob' })
  await bob.seen('acknowledged')
  for (const stream of streams) stream.cut()
  const later = await anew(() => wire.beginModern('subscriptions/listen', LISTEN))
  later.cut()
  bob.cut()
})

test('a stream ends with the credentials it was opened with', async (t) => {
  const clock = new FakeClock()
  const until = clock.now() + 5_000
  const { wire } = await steered(
    t,
    { plugins: [{ use: './brief.ts' }] },
    {
      clock,
      files: {
        'brief.ts': `import { definePlugin } from 'mcp-patchbay/sdk'
const principal = { issuer: 'brief', subject: 'anna', claims: {}, scopes: [] }
export default definePlugin({
  name: 'brief', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ authenticate: () => ({ principal, until: ${until} }) }),
})
`,
      },
    },
  )
  const listening = wire.beginModern('subscriptions/listen', LISTEN)
  await listening.seen('acknowledged')
  clock.advance(5_250)
  const { json } = await listening.answer
  assert.equal(json.result.resultType, 'complete')
})
