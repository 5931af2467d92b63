// What every `Metrics` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Maybe, Metric, Metrics } from '../../sdk/index.ts'

/** Two plugin lines, `one` and `other`, of one gateway. */
export interface MetricsUnderTest {
  readonly one: Metrics
  readonly other: Metrics
}

/** Runs the contract on an implementation; what sources throw on purpose must not fail the test. */
export function metricsContract(
  name: string,
  make: (t: TestContext) => Maybe<MetricsUnderTest>,
): void {
  const spec = (what: string, run: (under: MetricsUnderTest) => void) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))

  spec('counters add up by labels, in whatever order these stand', ({ one }) => {
    const calls = one.counter('calls', { description: 'Calls.', unit: '{call}' })
    calls.add(1)
    calls.add(2, { tool: 'a', user: 'b' })
    calls.add(3, { user: 'b', tool: 'a' })
    calls.add(1)
    assert.deepEqual(one.read(), [
      {
        name: 'calls',
        plugin: 'one',
        description: 'Calls.',
        unit: '{call}',
        kind: 'counter',
        series: [
          { labels: {}, value: 2 },
          { labels: { tool: 'a', user: 'b' }, value: 5 },
        ],
      },
    ])
    assert.throws(() => calls.add(-1), RangeError)
  })

  spec('labels that only look alike are told apart', ({ one }) => {
    const calls = one.counter('calls', { description: 'Calls.' })
    calls.add(1, { a: 'b,c:d' })
    calls.add(1, { a: 'b', c: 'd' })
    calls.add(1, { a: '' })
    calls.add(1, {})
    assert.equal(one.read()[0]?.series.length, 4)
  })

  spec('a gauge holds its last value', ({ one }) => {
    const open = one.gauge('open', { description: 'Open.' })
    open.set(3)
    open.set(-1.5)
    assert.deepEqual(one.read()[0]?.series, [{ labels: {}, value: -1.5 }])
  })

  spec('a histogram sorts values into its buckets, upper ends included', ({ one }) => {
    const time = one.histogram('time', { description: 'Time.', boundaries: [1, 5] })
    for (const value of [0.5, 1, 1.1, 5, 6]) time.record(value)
    const [metric] = one.read()
    assert.equal(metric?.kind === 'histogram' && metric.boundaries.join(), '1,5')
    assert.deepEqual(metric?.series, [{ labels: {}, count: 5, sum: 13.6, buckets: [2, 2, 1] }])
    const wrong = { description: 'Time.', boundaries: [5, 1] }
    assert.throws(() => one.histogram('wrong', wrong), RangeError)
  })

  spec('the same name is the same instrument, and another kind is refused', ({ one }) => {
    one.counter('calls', { description: 'Calls.' }).add(1)
    one.counter('calls', { description: 'Calls.' }).add(1)
    assert.deepEqual(one.read()[0]?.series, [{ labels: {}, value: 2 }])
    assert.throws(() => one.gauge('calls', { description: 'Calls.' }), /counter calls already/)
  })

  spec('plugin lines count for themselves, and everybody reads everything', ({ one, other }) => {
    one.counter('calls', { description: 'Calls.' }).add(1)
    other.gauge('calls', { description: 'Calls.' }).set(7)
    const kinds = one.read().map(({ plugin, kind }) => `${plugin} ${kind}`)
    assert.deepEqual(kinds, ['one counter', 'other gauge'])
    assert.deepEqual(other.read(), one.read())
  })

  spec('an instrument keeps 2,000 series, and counts the rest as one', ({ one }) => {
    const calls = one.counter('calls', { description: 'Calls.' })
    for (let i = 0; i < 2_500; i++) calls.add(1, { id: `${i}` })
    calls.add(1, { id: '7' })
    const [metric] = one.read()
    assert.equal(metric?.series.length, 2_001)
    assert.deepEqual(metric?.series.at(-1), { labels: { overflow: 'true' }, value: 500 })
    assert.deepEqual(metric?.series[7], { labels: { id: '7' }, value: 2 })
  })

  spec('sources are read too; one that throws is passed over', ({ one, other }) => {
    const more: Metric = {
      name: 'kept elsewhere',
      plugin: '',
      description: 'x',
      unit: undefined,
      kind: 'gauge',
      series: [{ labels: {}, value: 1 }],
    }
    one.source(() => {
      throw new Error('on purpose')
    })
    const stop = one.source(() => [more])
    assert.deepEqual(other.read(), [more])
    stop()
    assert.deepEqual(other.read(), [])
  })

  spec('what was read does not change any more', ({ one }) => {
    const time = one.histogram('time', { description: 'Time.', boundaries: [1] })
    time.record(1)
    const before = one.read()
    time.record(1)
    assert.deepEqual(before[0]?.series, [{ labels: {}, count: 1, sum: 1, buckets: [1, 0] }])
  })
}
