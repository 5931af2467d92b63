import type { HistogramSeries, Metric, NumberSeries } from 'mcp-patchbay/sdk'
import { attributesOf, SCOPE, scopeOf } from './scope.ts'

/** The media type of what {@link exposition} writes. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Labels = Readonly<Record<string, string>>

/** Units as they end Prometheus's names; annotations in braces count things and end none. */
const UNITS: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  '1': 'ratio',
}

/**
 * Metrics as Prometheus scrapes them (text format 0.0.4, names by the OpenTelemetry compatibility rules).
 * @param own the id of this plugin's line
 * @param resource told once, as `target_info`
 * @param clash told of a name that two instruments of different kinds come to: the first keeps it
 */
export function exposition(
  metrics: readonly Metric[],
  own: string,
  resource: Labels,
  clash: (name: string) => void,
): string {
  const families = new Map<string, Family>()
  for (const metric of metrics) {
    const name = nameOf(metric)
    const family = families.get(name) ?? new Family(name, metric)
    families.set(name, family)
    if (family.kind === metric.kind) family.add(metric, scopeOf(metric, own))
    else clash(name)
  }
  const info = line('target_info', resource, 1)
  const head = '# HELP target_info Target metadata\n# TYPE target_info gauge\n'
  return `${head}${info}${[...families.values()].map((one) => one.text()).join('')}`
}

/** All series of one name. */
class Family {
  readonly kind: Metric['kind']
  readonly #name: string
  readonly #help: string
  readonly #lines: string[] = []

  constructor(name: string, { kind, description }: Metric) {
    this.kind = kind
    this.#name = name
    this.#help = description.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
  }

  add(metric: Metric, scope: string): void {
    const of: Labels = scope === SCOPE ? {} : { otel_scope_name: scope }
    for (const one of metric.series) {
      const labels = { ...attributesOf(one.labels), ...of }
      if (metric.kind === 'histogram') {
        this.#histogram(labels, one as HistogramSeries, metric.boundaries)
      } else this.#lines.push(line(this.#name, labels, (one as NumberSeries).value))
    }
  }

  text(): string {
    if (this.#lines.length === 0) return ''
    const head = `# HELP ${this.#name} ${this.#help}\n# TYPE ${this.#name} ${this.kind}\n`
    return head + this.#lines.join('')
  }

  #histogram(
    labels: Labels,
    { buckets, count, sum }: HistogramSeries,
    ends: readonly number[],
  ): void {
    let below = 0
    for (const [at, end] of ends.entries()) {
      below += buckets[at] ?? 0
      this.#lines.push(line(`${this.#name}_bucket`, { ...labels, le: String(end) }, below))
    }
    this.#lines.push(
      line(`${this.#name}_bucket`, { ...labels, le: '+Inf' }, count),
      line(`${this.#name}_sum`, labels, sum),
      line(`${this.#name}_count`, labels, count),
    )
  }
}

function nameOf({ name, unit, kind }: Metric): string {
  const plain = legal(name)
  const suffix = UNITS[unit ?? '']
  const measured =
    suffix === undefined || plain.endsWith(`_${suffix}`) ? plain : `${plain}_${suffix}`
  return kind === 'counter' && !measured.endsWith('_total') ? `${measured}_total` : measured
}

function legal(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_]+/g, '_')
  return /^\d/.test(plain) ? `_${plain}` : plain
}

function line(name: string, labels: Labels, value: number): string {
  const merged = new Map<string, string>()
  for (const [label, text] of Object.entries(labels)) {
    const key = legal(label)
    const before = merged.get(key)
    // Two names that come to the same here: both values stand, as the specification says.
    merged.set(key, before === undefined ? text : `${before};${text}`)
  }
  const pairs = [...merged].map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number(value)}\n`
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
