import type { Infer } from 'mcp-patchbay/sdk'
import { type Env, Environment, type Signal, signalUrl } from './environment.ts'
import { Sampler } from './sampler.ts'
import type { SCHEMA, Sensitive } from './schema.ts'

/** Where a signal is exported to. Milliseconds. */
export interface Destination {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeout: number
  readonly compression: 'none' | 'gzip'
}

/** What is made of the config and the environment: the config wins. */
export interface Settings {
  readonly disabled: boolean
  readonly resource: Readonly<Record<string, string>>
  readonly traces: {
    /** `undefined`: no spans are made. */
    readonly to: Destination | undefined
    readonly sampler: Sampler
    readonly headers: boolean
    readonly sensitive: ReadonlySet<Sensitive>
    readonly valueLength: number
    readonly delay: number
    readonly queue: number
    readonly batch: number
  }
  readonly metrics: {
    /** `undefined`: nothing is exported; they can be scraped all the same. */
    readonly to: Destination | undefined
    readonly operations: boolean
    readonly interval: number
    readonly names: number
  }
  /** Variables that cannot be used, one sentence each. */
  readonly problems: readonly string[]
}

/** Characters. Standard variables know no limit; without one a single result could be 32 MiB. */
const VALUE_LENGTH = 4_096

/** Puts the config over the standard variables over the defaults. */
export function settingsOf(config: Infer<typeof SCHEMA>, env: Env): Settings {
  const said = new Environment(env)
  const { otlp, traces, metrics } = config
  const disabled = config.disabled ?? said.flag('OTEL_SDK_DISABLED') ?? false
  const destination = (signal: Signal, asked: boolean | undefined): Destination | undefined => {
    const base = otlp.endpoint
    const url = base === undefined ? said.endpoint(signal) : signalUrl(base, signal)
    const wanted = asked ?? said.exported(signal) ?? true
    if (disabled || !wanted || url === undefined) return undefined
    said.refuse('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf')
    said.refuse(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, 'http/protobuf')
    const compressed = (name: string) => said.word(name, ['none', 'gzip'])
    return {
      url,
      headers: { ...said.headers(signal), ...otlp.headers },
      timeout: otlp.timeout ?? said.either(signal, 'TIMEOUT', (name) => said.whole(name)) ?? 10_000,
      compression: otlp.compression ?? said.either(signal, 'COMPRESSION', compressed) ?? 'none',
    }
  }
  const toTraces = destination('TRACES', traces.export)
  const toMetrics = destination('METRICS', metrics.export)
  if (toMetrics !== undefined) {
    said.refuse('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'cumulative')
  }
  const attributes = said.pairs('OTEL_RESOURCE_ATTRIBUTES')
  const name =
    config.serviceName ??
    config.resource['service.name'] ??
    said.text('OTEL_SERVICE_NAME') ??
    attributes['service.name'] ??
    'mcp-patchbay'
  const batch = traces.batch ?? said.whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? 512
  const queue = traces.queue ?? said.whole('OTEL_BSP_MAX_QUEUE_SIZE') ?? 2_048
  return {
    disabled,
    resource: { ...attributes, ...config.resource, 'service.name': name },
    traces: {
      to: toTraces,
      sampler: new Sampler(
        traces.sampler ?? said.sampler() ?? 'parentbased_always_on',
        traces.ratio ?? said.ratio() ?? 1,
      ),
      headers: traces.headers,
      sensitive: new Set(traces.attributes),
      valueLength:
        traces.valueLength ??
        said.whole('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT') ??
        said.whole('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT') ??
        VALUE_LENGTH,
      delay: traces.delay ?? said.whole('OTEL_BSP_SCHEDULE_DELAY') ?? 5_000,
      queue,
      batch: Math.min(batch, queue),
    },
    metrics: {
      to: toMetrics,
      operations: metrics.operations && !disabled,
      interval: metrics.interval ?? said.whole('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000,
      names: metrics.names,
    },
    problems: said.problems,
  }
}
