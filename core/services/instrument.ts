import type {
  Counter,
  Gauge,
  Histogram,
  InstrumentOptions,
  Labels,
  Metric,
} from '../../sdk/index.ts'

/** How many series an instrument keeps. */
const MOST = 2_000
const OVERFLOW: Labels = { overflow: 'true' }

/** The series of one instrument, by their labels. */
abstract class Instrument<S extends { readonly labels: Labels }> {
  protected readonly options: InstrumentOptions
  protected readonly series: S[] = []
  readonly #byKey = new Map<string, S>()
  /** Labels that cannot change any more are looked at once. */
  readonly #frozen = new WeakMap<Labels, S>()
  #plain: S | undefined
  #overflow: S | undefined

  constructor(options: InstrumentOptions) {
    this.options = options
  }

  protected abstract open(labels: Labels): S

  protected find(labels: Labels | undefined): S {
    if (labels === undefined) {
      this.#plain ??= this.#find({})
      return this.#plain
    }
    const known = this.#frozen.get(labels)
    if (known !== undefined) return known
    let key = ''
    for (const name in labels) key += `${name}\u0000${labels[name]}\u0001`
    const series = this.#byKey.get(key) ?? this.#find(labels, key)
    if (Object.isFrozen(labels)) this.#frozen.set(labels, series)
    return series
  }

  /** Labels in another order are the same series. */
  #find(labels: Labels, key = ''): S {
    const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
    const canonical = sorted.map(([name, value]) => `${name}\u0000${value}\u0001`).join('')
    let series = this.#byKey.get(canonical)
    if (series === undefined) {
      if (this.series.length >= MOST) {
        this.#overflow ??= this.#add(OVERFLOW)
        return this.#overflow
      }
      series = this.#add(Object.freeze(Object.fromEntries(sorted)))
      this.#byKey.set(canonical, series)
    }
    this.#byKey.set(key, series)
    return series
  }

  #add(labels: Labels): S {
    const series = this.open(labels)
    this.series.push(series)
    return series
  }

  abstract read(name: string, plugin: string): Metric
}

interface Sum {
  readonly labels: Labels
  value: number
}

/** A counter or a gauge. */
export class NumberInstrument extends Instrument<Sum> implements Counter, Gauge {
  readonly kind: 'counter' | 'gauge'

  constructor(kind: 'counter' | 'gauge', options: InstrumentOptions) {
    super(options)
    this.kind = kind
  }

  add(amount: number, labels?: Labels): void {
    if (!(amount >= 0)) throw new RangeError(`a counter only grows: add(${amount})`)
    this.find(labels).value += amount
  }

  set(value: number, labels?: Labels): void {
    this.find(labels).value = value
  }

  read(name: string, plugin: string): Metric {
    const { description, unit } = this.options
    const series = this.series.map((one) => ({ ...one }))
    return { name, plugin, description, unit, kind: this.kind, series }
  }

  protected open(labels: Labels): Sum {
    return { labels, value: 0 }
  }
}

interface Spread {
  readonly labels: Labels
  count: number
  sum: number
  readonly buckets: number[]
}

/** A histogram. */
export class HistogramInstrument extends Instrument<Spread> implements Histogram {
  readonly kind = 'histogram'
  readonly boundaries: readonly number[]

  /** @throws RangeError when the boundaries do not ascend */
  constructor(options: InstrumentOptions & { readonly boundaries: readonly number[] }) {
    super(options)
    this.boundaries = Object.freeze([...options.boundaries])
    if (this.boundaries.some((one, i) => !(i === 0 || one > (this.boundaries[i - 1] as number)))) {
      throw new RangeError(`boundaries must ascend: ${this.boundaries.join(', ')}`)
    }
  }

  record(value: number, labels?: Labels): void {
    const series = this.find(labels)
    const { boundaries } = this
    let bucket = 0
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++
    series.buckets[bucket] = (series.buckets[bucket] as number) + 1
    series.count++
    series.sum += value
  }

  read(name: string, plugin: string): Metric {
    const { description, unit } = this.options
    const { boundaries } = this
    const series = this.series.map((one) => ({ ...one, buckets: [...one.buckets] }))
    return { name, plugin, description, unit, kind: 'histogram', boundaries, series }
  }

  protected open(labels: Labels): Spread {
    return { labels, count: 0, sum: 0, buckets: new Array(this.boundaries.length + 1).fill(0) }
  }
}
