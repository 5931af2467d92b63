import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { Place } from './trace-context.ts'

/** What the exporter reads of a span. */
export type ReadableSpan = Parameters<OTLPTraceExporter['export']>[0][number]
/** Values of attributes. */
export type Attributes = Record<string, string | number>

/** As the OpenTelemetry API numbers them. */
export const KIND = { internal: 0, server: 1, client: 2 } as const
const STATUS = { unset: 0, error: 2 } as const
const SAMPLED = 1

/** What a span is made of when it ends. */
export interface SpanParts {
  readonly place: Place
  readonly name: string
  readonly kind: (typeof KIND)[keyof typeof KIND]
  /** Milliseconds since the epoch, with fractions. */
  readonly start: number
  /** Milliseconds. */
  readonly duration: number
  readonly attributes: Attributes
  readonly failed: boolean
  /** Why it failed, where that may be told. */
  readonly message: string | undefined
}

/**
 * A span that has ended, as exporters read it. Made at the end and only when recorded: the SDK's own spans cost what
 * this does not, for whoever is not sampled too.
 */
export function spanOf(
  parts: SpanParts,
  resource: ReadableSpan['resource'],
  instrumentationScope: ReadableSpan['instrumentationScope'],
): ReadableSpan {
  const { place, name, kind, start, duration, attributes, failed, message } = parts
  const { traceId, spanId, parentId, remote, tracestate } = place
  const traceState = tracestate === undefined ? {} : { traceState: stateAsWritten(tracestate) }
  const common = { traceId, traceFlags: SAMPLED, ...traceState }
  const status = failed ? STATUS.error : STATUS.unset
  return {
    name,
    kind,
    spanContext: () => ({ ...common, spanId }),
    ...(parentId === undefined
      ? {}
      : { parentSpanContext: { ...common, spanId: parentId, isRemote: remote } }),
    startTime: highResolution(start),
    endTime: highResolution(start + duration),
    duration: highResolution(duration),
    status: { code: status, ...(failed && message !== undefined ? { message } : {}) },
    attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Seconds and nanoseconds of milliseconds. */
export function highResolution(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)]
}

/** It goes on as it came: nobody here reads or changes it. */
function stateAsWritten(text: string) {
  const same = () => state
  const state = { serialize: () => text, get: () => undefined, set: same, unset: same }
  return state
}
