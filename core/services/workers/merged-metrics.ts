import type { HistogramSeries, Metric, NumberSeries } from '../../../sdk/index.ts'

/** The numbers of another worker; `value` is missing when it did not answer. */
interface Others {
  readonly slot: number
  readonly value?: readonly Metric[]
}

type Series = NumberSeries | HistogramSeries

/**
 * The numbers of all workers as those of one gateway. Who did not answer is told of as 0 in the gauge
 * `patchbay.worker.up`.
 * @param own of the worker in that slot
 * @param past what is known of those that did not answer, or are gone
 */
export function mergedMetrics(
  own: readonly Metric[],
  slot: number,
  others: readonly Others[],
  past: readonly (readonly Metric[])[] = [],
): Metric[] {
  const answered = [{ slot, value: own }, ...others].sort((a, b) => a.slot - b.slot)
  const up = answered.map((one) => {
    return { labels: { worker: String(one.slot) }, value: one.value === undefined ? 0 : 1 }
  })
  return [
    ...addedUp([...answered.map(({ value }) => value ?? []), ...past]),
    {
      name: 'patchbay.worker.up',
      plugin: '',
      description:
        'Whether a worker told its numbers: of one that did not, those it told last count.',
      unit: '{worker}',
      kind: 'gauge',
      series: up,
    },
  ]
}

/** Adds up series of the same instrument and labels. */
export function addedUp(all: readonly (readonly Metric[])[]): Metric[] {
  const instruments = new Map<string, { metric: Metric; series: Map<string, Series> }>()
  for (const metric of all.flat()) {
    const key = keyOf(metric)
    const known = instruments.get(key) ?? { metric, series: new Map<string, Series>() }
    instruments.set(key, known)
    for (const one of metric.series) {
      const labels = JSON.stringify(Object.entries(one.labels).sort())
      const before = known.series.get(labels)
      known.series.set(labels, before === undefined ? one : sum(before, one))
    }
  }
  return [...instruments.values()].map(
    ({ metric, series }) => ({ ...metric, series: [...series.values()] }) as Metric,
  )
}

/** Histograms of other boundaries cannot be added up: workers that were started from other settings. */
function keyOf(metric: Metric): string {
  const { name, plugin, kind } = metric
  return JSON.stringify([plugin, name, kind, metric.kind === 'histogram' ? metric.boundaries : []])
}

function sum(one: Series, other: Series): Series {
  if ('buckets' in one && 'buckets' in other) {
    return {
      labels: one.labels,
      count: one.count + other.count,
      sum: one.sum + other.sum,
      buckets: one.buckets.map((count, at) => count + (other.buckets[at] ?? 0)),
    }
  }
  return {
    labels: one.labels,
    value: (one as NumberSeries).value + (other as NumberSeries).value,
  }
}
