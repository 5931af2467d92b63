import { SAMPLERS, type SamplerName } from './sampler.ts'

/** The process's environment. */
export type Env = Readonly<Record<string, string | undefined>>
/** What is told apart in the names of variables. */
export type Signal = 'TRACES' | 'METRICS'

/** Reads the standard variables of OpenTelemetry. What cannot be used is told of, and as if it were not there. */
export class Environment {
  /** What cannot be used, one sentence each. */
  readonly problems: string[] = []
  readonly #env: Env

  constructor(env: Env) {
    this.#env = env
  }

  /** Empty is as good as missing, as the specification says. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim()
    return value === '' ? undefined : value
  }

  /** `true` in any case; everything else is false. */
  flag(name: string): boolean | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : value.toLowerCase() === 'true'
  }

  /** A whole number from 1 on. */
  whole(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^[1-9]\d{0,9}$/.test(value)) return Number(value)
    this.#problem(name, 'is no whole number above 0')
    return undefined
  }

  /** `a=1,b=2` with percent-encoded values. */
  pairs(name: string): Readonly<Record<string, string>> {
    const found: Record<string, string> = {}
    for (const pair of (this.text(name) ?? '').split(',')) {
      if (pair.trim() === '') continue
      const at = pair.indexOf('=')
      try {
        if (at <= 0) throw new URIError()
        found[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim())
      } catch {
        this.#problem(name, 'is no list like `a=1,b=2`')
        return {}
      }
    }
    return found
  }

  /** One of these words. */
  word<W extends string>(name: string, words: readonly W[]): W | undefined {
    const value = this.text(name)
    const known = words.find((one) => one === value)
    if (value !== undefined && known === undefined) {
      this.#problem(name, `is none of ${words.join(', ')}`)
    }
    return known
  }

  /** Whether that signal goes out: `otlp` among the exporters; `none` and others are no. */
  exported(signal: Signal): boolean | undefined {
    const name = `OTEL_${signal}_EXPORTER`
    const value = this.text(name)
    if (value === undefined) return undefined
    const all = value.split(',').map((one) => one.trim())
    // Prometheus may always scrape; what it is told is on the admin door.
    const strange = all.filter((one) => !['otlp', 'none', 'prometheus'].includes(one))
    if (strange.length > 0) this.#problem(name, `names ${strange.join(', ')}, which is not here`)
    return all.includes('otlp')
  }

  /** Which traces are recorded. */
  sampler(): SamplerName | undefined {
    return this.word('OTEL_TRACES_SAMPLER', SAMPLERS)
  }

  /** The share that a sampler records, 0 to 1. */
  ratio(): number | undefined {
    const name = 'OTEL_TRACES_SAMPLER_ARG'
    const value = this.text(name)
    if (value === undefined) return undefined
    const share = Number(value)
    if (share >= 0 && share <= 1) return share
    this.#problem(name, 'is no number from 0 to 1')
    return undefined
  }

  /** Where that signal goes: its own variable as it stands, or the common one with the signal's path. */
  endpoint(signal: Signal): string | undefined {
    const own = this.#url(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
    if (own !== undefined) return own
    const base = this.#url('OTEL_EXPORTER_OTLP_ENDPOINT')
    return base === undefined ? undefined : signalUrl(base, signal)
  }

  /** Headers of that signal, over the common ones. */
  headers(signal: Signal): Readonly<Record<string, string>> {
    return {
      ...this.pairs('OTEL_EXPORTER_OTLP_HEADERS'),
      ...this.pairs(`OTEL_EXPORTER_OTLP_${signal}_HEADERS`),
    }
  }

  /** The signal's own variable, else the common one. */
  either<T>(signal: Signal, name: string, read: (name: string) => T | undefined): T | undefined {
    return read(`OTEL_EXPORTER_OTLP_${signal}_${name}`) ?? read(`OTEL_EXPORTER_OTLP_${name}`)
  }

  /** What is asked for and not here. */
  refuse(name: string, only: string): void {
    const value = this.text(name)
    if (value !== undefined && value.toLowerCase() !== only) {
      this.#problem(name, `asks for something else than ${only}, which is all there is here`)
    }
  }

  #url(name: string): string | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^https?:\/\//.test(value) && URL.canParse(value)) return value
    this.#problem(name, 'is no http or https URL')
    return undefined
  }

  /** Values may be secrets, so they are not told. */
  #problem(name: string, reason: string): void {
    const problem = `${name} ${reason}: it is passed over`
    if (!this.problems.includes(problem)) this.problems.push(problem)
  }
}

/** The URL of a signal below the base of a collector. */
export function signalUrl(base: string, signal: Signal): string {
  return `${base.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`
}
