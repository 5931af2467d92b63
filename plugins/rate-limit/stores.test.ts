import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type Bucket,
  type Call,
  type Consumed,
  definePlugin,
  KeyValue,
  type Maybe,
  type Metrics,
  perLine,
  type KeyValue as Store,
} from 'mcp-patchbay/sdk'
import { type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'
import rateLimit from './index.ts'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const PER_PERSON = { limits: [{ per: ['principal'], calls: 2, window: '1h' }] }

/** `KeyValue` of which only `consume` is there, by plugin line. */
const storing = (consume: (line: string, buckets: readonly Bucket[]) => Maybe<Consumed>) =>
  definePlugin({
    name: 'store',
    version: '1.0.0',
    configSchema: nothing,
    provides: { keyValue: KeyValue },
    setup: () => ({
      provide: () => ({
        keyValue: perLine((line) => {
          return { consume: (buckets: readonly Bucket[]) => consume(line, buckets) } as Store
        }),
      }),
    }),
  })

/** A store that outlives gateways: it lets as many through as fit, and never gives back. */
function kept(used = new Map<string, number>()) {
  return (line: string, buckets: readonly Bucket[]): Consumed => {
    const full = buckets.find(({ key, limit }) => (used.get(`${line}/${key}`) ?? 0) >= limit)
    if (full !== undefined) return { ok: false, retryAfterMs: 1, key: full.key }
    for (const { key } of buckets) used.set(`${line}/${key}`, (used.get(`${line}/${key}`) ?? 0) + 1)
    return { ok: true, remaining: 0 }
  }
}

test('all limits of a call are one question to the store', async () => {
  const asked: (readonly Bucket[])[] = []
  const store = storing((_line, buckets) => {
    asked.push(buckets)
    return { ok: true, remaining: 1 }
  })
  const limits = [
    { per: ['principal', 'upstream'], calls: 240, window: '1m' },
    { per: ['client'], calls: 5, window: '1s', burst: 2 },
  ]
  const gateway = await testPlugin(rateLimit, { limits }, { before: [[store]] })
  await gateway.result('demo__echo')
  assert.equal(asked.length, 1)
  assert.deepEqual(
    asked[0]?.map(({ key, ...rest }) => rest),
    [
      { cost: 1, limit: 240, windowMs: 60_000, burst: 240 },
      { cost: 1, limit: 5, windowMs: 1_000, burst: 2 },
    ],
  )
})

test('with the memory store it answers at once, never with a promise', () => {
  let consumed: Consumed = { ok: true, remaining: 1 }
  const keyValue = { consume: () => consumed } as unknown as Store
  const metrics = { counter: () => ({ add() {} }) } as unknown as Metrics
  const services = { keyValue, metrics }
  const limits = [{ per: ['principal'], calls: 1, window: 1_000 }]
  const { beforeCall } = rateLimit.setup({ limits } as never, services as never, new Map() as never)
  const target = { upstream: 'demo', name: 'echo', publicName: 'demo__echo' }
  const call = {
    first: true,
    method: 'tools/call',
    entry: { kind: 'tool', name: 'demo__echo', targets: [target] },
    target,
    caller: { principal: { issuer: 'i', subject: 's' }, client: { name: 'c' } },
  } as unknown as Call
  assert.equal(beforeCall?.(call), undefined)
  consumed = { ok: false, retryAfterMs: 7, key: 'principal-1s 1:i 1:s' }
  const denial = beforeCall?.(call) as { kind: string; retryAfterMs: number }
  assert.deepEqual([denial.kind, denial.retryAfterMs], ['denial', 7])
})

test('a store that answers later is waited for', async () => {
  const consume = kept()
  const store = storing(async (line, buckets) => consume(line, buckets))
  const gateway = await testPlugin(rateLimit, PER_PERSON, { before: [[store]] })
  await gateway.result('demo__echo')
  await gateway.result('demo__echo')
  assert.equal((await gateway.denied('demo__echo')).code, 'RATE_LIMITED')
})

test('a store that fails lets nothing through', async () => {
  const fails: ((line: string, buckets: readonly Bucket[]) => Maybe<Consumed>)[] = [
    () => {
      throw new Error('gone')
    },
    () => Promise.reject(new Error('gone')),
  ]
  for (const consume of fails) {
    const gateway = await testPlugin(rateLimit, PER_PERSON, { before: [[storing(consume)]] })
    const outcome = await gateway.call('demo__echo')
    assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
    assert.equal(outcome.executed, false)
    assert.deepEqual(gateway.sent, [])
  }
})

test('seeds 7.32: what was counted goes on under the same line and limit, whatever else changed', async () => {
  const consume = kept()
  const one = { name: 'people', per: ['principal'], calls: 2, window: '1h' }
  const begin = (limits: object[]) =>
    testPlugin(rateLimit, { limits }, { before: [[storing(consume)]] })
  const first = await begin([one])
  await first.result('demo__echo')
  await first.stop()
  // Another limit stands before it now.
  const second = await begin([{ per: ['tool'], calls: 9, window: '1h' }, one])
  await second.result('demo__echo')
  assert.equal((await second.denied('demo__echo')).rule, 'people')
})

const line = async (limits: object[]) => {
  const keys = new Set<string>()
  const store = storing((_line, buckets) => {
    for (const { key } of buckets) keys.add(key)
    return { ok: true, remaining: 1 }
  })
  const options = { tools: { a: ['b'], 'a-b': ['c'] }, before: [[store]] } as const
  return { keys, gateway: await testPlugin(rateLimit, { limits }, options) }
}

const call = (gateway: TestGateway, issuer: string, subject: string, client: string) =>
  gateway.result(
    'a__b',
    {},
    { caller: { principal: { issuer, subject }, client: { name: client } } },
  )

test('nobody makes a key that is another caller’s, whatever names it can choose', async () => {
  const { keys, gateway } = await line([
    { per: ['principal', 'client', 'upstream', 'tool'], calls: 9, window: '1h' },
  ])
  const words = [
    '',
    ' ',
    ':',
    '1:',
    ' 1:a',
    'a',
    'a 1:a',
    '#',
    ' #',
    '*',
    ' *',
    '\u0000',
    '0:',
    '"',
  ]
  let count = 0
  for (const issuer of words) {
    for (const subject of words) {
      for (const client of words.slice(0, 5)) {
        await call(gateway, issuer, subject, client)
        count++
      }
    }
  }
  assert.equal(keys.size, count)
})

test('keys stay small and inventing client names makes no room', async () => {
  const { keys, gateway } = await line([{ per: ['principal', 'client'], calls: 9, window: '1h' }])
  for (let i = 0; i < 500; i++)
    await call(gateway, 'i', 'anna', `client-${i}-${'x'.repeat(10_000)}`)
  assert.equal(keys.size, 33)
  assert.ok([...keys].every((key) => key.length < 200))
  await call(gateway, 'i', 'bob', 'client-499')
  assert.equal(keys.size, 34)
})
