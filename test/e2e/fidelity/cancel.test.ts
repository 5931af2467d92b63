// Cancellation reaches the server in the server's own way, and the client hears nothing more.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import {
  type Era,
  type RawClient,
  type RawStream,
  rawClient,
  toolCall,
} from '../../fixtures/raw.ts'
import { type RecordedCall, type Recorder, recorder } from '../../fixtures/recorder.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']
const LIMIT = { timeout: 10_000 }
const CANCELLED = 'notifications/cancelled'

interface House {
  readonly client: RawClient
  readonly upstream: Recorder
  /** Makes a call and waits until the server has it. */
  hold(id: string, speaks: boolean): Promise<{ stream: Promise<RawStream>; call: RecordedCall }>
}

async function house(t: TestContext, from: Era, to: Era): Promise<House> {
  const upstream = await recorder(t, to)
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, from)
  return {
    client,
    upstream,
    async hold(id, speaks) {
      upstream.answer = ({ token, message }) => {
        if (!speaks) return
        const params = { progressToken: token, progress: 1 }
        message(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params }))
      }
      const arrived = upstream.arrival()
      const stream = client.open(toolCall('up__record', '{}', { id, meta: '"progressToken":1' }))
      await arrived
      return { stream, call: upstream.calls.at(-1) as RecordedCall }
    },
  }
}

for (const to of ERAS) {
  test(`a modern client that disconnects cancels at a ${to} server`, LIMIT, async (t) => {
    const { upstream, hold } = await house(t, 'modern', to)
    const told = upstream.arrival
    const { stream, call } = await hold('1', true)
    const opened = await stream
    await opened.next()
    const noted = told()
    opened.leave()
    await call.left
    if (to === 'legacy') {
      await noted
      assert.equal(upstream.notes.at(-1)?.method, CANCELLED)
      assert.equal(upstream.notes.at(-1)?.params.requestId, call.id)
    } else assert.deepEqual(upstream.notes, [])
  })

  for (const speaks of [true, false]) {
    const when = speaks ? 'after progress' : 'before any answer'
    test(`a legacy client cancels at a ${to} server, ${when}`, LIMIT, async (t) => {
      const { client, upstream, hold } = await house(t, 'legacy', to)
      const { stream, call } = await hold('"seven"', speaks)
      if (speaks) await (await stream).next()
      const before = upstream.notes.length
      const noted = upstream.arrival()
      const reason = '"requestId":"seven","reason":"changed my mind"'
      assert.equal(await client.tell(CANCELLED, reason), 202)
      await call.left
      const opened = await stream
      assert.equal(opened.status, 200)
      assert.equal(await opened.next(), undefined)
      if (to === 'legacy') {
        await noted
        assert.deepEqual(upstream.notes.slice(before), [
          { method: CANCELLED, params: { requestId: call.id, reason: 'changed my mind' } },
        ])
      } else assert.equal(upstream.notes.length, before)
    })
  }
}

test('a legacy client that loses its connection has not cancelled', LIMIT, async (t) => {
  const { client, upstream, hold } = await house(t, 'legacy', 'legacy')
  const before = upstream.notes.length
  const { stream, call } = await hold('1', true)
  const opened = await stream
  await opened.next()
  opened.leave()
  await client.ask({ method: 'ping' })
  await client.ask({ method: 'ping' })
  call.finish('{"content":[]}')
  await call.answered
  assert.equal(upstream.notes.length, before)
})

test('a cancellation that fits no open call reaches nobody', LIMIT, async (t) => {
  const { client, upstream, hold } = await house(t, 'legacy', 'legacy')
  const { stream, call } = await hold('7', true)
  const opened = await stream
  await opened.next()
  const before = upstream.notes.length
  for (const params of ['"requestId":"7"', '"requestId":8', '"requestId":null', '']) {
    assert.equal(await client.tell(CANCELLED, params), 202)
  }
  call.finish('{"content":[]}')
  assert.match((await opened.next()) ?? '', /"result":\{"content":\[\]\}/)
  // It is over now.
  assert.equal(await client.tell(CANCELLED, '"requestId":7'), 202)
  assert.equal(upstream.notes.length, before)
})

for (const to of ERAS) {
  for (const from of ERAS) {
    test(`a ${from} client cancels at a ${to} stdio server`, LIMIT, async (t) => {
      const script = join(import.meta.dirname, '../../fixtures/stdio-server.ts')
      const gateway = await startWith(t, {
        upstreams: { up: { command: [process.execPath, script, to] } },
        plugins: [{ use: 'auth-none' }],
      })
      await gateway.ready()
      const client = await rawClient(t, gateway.url, from)
      const held = await client.open(
        toolCall('up__hold', '{}', { id: '7', meta: '"progressToken":7' }),
      )
      assert.match((await held.next()) ?? '', /"progress":1/)
      if (from === 'modern') held.leave()
      else {
        await client.tell(CANCELLED, '"requestId":7,"reason":"enough"')
        assert.equal(await held.next(), undefined)
      }
      const { messages } = await client.ask(toolCall('up__report', `{"until":"${CANCELLED}"}`))
      const { lines } = JSON.parse(messages[0] ?? '').result.structuredContent
      const sent = lines.map((line: string) => JSON.parse(line))
      const named = (name: string) =>
        sent.find((one: { params?: { name?: string } }) => one.params?.name === name)
      const { params } = sent.find((one: { method: string }) => one.method === CANCELLED)
      assert.equal(params.requestId, named('hold').id)
    })
  }
}
