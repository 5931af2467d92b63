import assert from 'node:assert/strict'
import test from 'node:test'
import { DryKeyValue } from '../../../core/services/dry/dry-key-value.ts'
import { MemoryKeyValue } from '../../../core/services/memory-key-value.ts'
import type { KeyValue } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { keyValueContract } from '../../services/key-value-contract.ts'

keyValueContract('memory', () => {
  const clock = new FakeClock()
  const one = new MemoryKeyValue(clock)
  return { one, other: new MemoryKeyValue(clock), advance: (ms) => clock.advance(ms) }
})

const inShadow = { plugin: 'line', scratch: false }

/** The same, answering with promises, as what several replicas share does. */
function later(kv: MemoryKeyValue): KeyValue {
  return new Proxy(kv, {
    get: (target, name) =>
      typeof name === 'string' && name in target
        ? async (...args: never[]) => Reflect.apply(target[name as 'get'], target, args)
        : undefined,
  })
}

for (const [name, run, kind] of [
  ['memory, of a line that can run dry', undefined, (kv: MemoryKeyValue) => kv],
  ['memory, in a dry run', inShadow, (kv: MemoryKeyValue) => kv],
  ['one that answers later, in a dry run', inShadow, later],
] as const) {
  keyValueContract(name, () => {
    const clock = new FakeClock()
    const make = () => new DryKeyValue(kind(new MemoryKeyValue(clock)), () => run)
    return { one: make(), other: make(), advance: (ms) => clock.advance(ms) }
  })
}

test('the memory one never answers with a promise', () => {
  const kv = new MemoryKeyValue(new FakeClock())
  assert.equal(kv.set('a', '1'), undefined)
  assert.equal(kv.get('a'), '1')
  assert.equal(kv.add('a', '2'), false)
  assert.equal(kv.compareAndSet('a', '1', '3'), true)
  assert.equal(kv.take('a'), '3')
  assert.equal(kv.delete('a'), false)
  assert.deepEqual(kv.consume([]), { ok: true, remaining: Number.POSITIVE_INFINITY })
})

test('what has expired leaves the memory, whether or not anybody writes', () => {
  const clock = new FakeClock()
  const kv = new MemoryKeyValue(clock)
  for (let i = 0; i < 1_000; i++) {
    kv.set(`${i}`, 'v', { ttl: 1_000 })
    kv.consume([{ key: `${i}`, cost: 1, limit: 1, windowMs: 1_000 }])
  }
  kv.set('kept', 'v')
  assert.equal(kv.size, 2_001)
  clock.advance(20_000)
  assert.equal(kv.size, 1)
})

test('a storm of short values stays as large as what is alive', () => {
  const clock = new FakeClock()
  const kv = new MemoryKeyValue(clock)
  let most = 0
  for (let i = 0; i < 5_000; i++) {
    kv.set(`${i}`, 'v', { ttl: 100 })
    clock.advance(1)
    most = Math.max(most, kv.size)
  }
  assert.ok(most <= 220, `${most} values were kept of 100 alive`)
})
