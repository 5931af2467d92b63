import { MetricsStore } from '../../../core/services/metrics-store.ts'
import { metricsContract } from '../../services/metrics-contract.ts'

metricsContract('memory', () => {
  const store = new MetricsStore(() => {})
  return { one: store.line('one'), other: store.line('other') }
})
