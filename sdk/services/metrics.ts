import { type Token, token } from '../token.ts'

/**
 * Names and values that tell series of one instrument apart. Few different values: never an id. Whose series is asked for with
 * every call is found at once where the labels are the same frozen object each time.
 */
export type Labels = Readonly<Record<string, string>>

/** What an instrument measures. */
export interface InstrumentOptions {
  readonly description: string
  /** For example `s`, `By`, `{call}` (UCUM). */
  readonly unit?: string
}

/** Only grows. */
export interface Counter {
  /** @param amount 0 or more @throws RangeError */
  add(amount: number, labels?: Labels): void
}

/** Goes up and down. */
export interface Gauge {
  set(value: number, labels?: Labels): void
}

/** How often which sizes occurred. */
export interface Histogram {
  record(value: number, labels?: Labels): void
}

/** One series of a counter or a gauge. */
export interface NumberSeries {
  readonly labels: Labels
  readonly value: number
}

/** One series of a histogram. */
export interface HistogramSeries {
  readonly labels: Labels
  readonly count: number
  readonly sum: number
  /** One number more than there are boundaries: at most the first, …, above the last. */
  readonly buckets: readonly number[]
}

/** One instrument with all its series, at the time of reading. */
export type Metric = {
  readonly name: string
  /** The id of the plugin line it belongs to; `''` for the gateway's own. */
  readonly plugin: string
  readonly description: string
  readonly unit: string | undefined
} & (
  | { readonly kind: 'counter' | 'gauge'; readonly series: readonly NumberSeries[] }
  | {
      readonly kind: 'histogram'
      readonly boundaries: readonly number[]
      readonly series: readonly HistogramSeries[]
    }
)

/**
 * Numbers for whoever exports them. Asking for the same name again gives the same instrument. An
 * instrument keeps 2,000 series; what comes after is counted under the label `overflow: true`.
 */
export interface Metrics {
  /** @throws RangeError when this line has an instrument of this name and another kind */
  counter(name: string, options: InstrumentOptions): Counter
  /** @throws RangeError when this line has an instrument of this name and another kind */
  gauge(name: string, options: InstrumentOptions): Gauge
  /**
   * @param options `boundaries`: upper ends of the buckets, ascending
   * @throws RangeError when they do not ascend, or this line has an instrument of this name and another kind
   */
  histogram(
    name: string,
    options: InstrumentOptions & { readonly boundaries: readonly number[] },
  ): Histogram
  /** Everything there is in this process: every plugin's instruments and what the sources say. */
  read(): Metric[]
  /**
   * Everything there is in all processes of this gateway (config key `workers`): what exporters tell. Series of the
   * same instrument and labels are added up, those of gauges too: measure quantities with these, and give what
   * must not be added a label that tells the processes apart. With several, the gauge `patchbay.worker.up` is 1 for
   * each that answered and 0 for each that did not. What a worker that died had told last goes on counting, except its
   * gauges.
   */
  readAll(): Promise<Metric[]>
  /** Asked at each reading, for numbers kept elsewhere. @returns takes the source away */
  source(read: () => Iterable<Metric>): () => void
}
/** The service of that name. */
export const Metrics: Token<Metrics> = token<Metrics>('Metrics')
