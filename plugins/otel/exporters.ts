import type { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import type { Metric, NumberSeries } from 'mcp-patchbay/sdk'
import { attributesOf, scopeOf } from './scope.ts'
import type { Destination } from './settings.ts'
import { highResolution, type ReadableSpan } from './span.ts'

type ResourceMetrics = Parameters<OTLPMetricExporter['export']>[0]
type MetricData = ResourceMetrics['scopeMetrics'][number]['metrics'][number]
type Attributes = Readonly<Record<string, string>>

/** Sends one kind of telemetry. */
export interface Exporter<T> {
  /** Resolves when it arrived. Rejects when it did not, after all retries. */
  send(what: T): Promise<void>
  /** Closes what is open. Never rejects. */
  close(): Promise<void>
}

interface Sender<T> {
  export(what: T, done: (result: { code: number; error?: Error }) => void): void
  shutdown(): Promise<void>
}

/** What every gateway without this plugin never loads. */
export async function resourceOf(attributes: Attributes): Promise<ReadableSpan['resource']> {
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  return resourceFromAttributes(attributes)
}

/** Opens the way for spans. */
export async function spanExporter(to: Destination): Promise<Exporter<ReadableSpan[]>> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
  return exporter(new OTLPTraceExporter(optionsOf(to)))
}

/** Opens the way for metrics. @param own the id of this plugin's line */
export async function metricExporter(
  to: Destination,
  own: string,
  resource: ReadableSpan['resource'],
  began: number,
): Promise<Exporter<{ readonly metrics: readonly Metric[]; readonly now: number }>> {
  const [{ OTLPMetricExporter }, sdk] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-proto'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const { send, close } = exporter(new OTLPMetricExporter(optionsOf(to)))
  const { AggregationTemporality, DataPointType } = sdk
  const data = (metric: Metric, now: number): MetricData => {
    const { name, description, unit = '' } = metric
    const times = { startTime: highResolution(began), endTime: highResolution(now) }
    const aggregationTemporality = AggregationTemporality.CUMULATIVE
    const descriptor = { name, description, unit, valueType: 1 }
    if (metric.kind === 'histogram') {
      const dataPoints = metric.series.map(({ labels, count, sum, buckets }) => {
        const value = {
          count,
          sum,
          buckets: { boundaries: [...metric.boundaries], counts: [...buckets] },
        }
        return { ...times, attributes: typed(labels), value }
      })
      const dataPointType = DataPointType.HISTOGRAM
      return { descriptor, aggregationTemporality, dataPointType, dataPoints }
    }
    const series: readonly NumberSeries[] = metric.series
    const dataPoints = series.map(({ labels, value }) => {
      return { ...times, attributes: typed(labels), value }
    })
    if (metric.kind === 'gauge') {
      const dataPointType = DataPointType.GAUGE
      return { descriptor, aggregationTemporality, dataPointType, dataPoints }
    }
    const dataPointType = DataPointType.SUM
    return { descriptor, aggregationTemporality, dataPointType, dataPoints, isMonotonic: true }
  }
  return {
    close,
    send({ metrics, now }) {
      const scopes = Map.groupBy(
        metrics.filter(({ series }) => series.length > 0),
        (metric) => scopeOf(metric, own),
      )
      const scopeMetrics = [...scopes].map(([name, all]) => ({
        scope: { name },
        metrics: all.map((metric) => data(metric, now)),
      }))
      return scopeMetrics.length === 0 ? Promise.resolve() : send({ resource, scopeMetrics })
    },
  }
}

function optionsOf({ url, headers, timeout, compression }: Destination) {
  return {
    url,
    headers: { ...headers },
    timeoutMillis: timeout,
    compression: compression as never,
    // Of the library's many, one at a time: what waits meanwhile waits in the batch.
    concurrencyLimit: 1,
  }
}

function exporter<T>(sender: Sender<T>): Exporter<T> {
  return {
    send: (what) =>
      new Promise((resolve, reject) => {
        sender.export(what, ({ code, error }) => {
          if (code === 0) resolve()
          else reject(error ?? new Error('the collector did not take it'))
        })
      }),
    close: () => sender.shutdown().catch(() => {}),
  }
}

/** Labels are text; the one attribute that is a number by the conventions becomes one again. */
function typed(labels: Attributes): Record<string, string | number> {
  const { 'server.port': port, ...rest } = attributesOf(labels)
  return port === undefined ? rest : { ...rest, 'server.port': Number(port) }
}
