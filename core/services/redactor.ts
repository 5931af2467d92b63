import type { Secrets } from '../../sdk/index.ts'

const SHORTEST = 6
/** Counts, times, ports: in a line of the log they also stand without quotes. */
const SHORT_NUMBER = /^[\d.+-]{0,11}$/
const BLANK = '[redacted]'

/** The one list of secrets of a gateway. Costs a comparison while it is empty. */
export class Redactor implements Secrets {
  readonly #forms = new Set<string>()
  #pattern: RegExp | undefined

  /** @param values the first secrets; `add` takes more */
  constructor(values: Iterable<string> = []) {
    for (const value of values) this.add(value)
  }

  add(value: string): void {
    if (value.length < SHORTEST || SHORT_NUMBER.test(value) || this.#forms.has(value)) return
    // As it stands, as it looks inside JSON, and inside an address.
    this.#forms.add(value)
    this.#forms.add(JSON.stringify(value).slice(1, -1))
    if (value.isWellFormed()) this.#forms.add(encodeURIComponent(value))
    this.#pattern = undefined
  }

  redact(text: string): string {
    if (this.#forms.size === 0) return text
    return text.replace(this.#regExp(), BLANK)
  }

  redactDeep<T>(value: T): T {
    return this.#forms.size === 0 ? value : (this.#deep(value, new Map()) as T)
  }

  #deep(value: unknown, seen: Map<object, unknown>): unknown {
    if (typeof value === 'string') return this.redact(value)
    if (typeof value !== 'object' || value === null) return value
    // A circle is left as it is: nothing that is stored or sent has one.
    if (seen.has(value)) return seen.get(value)
    seen.set(value, value)
    const copy = this.#copy(value, seen)
    seen.set(value, copy)
    return copy
  }

  #copy(value: object, seen: Map<object, unknown>): object {
    if (value instanceof Error) return this.#error(value)
    if (Array.isArray(value)) {
      const items = value.map((one) => this.#deep(one, seen))
      return items.some((one, index) => one !== value[index]) ? items : value
    }
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return value
    let changed = false
    const members = Object.entries(value).map(([name, one]): [string, unknown] => {
      const clean = this.#deep(one, seen)
      changed ||= clean !== one
      return [name, clean]
    })
    return changed ? Object.fromEntries(members) : value
  }

  #error(error: Error): Error {
    const { message, stack = '' } = error
    if (this.redact(message) === message && this.redact(stack) === stack) return error
    const clean = new Error(this.redact(message))
    clean.name = error.name
    clean.stack = this.redact(stack)
    return clean
  }

  #regExp(): RegExp {
    // Longer ones first: a secret may begin with another.
    this.#pattern ??= new RegExp(
      [...this.#forms]
        .sort((a, b) => b.length - a.length)
        .map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
        .join('|'),
      'g',
    )
    return this.#pattern
  }
}
