// What every `KeyValue` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { KeyValue, Maybe } from '../../sdk/index.ts'

/** Two plugin lines of one gateway, and its time. */
export interface KeyValueUnderTest {
  readonly one: KeyValue
  readonly other: KeyValue
  /** Moves time on by so many milliseconds. */
  advance(ms: number): Maybe<void>
}

/** Runs the contract on an implementation; `make` gives empty ones. */
export function keyValueContract(
  name: string,
  make: (t: TestContext) => Maybe<KeyValueUnderTest>,
): void {
  const spec = (what: string, run: (under: KeyValueUnderTest) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))
  const per10s = { cost: 1, limit: 10, windowMs: 10_000 }

  spec('what is set is there until it is deleted', async ({ one }) => {
    assert.equal(await one.get('a'), undefined)
    await one.set('a', '1')
    await one.set('a', 'ü\u0000\n2')
    assert.equal(await one.get('a'), 'ü\u0000\n2')
    assert.equal(await one.delete('a'), true)
    assert.equal(await one.delete('a'), false)
    assert.equal(await one.get('a'), undefined)
  })

  spec('two plugin lines never see each other', async ({ one, other }) => {
    await one.set('a', '1')
    assert.equal(await other.get('a'), undefined)
    assert.equal(await other.add('a', '2'), true)
    await one.consume([{ ...per10s, key: 'a', cost: 10 }])
    assert.equal((await other.consume([{ ...per10s, key: 'a' }])).ok, true)
  })

  spec('a value with a ttl goes away, and a later set takes its ttl away', async (under) => {
    const { one, advance } = under
    await one.set('short', '1', { ttl: 1_000 })
    await one.set('long', '1', { ttl: 1_000 })
    await one.set('long', '2')
    await advance(999)
    assert.equal(await one.get('short'), '1')
    await advance(1)
    assert.equal(await one.get('short'), undefined)
    assert.equal(await one.take('short'), undefined)
    assert.equal(await one.delete('short'), false)
    assert.equal(await one.get('long'), '2')
  })

  spec('of many who add one succeeds, and again after it expired', async ({ one, advance }) => {
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => one.add('nonce', `${i}`, { ttl: 5_000 })),
    )
    assert.equal(all.filter(Boolean).length, 1)
    await advance(5_000)
    assert.equal(await one.add('nonce', 'x'), true)
  })

  spec('of many who take one gets the value', async ({ one }) => {
    await one.set('ticket', 'v')
    const all = await Promise.all(Array.from({ length: 20 }, async () => one.take('ticket')))
    assert.deepEqual(
      all.filter((value) => value !== undefined),
      ['v'],
    )
  })

  spec('compareAndSet writes only over what was expected', async ({ one, advance }) => {
    assert.equal(await one.compareAndSet('a', 'x', '1'), false)
    assert.equal(await one.compareAndSet('a', undefined, '1', { ttl: 1_000 }), true)
    assert.equal(await one.compareAndSet('a', undefined, '2'), false)
    assert.equal(await one.compareAndSet('a', '1', '2', { ttl: 3_000 }), true)
    await advance(2_000)
    assert.equal(await one.get('a'), '2')
    await advance(1_000)
    assert.equal(await one.compareAndSet('a', '2', '3'), false)
  })

  spec('a bucket gives its limit at once, then evenly', async ({ one, advance }) => {
    const take = async () => one.consume([{ ...per10s, key: 'a' }])
    for (let left = 9; left >= 0; left--) {
      assert.deepEqual(await take(), { ok: true, remaining: left })
    }
    assert.deepEqual(await take(), { ok: false, retryAfterMs: 1_000, key: 'a' })
    await advance(999)
    assert.equal((await take()).ok, false)
    await advance(1)
    assert.deepEqual(await take(), { ok: true, remaining: 0 })
    await advance(60_000)
    assert.deepEqual(await take(), { ok: true, remaining: 9 })
  })

  spec('thirds of a window add up to the whole limit', async ({ one }) => {
    for (let i = 0; i < 3; i++) {
      const { ok } = await one.consume([{ key: 'a', cost: 1, limit: 3, windowMs: 1_000 }])
      assert.equal(ok, true)
    }
  })

  spec('burst bounds what is given at once', async ({ one, advance }) => {
    const bucket = { ...per10s, key: 'a', burst: 2 }
    assert.deepEqual(await one.consume([bucket]), { ok: true, remaining: 1 })
    assert.deepEqual(await one.consume([bucket]), { ok: true, remaining: 0 })
    assert.deepEqual(await one.consume([bucket]), { ok: false, retryAfterMs: 1_000, key: 'a' })
    await advance(1_000)
    assert.equal((await one.consume([bucket])).ok, true)
    const never = await one.consume([{ ...bucket, cost: 3 }])
    assert.deepEqual(never, { ok: false, retryAfterMs: Number.POSITIVE_INFINITY, key: 'a' })
  })

  spec('several buckets give all or nothing, and the slowest is named', async ({ one }) => {
    const narrow = { key: 'narrow', cost: 1, limit: 1, windowMs: 60_000 }
    const wide = { ...per10s, key: 'wide' }
    assert.deepEqual(await one.consume([wide, narrow]), { ok: true, remaining: 0 })
    const refused = await one.consume([{ ...wide, cost: 10 }, narrow])
    assert.deepEqual(refused, { ok: false, retryAfterMs: 60_000, key: 'narrow' })
    assert.deepEqual(await one.consume([wide]), { ok: true, remaining: 8 })
  })

  spec('one bucket named twice is charged twice', async ({ one }) => {
    const bucket = { ...per10s, key: 'a', cost: 6 }
    assert.equal((await one.consume([bucket, bucket])).ok, false)
    assert.deepEqual(await one.consume([bucket]), { ok: true, remaining: 4 })
  })

  spec('a cost of nothing looks without taking', async ({ one }) => {
    const look = { ...per10s, key: 'a', cost: 0 }
    assert.deepEqual(await one.consume([look]), { ok: true, remaining: 10 })
    assert.deepEqual(await one.consume([look]), { ok: true, remaining: 10 })
  })

  spec('numbers that make no sense are refused', async ({ one }) => {
    for (const wrong of [{ cost: -1 }, { limit: 0 }, { windowMs: 0 }, { burst: 0 }]) {
      const consume = async () => one.consume([{ ...per10s, key: 'a', ...wrong }])
      await assert.rejects(consume, RangeError)
    }
    await assert.rejects(async () => one.set('a', '1', { ttl: 0 }), RangeError)
  })
}
