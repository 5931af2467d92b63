import assert from 'node:assert/strict'
import test from 'node:test'
import { MetricsStore } from '../../../core/services/metrics-store.ts'
import { metricsContract } from '../../services/metrics-contract.ts'

metricsContract('memory', () => {
  const store = new MetricsStore(() => {})
  return { one: store.line('one'), other: store.line('other') }
})

test('labels that cannot change are looked at once, and count with equal ones', () => {
  const store = new MetricsStore(() => {})
  const sizes = store.line('p').histogram('sizes', { description: 'x', boundaries: [1] })
  const frozen = Object.freeze({ a: '1', b: '2' })
  const open: Record<string, string> = { b: '2', a: '1' }
  sizes.record(0.5, frozen)
  sizes.record(2, frozen)
  sizes.record(2, open)
  open.a = '3'
  sizes.record(2, open)
  const [metric] = store.read()
  assert.deepEqual(
    metric?.series.map(({ labels, ...rest }) => [labels, 'count' in rest && rest.count]),
    [
      [{ a: '1', b: '2' }, 3],
      [{ a: '3', b: '2' }, 1],
    ],
  )
})
