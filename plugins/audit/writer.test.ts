import assert from 'node:assert/strict'
import test from 'node:test'
import { type Waiting, Writer } from './writer.ts'

/** A place to write that fails, or waits, when told to. */
class Place {
  readonly written: string[] = []
  readonly sizes: number[] = []
  fails = false
  gate: Promise<void> | undefined

  readonly write = async (batch: readonly Waiting[]) => {
    await this.gate
    if (this.fails) throw new Error('the disk is full')
    this.sizes.push(batch.length)
    this.written.push(...batch.map(({ text }) => text))
  }
}

const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => String(n + from))

test('what is offered is written in order, in few batches', async () => {
  const place = new Place()
  const writer = new Writer(place.write, 10_000)
  for (const text of numbers(1_000)) writer.offer(0, text)
  await writer.flush()
  assert.deepEqual(place.written, numbers(1_000))
  assert.deepEqual(place.sizes, [512, 256, 128, 64, 32, 8])
  assert.deepEqual([writer.written, writer.waiting, writer.dropped], [1_000, 0, 0])
})

test('too many that wait are dropped and counted, and there is room again later', async () => {
  const place = new Place()
  place.fails = true
  const writer = new Writer(place.write, 100)
  for (const text of numbers(130)) writer.offer(0, text)
  await writer.flush()
  assert.deepEqual([writer.waiting, writer.dropped, place.written.length], [100, 30, 0])
  assert.match(String(writer.failure), /full/)
  place.fails = false
  await writer.flush()
  writer.offer(0, 'last')
  await writer.flush()
  assert.deepEqual(place.written, [...numbers(100), 'last'])
  assert.deepEqual([writer.dropped, writer.failure], [30, undefined])
})

test('large records are as much as many', () => {
  const writer = new Writer(new Place().write, 1_000_000)
  const large = 'x'.repeat(1024 * 1024)
  for (let i = 0; i < 50; i++) writer.offer(0, large)
  assert.equal(writer.dropped, 18)
})

test('whoever waits goes on when the record is written, and not before', async () => {
  const place = new Place()
  const gate = Promise.withResolvers<void>()
  place.gate = gate.promise
  const writer = new Writer(place.write, 100)
  let settled = 0
  const all = numbers(20).map(async (text) => {
    await writer.settle(0, text)
    assert.ok(place.written.includes(text))
    settled++
  })
  for (let i = 0; i < 50; i++) await undefined
  assert.equal(settled, 0)
  gate.resolve()
  await Promise.all(all)
  assert.equal(settled, 20)
})

test('who cannot be written down hears it, and what nobody waits for is tried again', async () => {
  const place = new Place()
  place.fails = true
  const writer = new Writer(place.write, 100)
  writer.offer(0, 'quiet')
  const waiting = numbers(10).map((text) => writer.settle(0, text))
  const ends = await Promise.allSettled(waiting)
  assert.ok(ends.every(({ status }) => status === 'rejected'))
  assert.equal(writer.waiting, 1)
  place.fails = false
  await writer.settle(0, 'next')
  await writer.flush()
  assert.deepEqual(place.written.toSorted(), ['next', 'quiet'])
})

test('a full queue refuses those that would wait', async () => {
  const place = new Place()
  const gate = Promise.withResolvers<void>()
  place.gate = gate.promise
  const writer = new Writer(place.write, 4)
  const first = numbers(4).map((text) => writer.settle(0, text))
  assert.throws(() => writer.settle(0, 'fifth'), /4 records wait to be written already/)
  gate.resolve()
  await Promise.all(first)
  await writer.settle(0, 'sixth')
  assert.deepEqual(place.written, [...numbers(4), 'sixth'])
})
