import type { Clock, Log, Metrics } from 'mcp-patchbay/sdk'
import { Batch } from './batch.ts'
import { Delivery } from './delivery.ts'
import { type Exporter, metricExporter, resourceOf, spanExporter } from './exporters.ts'
import { SCOPE } from './scope.ts'
import type { Destination, Settings } from './settings.ts'
import { type ReadableSpan, type SpanParts, spanOf } from './span.ts'

/** Milliseconds that `stop` may take at most to send what waits: less than a plugin's `stop` may. */
const LAST_WORDS = 5_000

/** What exporting needs. */
export interface PipelineParts {
  readonly settings: Settings
  readonly resource: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The id of this plugin's line. */
  readonly plugin: string
  readonly version: string
}

/** What goes out: spans in batches, metrics every so often. A collector that is not there delays no call. */
export class Pipeline {
  readonly #parts: PipelineParts
  readonly #spans: Batch<SpanParts>
  readonly #told: { readonly spans: Delivery; readonly metrics: Delivery }
  #resource: ReadableSpan['resource'] | undefined
  #spanExporter: Exporter<ReadableSpan[]> | undefined
  #metricsExporter: Awaited<ReturnType<typeof metricExporter>> | undefined
  #exporting: Promise<void> | undefined
  #stop: (() => void) | undefined

  constructor(parts: PipelineParts) {
    const { settings, clock, log } = parts
    const { queue, batch, delay } = settings.traces
    this.#parts = parts
    this.#spans = new Batch({ clock, queue, batch, delay, send: (spans) => this.#send(spans) })
    this.#told = {
      spans: new Delivery('spans', originOf(settings.traces.to), log),
      metrics: new Delivery('metrics', originOf(settings.metrics.to), log),
    }
  }

  /** Takes a span that has ended. */
  record(span: SpanParts): void {
    this.#spans.add(span)
  }

  /** Spans that were lost: too many waited, or no collector took them. */
  get lost(): number {
    return this.#spans.dropped + this.#told.spans.failed
  }

  /** Loads what exports, and begins. Connects to nobody. */
  async start(): Promise<void> {
    const { settings, resource, clock, plugin } = this.#parts
    const { traces, metrics } = settings
    if (traces.to === undefined && metrics.to === undefined) return
    this.#resource = await resourceOf(resource)
    if (traces.to !== undefined) {
      this.#spanExporter = await spanExporter(traces.to)
      this.#spans.start()
    }
    if (metrics.to !== undefined) {
      const began = clock.now()
      this.#metricsExporter = await metricExporter(metrics.to, plugin, this.#resource, began)
      this.#stop = clock.every(metrics.interval, () => void this.#exportMetrics())
    }
  }

  /** Sends what waits, and the metrics a last time, as long as that may take. Safe without a start. */
  async stop(): Promise<void> {
    this.#spans.stop()
    this.#stop?.()
    if (this.#spanExporter === undefined && this.#metricsExporter === undefined) return
    let enough = () => {}
    const late = new Promise<void>((resolve) => {
      enough = this.#parts.clock.every(LAST_WORDS, resolve)
    })
    const last = async () => {
      await Promise.all([this.#spans.flush(), this.#exportMetrics()])
      await Promise.all([this.#spanExporter?.close(), this.#metricsExporter?.close()])
    }
    await Promise.race([last(), late]).finally(enough)
  }

  /** For `/status`. */
  status(): object {
    const { traces, metrics } = this.#parts.settings
    return {
      ...(traces.to === undefined
        ? {}
        : {
            spans: {
              to: originOf(traces.to),
              waiting: this.#spans.waiting,
              lost: this.lost,
              ...said(this.#told.spans),
            },
          }),
      ...(metrics.to === undefined
        ? {}
        : { metrics: { to: originOf(metrics.to), ...said(this.#told.metrics) } }),
    }
  }

  async #send(spans: readonly SpanParts[]): Promise<void> {
    const resource = this.#resource
    if (this.#spanExporter === undefined || resource === undefined) return
    const scope = { name: SCOPE, version: this.#parts.version }
    const readable = spans.map((one) => spanOf(one, resource, scope))
    await this.#told.spans.of(spans.length, this.#spanExporter.send(readable))
  }

  /** One at a time: who is slow is not asked twice. */
  #exportMetrics(): Promise<void> {
    if (this.#metricsExporter === undefined) return Promise.resolve()
    const { metrics, clock } = this.#parts
    // Its own process's only: each process is a resource of its own, told apart by `service.instance.id`.
    this.#exporting ??= this.#told.metrics
      .of(1, this.#metricsExporter.send({ metrics: metrics.read(), now: clock.now() }))
      .finally(() => {
        this.#exporting = undefined
      })
    return this.#exporting
  }
}

function said({ exported, error }: Delivery): object {
  return { exported, ...(error === undefined ? {} : { error }) }
}

/** A URL may hold a password before its host. */
function originOf(to: Destination | undefined): string {
  return to === undefined ? '' : new URL(to.url).origin
}
