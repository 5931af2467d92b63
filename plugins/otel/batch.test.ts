import assert from 'node:assert/strict'
import test from 'node:test'
import { Batch } from './batch.ts'

/** A batch whose clock is moved by hand, and whose sendings end when told to. */
function batchOf({ queue = 10, batch = 3 } = {}) {
  const sent: (readonly number[])[] = []
  const ends: (() => void)[] = []
  let tick = () => {}
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    every: (_: number, run: () => void) => {
      tick = run
      return () => {
        tick = () => {}
      }
    },
  }
  const send = (items: readonly number[]) => {
    sent.push(items)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  const made = new Batch<number>({ clock, queue, batch, delay: 5, send })
  made.start()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    made,
    sent,
    turn,
    tick: () => tick(),
    async end() {
      ends.shift()?.()
      await turn()
    },
  }
}

test('what waits leaves when it is time, and no sooner', async () => {
  const { made, sent, tick, turn } = batchOf()
  made.add(1)
  made.add(2)
  await turn()
  assert.deepEqual(sent, [])
  tick()
  assert.deepEqual(sent, [[1, 2]])
})

test('a full batch leaves at once, but not on the way of the call that filled it', async () => {
  const { made, sent, turn } = batchOf()
  for (const n of [1, 2, 3]) made.add(n)
  assert.deepEqual(sent, [])
  await turn()
  assert.deepEqual(sent, [[1, 2, 3]])
})

test('one sending at a time; what comes meanwhile waits, and what is too much is dropped and counted', async () => {
  const { made, sent, turn, end, tick } = batchOf({ queue: 4 })
  for (const n of [1, 2, 3]) made.add(n)
  await turn()
  for (const n of [4, 5, 6, 7, 8, 9]) made.add(n)
  tick()
  await turn()
  assert.equal(sent.length, 1)
  assert.deepEqual([made.waiting, made.dropped], [4, 2])
  await end()
  assert.deepEqual(sent[1], [4, 5, 6])
  await end()
  assert.deepEqual(sent[2], [7])
})

test('a flush waits until all has left', async () => {
  const { made, end } = batchOf({ batch: 1 })
  made.add(1)
  made.add(2)
  let done = false
  const flushed = made.flush().then(() => {
    done = true
  })
  await end()
  assert.equal(done, false)
  await end()
  await flushed
  assert.equal(made.waiting, 0)
})
