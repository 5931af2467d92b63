// What every `Lock` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Lock, Maybe } from '../../sdk/index.ts'

/** Two plugin lines of one gateway, and its time. */
export interface LockUnderTest {
  readonly one: Lock
  readonly other: Lock
  /** Moves time on by so many milliseconds, and what falls due has happened. */
  advance(ms: number): Maybe<void>
}

/** Runs the contract on an implementation; `make` gives locks that nobody holds. */
export function lockContract(name: string, make: (t: TestContext) => Maybe<LockUnderTest>): void {
  const spec = (what: string, run: (under: LockUnderTest) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))
  const patient = { ttlMs: 60_000, waitMs: 60_000 }

  spec('one at a time, in the order they came', async ({ one }) => {
    const order: number[] = []
    let inside = 0
    const all = [1, 2, 3].map((n) =>
      one.hold('door', patient, async () => {
        assert.equal(++inside, 1)
        await new Promise(setImmediate)
        inside--
        order.push(n)
        return n
      }),
    )
    assert.deepEqual(await Promise.all(all), [1, 2, 3])
    assert.deepEqual(order, [1, 2, 3])
  })

  spec('who does not wait gets nothing, and runs nothing', async ({ one }) => {
    const gate = Promise.withResolvers<string>()
    const held = one.hold('door', { ttlMs: 60_000 }, () => gate.promise)
    assert.equal(await one.hold('door', { ttlMs: 60_000 }, () => 'ran'), undefined)
    gate.resolve('done')
    assert.equal(await held, 'done')
    assert.equal(await one.hold('door', { ttlMs: 60_000 }, () => 'ran'), 'ran')
  })

  spec('names and plugin lines do not stand in each other’s way', async ({ one, other }) => {
    const seen = await one.hold('a', patient, () =>
      other.hold('a', { ttlMs: 1_000 }, () => one.hold('b', { ttlMs: 1_000 }, () => 'all')),
    )
    assert.equal(seen, 'all')
  })

  spec('work that throws lets go, and its error comes out', async ({ one }) => {
    const failing = one.hold('door', patient, () => {
      throw new Error('oops')
    })
    await assert.rejects(failing, /oops/)
    assert.equal(await one.hold('door', { ttlMs: 1_000 }, () => 'next'), 'next')
  })

  spec('waiting ends after waitMs, and the others keep their places', async ({ one, advance }) => {
    const gate = Promise.withResolvers<string>()
    const began = Promise.withResolvers<void>()
    const held = one.hold('door', patient, () => {
      began.resolve()
      return gate.promise
    })
    await began.promise
    const impatient = one.hold('door', { ttlMs: 60_000, waitMs: 1_000 }, () => 'impatient')
    const last = one.hold('door', patient, () => 'last')
    await advance(2_000)
    assert.equal(await impatient, undefined)
    gate.resolve('first')
    assert.equal(await held, 'first')
    assert.equal(await last, 'last')
  })

  spec('an expired lock goes to the next, and its holder is told', async ({ one, advance }) => {
    const gate = Promise.withResolvers<void>()
    const began = Promise.withResolvers<AbortSignal>()
    const slow = one.hold('door', { ttlMs: 5_000 }, async ({ signal }) => {
      began.resolve(signal)
      await gate.promise
      return 'slow'
    })
    const signal = await began.promise
    assert.equal(signal.aborted, false)
    const third = Promise.withResolvers<void>()
    const next = one.hold('door', patient, () => third.promise)
    await advance(6_000)
    assert.equal(signal.aborted, true)
    // The late release of the first must not free what is the second's now.
    gate.resolve()
    assert.equal(await slow, 'slow')
    assert.equal(await one.hold('door', { ttlMs: 1_000 }, () => 'third'), undefined)
    third.resolve()
    await next
  })

  spec('times that make no sense are refused', async ({ one }) => {
    await assert.rejects(
      one.hold('door', { ttlMs: 0 }, () => 1),
      RangeError,
    )
  })
}
