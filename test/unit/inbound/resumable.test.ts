import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { InFlight } from '../../../core/inbound/in-flight.ts'
import { ResumableStreams } from '../../../core/inbound/resumable-streams.ts'
import type { Session } from '../../../core/inbound/session.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

/** What a stream needs of a response, and what it wrote there. */
class Sink extends EventEmitter {
  readonly written: string[] = []
  readonly writableLength = 0
  closed = false
  writeHead() {}
  flushHeaders() {}
  write(text: string) {
    this.written.push(text)
  }
  end(text?: string) {
    if (text) this.written.push(text)
    this.cut()
  }
  cut() {
    if (this.closed) return
    this.closed = true
    this.emit('close')
  }
}

function made(workers = 1) {
  const clock = new FakeClock()
  const wheel = new Wheel(clock)
  const streams = new ResumableStreams({
    wheel,
    inFlight: new InFlight(),
    workers,
    owner: undefined,
  })
  const session = (subject: string) =>
    ({
      nonce: `of ${subject}`,
      issuer: 'test',
      subject,
      client: { protocolVersion: '2025-11-25' },
    }) as Session
  const begin = (subject = 'anna', answers = true) => {
    const sink = new Sink()
    const stream = streams.begin(session(subject), answers, sink as unknown as ServerResponse, [])
    return { sink, stream }
  }
  /** The data that comes after an event. */
  const after = (id: string, subject = 'anna') => {
    const sink = new Sink()
    const found = streams.resume(id, session(subject), sink as unknown as ServerResponse, [])
    return found === undefined
      ? undefined
      : sink.written.map((text) => /data: (.*)/.exec(text)?.[1])
  }
  return { clock, streams, begin, after }
}

test('10,000 streams that broke leave 64 of each principal, and none after five minutes', () => {
  const { clock, streams, begin } = made()
  for (let i = 0; i < 10_000; i++) {
    const { sink, stream } = begin(`user ${i % 3}`)
    stream.offer('{}')
    sink.cut()
    stream.finish('{"result":{}}')
  }
  assert.equal(streams.count, 3 * 64)
  clock.advance(5 * 60_000 + 250)
  assert.equal(streams.count, 0)
})

test('workers together remember as many as one process does', () => {
  const { streams, begin } = made(4)
  for (let i = 0; i < 100; i++) {
    const { sink, stream } = begin()
    sink.cut()
    stream.finish('{"result":{}}')
  }
  assert.equal(streams.count, 16)
})

test('many principals together hold no more than what all may', () => {
  const { streams, begin } = made()
  const half = 'x'.repeat(512 * 1024)
  for (let i = 0; i < 1_000; i++) {
    const { sink, stream } = begin(`user ${i}`)
    sink.cut()
    stream.finish(half)
  }
  assert.ok(streams.count > 200 && streams.count < 260, String(streams.count))
})

test('what one principal holds is bounded in size: the oldest streams go first', () => {
  const { begin, after } = made()
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    const { sink, stream } = begin()
    ids.push(`${stream.key}-1`)
    sink.cut()
    stream.finish(String(i).repeat(4 * 1024 * 1024))
  }
  const found = ids.map((id) => after(id)?.length)
  assert.deepEqual(found, [undefined, undefined, 1, 1, 1])
})

test('of a long stream the last messages are remembered, and the answer however large it is', () => {
  const { begin, after } = made()
  const { stream, sink } = begin()
  for (let i = 0; i < 1_000; i++) stream.offer(String(i))
  const first = `${stream.key}-1`
  assert.equal(after(first)?.length, 256)
  assert.deepEqual(after(`${stream.key}-1000`), ['999'])
  assert.deepEqual(after(`${stream.key}-5000`), [])
  sink.cut()
  stream.finish('y'.repeat(2 * 1024 * 1024))
  assert.equal(after(`${stream.key}-1001`)?.[0]?.length, 2 * 1024 * 1024)
})

test('a stream of changes that is dropped tells its owner once, when nobody reads it', () => {
  const { clock, begin, streams } = made()
  let told = 0
  const { stream, sink } = begin('anna', false)
  stream.closed(() => told++)
  sink.cut()
  assert.equal(told, 0)
  clock.advance(5 * 60_000 + 250)
  assert.equal(told, 1)
  const other = begin('anna', false)
  other.stream.closed(() => told++)
  streams.drop(other.stream)
  assert.equal(told, 1, 'its client still reads it')
  other.sink.cut()
  assert.equal(told, 2)
  assert.equal(streams.count, 0)
})
