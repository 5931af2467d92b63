import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Underway } from '../../../../core/services/workers/underway.ts'
import { type CrewMember, crew, turns } from './crew.ts'

const trio = () => {
  const { members, ...rest } = crew(3)
  return { ...rest, all: members as [CrewMember, CrewMember, CrewMember] }
}
const soon = { timeoutMs: 5_000 }
const bucket = { key: 'a', cost: 1, limit: 3, windowMs: 60_000 }

test('what workers take of a bucket counts once', async () => {
  const { all } = trio()
  const taken = await Promise.all(
    [0, 1, 2, 0, 1, 2].map((slot) => all[slot as 0].keyValue('limits').consume([bucket])),
  )
  assert.equal(taken.filter(({ ok }) => ok).length, 3)
  const never = await all[0].keyValue('limits').consume([{ ...bucket, key: 'b', cost: 9 }])
  assert.deepEqual(never, { ok: false, retryAfterMs: Number.POSITIVE_INFINITY, key: 'b' })
})

test('what cannot travel is refused where it is said', async () => {
  const { all } = trio()
  const kv = all[0].keyValue('x')
  await assert.rejects(async () => kv.set('a', (() => {}) as never), TypeError)
  await assert.rejects(async () => kv.get({} as never), TypeError)
  await kv.consume([{ ...bucket, more: () => {} } as never])
})

test('every worker hears a message once, and in order, the one that sent it too', async () => {
  const { all } = trio()
  const heard: string[][] = [[], [], []]
  for (const [slot, { bus }] of all.entries()) {
    bus.subscribe('news', (message) => heard[slot]?.push(message as string))
  }
  for (const word of ['a', 'b', 'c']) all[1].bus.publish('news', word)
  await turns()
  assert.deepEqual(heard, [
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ])
})

test('what a dead worker held is free, and the one it waited for is not its any more', async () => {
  const { all } = trio()
  const forever = { ttlMs: 600_000, waitMs: 600_000 }
  const held = Promise.withResolvers<void>()
  const order: string[] = []
  void all[0].lock.hold('door', forever, () => {
    held.resolve()
    return new Promise(() => {})
  })
  await held.promise
  void all[1].lock.hold('door', forever, () => void order.push('the dead'))
  const third = all[2].lock.hold('door', forever, () => 'third')
  await turns()
  all[1].die()
  all[0].die()
  assert.equal(await third, 'third')
  assert.deepEqual(order, [])
})

test('requests and streams to a worker that dies fail at once, as do those that come later', async () => {
  const { all } = trio()
  const [here, there] = all
  const began = Promise.withResolvers<void>()
  there.bus.answer('hang', () => new Promise(() => {}))
  there.bus.serve('flow', (_message, { send }) => {
    send('first')
    began.resolve()
    return new Promise(() => {})
  })
  const request = here.bus.request('worker-1', 'hang', 1, { timeoutMs: 600_000 })
  const got: unknown[] = []
  const stream = here.bus.stream('worker-1', 'flow', 1, { onMessage: (one) => got.push(one) })
  const both = [request, stream].map((one) => assert.rejects(one, { code: 'NO_REPLICA' }))
  await began.promise
  await turns()
  there.die()
  await Promise.all(both)
  assert.deepEqual(got, ['first'])
  await assert.rejects(here.bus.request('worker-1', 'hang', 1, soon), { code: 'NO_REPLICA' })
})

test('a worker that dies has hung up on what it asked others for', async () => {
  const { all } = trio()
  const told = Promise.withResolvers<void>()
  const began = Promise.withResolvers<void>()
  all[1].bus.serve('flow', (_message, { signal }) => {
    signal.addEventListener('abort', () => told.resolve())
    began.resolve()
    return new Promise(() => {})
  })
  all[0].bus.stream('worker-1', 'flow', 1, { onMessage() {} }).catch(() => {})
  await began.promise
  all[0].die()
  await told.promise
})

test('without its primary whatever a worker asks for fails, and its leases end', async () => {
  const { all } = trio()
  const [{ link, bus, lock, keyValue }] = all
  const lease = Promise.withResolvers<AbortSignal>()
  void lock.hold('door', { ttlMs: 60_000 }, ({ signal }) => {
    lease.resolve(signal)
    return new Promise(() => {})
  })
  const signal = await lease.promise
  const waiting = (async () => keyValue('x').get('a'))()
  link.close()
  await assert.rejects(waiting, { code: 'KEY_VALUE_FAILED' })
  assert.equal(signal.aborted, true)
  await assert.rejects(async () => keyValue('x').get('a'), { code: 'KEY_VALUE_FAILED' })
  await assert.rejects(bus.request('worker-1', 'a', 1, soon), { code: 'PRIMARY_GONE' })
})

test('workers know of each other, and whoever replaces one is another', async () => {
  const { all } = trio()
  await turns()
  const slots = () => all[0].link.peers.map(({ slot, replica }) => `${slot} ${replica}`)
  assert.deepEqual(slots(), ['0 worker-0', '1 worker-1', '2 worker-2'])
  all[1].die()
  await turns()
  assert.deepEqual(slots(), ['0 worker-0', '2 worker-2'])
})

test('a number is never used twice, however often its place is', () => {
  const underway = new Underway<string>()
  const first = underway.add('a')
  assert.equal(underway.take(first), 'a')
  const second = underway.add('b')
  assert.notEqual(second, first)
  assert.equal(underway.get(first), undefined)
  assert.equal(underway.take(first), undefined)
  assert.deepEqual(underway.all(), [[second, 'b']])
})
