// What a session subscribed to outlives its gateway; a client that does not read makes nothing grow.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { until } from '../upstreams/gateway.ts'
import { Wire } from '../wire/wire.ts'
import { rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

test('a session is told after a restart of what it subscribed to before', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'patchbay-data-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const up = await watched(t, 'modern', ['a:1', 'a:2', 'a:closing'])
  const first = await rightful(t, { up: { url: up.url } }, { data })
  const before = new Wire(t, first.url)
  const session = await before.session()
  for (const uri of ['a:1', 'a:2', 'a:closing']) {
    const { json } = await before.legacy('resources/subscribe', { uri }, session)
    assert.deepEqual(json.result, {})
  }
  await before.legacy('resources/unsubscribe', { uri: 'a:2' }, session)
  await first.stop()
  await until(() => up.subscribed().length === 0)

  const second = await rightful(t, { up: { url: up.url } }, { data })
  const after = new Wire(t, second.url)
  // A policy may be another by now: it is asked, as for every update.
  await after.legacy('tools/call', { name: 'shut' }, session)
  const stream = after.begin('GET', { ...session, accept: 'text/event-stream' }, undefined)
  // Something may have changed meanwhile.
  await stream.seen('"uri":"a:1"')
  await until(() => up.subscribed().join() === 'a:1')
  up.update('a:1')
  await stream.seen('"uri":"a:1"')
  // Subscribed to another one, it keeps what it had.
  await after.legacy('resources/subscribe', { uri: 'a:2' }, session)
  await until(() => up.subscribed().join() === 'a:1,a:2')
  const { status } = await after.send('DELETE', session)
  assert.equal(status, 200)
  const { messages } = await stream.answer
  assert.ok(messages.every(({ params }) => params?.uri !== 'a:closing'))
  await until(() => up.subscribed().length === 0)
})

test('a client that reads nothing is sent each resource once more, when it reads again', async (t) => {
  const up = await watched(t, 'legacy', ['a:1', 'a:2'])
  const long = 'x'.repeat(7_000)
  const { url } = await rightful(t, { up: { url: up.url } })
  const slow = await subscribe(t, url, 'modern', ['a:1', 'a:2'])
  const quick = await subscribe(t, url, 'legacy', ['a:1', 'a:2'])
  // Far more than sockets take on the way, and each one told to whoever reads.
  const flood = 3_000
  for (let i = 0; i < flood; i++) {
    up.update('a:1', { i, long })
    assert.equal(await quick.next(), 'a:1')
  }
  up.update('a:2')
  assert.equal(await quick.next(), 'a:2')
  let count = 0
  let last: unknown
  for (;;) {
    const { params } = await slow.message()
    if (params.uri === 'a:2') break
    last = params.i
    count++
  }
  assert.equal(last, flood - 1)
  assert.ok(count < flood * 0.8, `${count} of ${flood} were kept for it`)
})
