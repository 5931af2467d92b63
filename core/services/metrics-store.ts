import type { Metric, Metrics } from '../../sdk/index.ts'
import { HistogramInstrument, NumberInstrument } from './instrument.ts'

/** All instruments of a gateway, by the plugin line they belong to. */
export class MetricsStore {
  readonly #lines = new Map<string, Map<string, NumberInstrument | HistogramInstrument>>()
  readonly #sources = new Set<{ read(): Iterable<Metric> }>()
  readonly #fault: (cause: unknown) => void
  /** Adds what the gateway's other processes have, where there are others. */
  joined: ((own: Metric[]) => Promise<Metric[]>) | undefined

  /** @param fault told of a source that throws; the others are read all the same */
  constructor(fault: (cause: unknown) => void) {
    this.#fault = fault
  }

  /** What one plugin line sees. */
  line(plugin: string): Metrics {
    const own = this.#lines.get(plugin) ?? new Map()
    this.#lines.set(plugin, own)
    const number = (name: string, kind: 'counter' | 'gauge', make: () => NumberInstrument) => {
      const known = kindOf(plugin, own.get(name), name, kind) as NumberInstrument | undefined
      return known ?? put(own, name, make())
    }
    return {
      counter: (name, options) =>
        number(name, 'counter', () => new NumberInstrument('counter', options)),
      gauge: (name, options) => number(name, 'gauge', () => new NumberInstrument('gauge', options)),
      histogram: (name, options) => {
        const known = kindOf(plugin, own.get(name), name, 'histogram') as
          | HistogramInstrument
          | undefined
        // Other boundaries after a reload: what was counted cannot be sorted into them.
        return known?.boundaries.join() === options.boundaries.join()
          ? known
          : put(own, name, new HistogramInstrument(options))
      },
      read: () => this.read(),
      readAll: () => this.readAll(),
      source: (read) => this.source(read),
    }
  }

  /** Everything there is. */
  read(): Metric[] {
    const metrics: Metric[] = []
    for (const [plugin, instruments] of this.#lines) {
      for (const [name, instrument] of instruments) metrics.push(instrument.read(name, plugin))
    }
    for (const source of this.#sources) {
      try {
        metrics.push(...source.read())
      } catch (cause) {
        this.#fault(cause)
      }
    }
    return metrics
  }

  /** Everything there is in all processes of this gateway. */
  async readAll(): Promise<Metric[]> {
    const own = this.read()
    return this.joined === undefined ? own : this.joined(own)
  }

  /** Asks `read` too at each reading, until the returned function is called. */
  source(read: () => Iterable<Metric>): () => void {
    const source = { read }
    this.#sources.add(source)
    return () => this.#sources.delete(source)
  }
}

function put<I>(own: Map<string, unknown>, name: string, instrument: I): I {
  own.set(name, instrument)
  return instrument
}

function kindOf<I extends { readonly kind: string }>(
  plugin: string,
  known: I | undefined,
  name: string,
  kind: string,
): I | undefined {
  if (known === undefined || known.kind === kind) return known
  throw new RangeError(
    `plugin ${plugin} has a ${known.kind} ${name} already: name the ${kind} otherwise`,
  )
}
