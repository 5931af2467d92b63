import assert from 'node:assert/strict'
import test from 'node:test'
import { DryKeyValue } from '../../../core/services/dry/dry-key-value.ts'
import type { DryRun } from '../../../core/services/dry/dry-runs.ts'
import { MemoryKeyValue } from '../../../core/services/memory-key-value.ts'
import type { KeyValue } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

/** Values of one line, seen by real runs and by dry ones. */
function line() {
  const clock = new FakeClock()
  const memory = new MemoryKeyValue(clock)
  let run: DryRun | undefined
  const values = new DryKeyValue(memory, () => run)
  const as = (scratch: boolean) => {
    const own = { plugin: 'line', scratch }
    return async <T>(work: (kv: KeyValue) => T): Promise<Awaited<T>> => {
      run = own
      try {
        return await work(values)
      } finally {
        run = undefined
      }
    }
  }
  return { clock, memory, values, shadow: as(false), explain: () => as(true) }
}

const per10s = { key: 'a', cost: 1, limit: 10, windowMs: 10_000 }

test('a dry run reads what is there, and what it writes is there for dry runs only', async () => {
  const { values, shadow, explain } = line()
  await values.set('a', 'real')
  for (const dry of [shadow, explain()]) {
    assert.equal(await dry((kv) => kv.get('a')), 'real')
    assert.equal(await dry((kv) => kv.add('a', 'x')), false)
    await dry((kv) => kv.set('a', 'dry'))
    assert.equal(await dry((kv) => kv.get('a')), 'dry')
    assert.equal(await dry((kv) => kv.compareAndSet('a', 'dry', 'drier')), true)
    assert.equal(await dry((kv) => kv.add('new', 'x')), true)
    assert.equal(await values.get('a'), 'real')
    assert.equal(await values.get('new'), undefined)
  }
})

test('what a dry run deletes is gone for dry runs only', async () => {
  const { values, shadow, explain } = line()
  await values.set('a', 'real')
  await values.set('b', 'real')
  for (const dry of [shadow, explain()]) {
    assert.equal(await dry((kv) => kv.take('a')), 'real')
    assert.equal(await dry((kv) => kv.take('a')), undefined)
    assert.equal(await dry((kv) => kv.delete('b')), true)
    assert.equal(await dry((kv) => kv.delete('b')), false)
    assert.equal(await dry((kv) => kv.compareAndSet('b', undefined, 'dry')), true)
    assert.equal(await dry((kv) => kv.delete('b')), true)
    assert.equal(await dry((kv) => kv.get('b')), undefined)
    assert.deepEqual([await values.get('a'), await values.get('b')], ['real', 'real'])
  }
})

test('what a dry run wrote over does not come back when its value expires', async () => {
  const { clock, values, shadow } = line()
  await values.set('a', 'real')
  await shadow((kv) => kv.set('a', 'dry', { ttl: 1_000 }))
  clock.advance(1_000)
  assert.equal(await shadow((kv) => kv.get('a')), undefined)
  assert.equal(await shadow((kv) => kv.add('a', 'again')), true)
  assert.equal(await values.get('a'), 'real')
})

test('a plugin’s own keys never meet what dry runs keep', async () => {
  const { values, shadow } = line()
  await shadow((kv) => kv.set('a', 'dry'))
  await shadow((kv) => kv.consume([{ ...per10s, cost: 10 }]))
  for (const key of ['shadow:a', 'shadow:v:a', 'shadow:d:a', 'shadow:o:a']) {
    assert.equal(await values.get(key), undefined)
    await values.set(key, 'real')
    assert.equal(await values.get(key), 'real')
    assert.equal((await values.consume([{ ...per10s, key }])).ok, true)
  }
  assert.equal(await shadow((kv) => kv.get('a')), 'dry')
  const full = await values.consume([{ ...per10s, key: 'shadow:x', cost: 11 }])
  assert.equal(full.ok ? '' : full.key, 'shadow:x')
})

test('in shadow buckets fill apart from the real ones', async () => {
  const { values, shadow } = line()
  await shadow((kv) => kv.consume([{ ...per10s, cost: 10 }]))
  const refused = await shadow((kv) => kv.consume([per10s]))
  assert.deepEqual(refused, { ok: false, retryAfterMs: 1_000, key: 'a' })
  assert.deepEqual(await values.consume([per10s]), { ok: true, remaining: 9 })
})

test('explain sees what a bucket would say, and takes nothing', async () => {
  const { values, explain } = line()
  await values.consume([{ ...per10s, cost: 8 }])
  const look = async (...costs: number[]) =>
    explain()((kv) => kv.consume(costs.map((cost) => ({ ...per10s, cost }))))
  assert.deepEqual(await look(2), { ok: true, remaining: 0 })
  assert.deepEqual(await look(2), { ok: true, remaining: 0 })
  assert.deepEqual(await look(1, 2), { ok: false, retryAfterMs: 1_000, key: 'a' })
  const never = { ok: false, retryAfterMs: Number.POSITIVE_INFINITY, key: 'a' }
  assert.deepEqual(await look(11), never)
  await assert.rejects(look(-1), RangeError)
  assert.deepEqual(await values.consume([per10s]), { ok: true, remaining: 1 })
})

test('what one explanation wrote the next does not find', async () => {
  const { memory, explain } = line()
  await explain()((kv) => kv.set('a', '1'))
  assert.equal(await explain()((kv) => kv.get('a')), undefined)
  assert.equal(memory.size, 0)
})
