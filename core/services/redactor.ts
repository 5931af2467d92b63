import type { Secrets } from '../../sdk/index.ts'

const SHORTEST = 6
/** Counts, times, ports: in a line of the log they also stand without quotes. */
const SHORT_NUMBER = /^[\d.+-]{0,11}$/
const BLANK = '[redacted]'

/** The one list of secrets of a gateway. Costs a comparison while it is empty. */
export class Redactor implements Secrets {
  /** How often each was added. */
  readonly #counts = new Map<string, number>()
  readonly #forms = new Set<string>()
  #pattern: RegExp | undefined

  /** @param values the first secrets; `add` takes more */
  constructor(values: Iterable<string> = []) {
    for (const value of values) this.add(value)
  }

  add(value: string): void {
    if (value.length < SHORTEST || SHORT_NUMBER.test(value)) return
    const count = this.#counts.get(value) ?? 0
    this.#counts.set(value, count + 1)
    if (count > 0) return
    for (const form of formsOf(value)) this.#forms.add(form)
    this.#pattern = undefined
  }

  drop(value: string): void {
    const count = this.#counts.get(value)
    if (count === undefined) return
    if (count > 1) {
      this.#counts.set(value, count - 1)
      return
    }
    this.#counts.delete(value)
    // Others may look the same in one of their forms.
    this.#forms.clear()
    for (const one of this.#counts.keys()) for (const form of formsOf(one)) this.#forms.add(form)
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
    if (value instanceof Error) return this.#error(value, seen)
    if (Array.isArray(value)) {
      const items = value.map((one) => this.#deep(one, seen))
      return items.some((one, index) => one !== value[index]) ? items : value
    }
    // Bytes are no text, whatever they spell.
    if (ArrayBuffer.isView(value)) return value
    if (value instanceof Map) return this.#map(value, seen)
    if (value instanceof Set) {
      const items = this.#deep([...value], seen) as unknown[]
      return items.some((one) => !value.has(one)) ? new Set(items) : value
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      const told: unknown = value.toJSON()
      const clean = this.#deep(told, seen)
      // Written down it would be this anyway: an address becomes text.
      return clean === told ? value : (clean as object)
    }
    const changed = this.#changes(value, seen)
    // With a prototype of its own it may be more than its data; the copy is its data.
    return changed === undefined ? value : { ...value, ...changed }
  }

  /** The members that hold a secret, without it; `undefined` when none does. */
  #changes(value: object, seen: Map<object, unknown>): Record<string, unknown> | undefined {
    let changes: Record<string, unknown> | undefined
    for (const [name, one] of Object.entries(value)) {
      const clean = this.#deep(one, seen)
      if (clean === one) continue
      changes ??= {}
      changes[name] = clean
    }
    return changes
  }

  #map(map: ReadonlyMap<unknown, unknown>, seen: Map<object, unknown>): object {
    const entries = [...map]
    const clean = this.#deep(entries, seen) as typeof entries
    return clean === entries ? map : new Map(clean)
  }

  #error(error: Error, seen: Map<object, unknown>): Error {
    const { message, stack = '', cause } = error
    const changes = this.#changes(error, seen)
    const clean = {
      message: this.redact(message),
      stack: this.redact(stack),
      cause: this.#deep(cause, seen),
    }
    const isClean = clean.message === message && clean.stack === stack && clean.cause === cause
    if (isClean && changes === undefined) return error
    const copy = new Error(clean.message, cause === undefined ? {} : { cause: clean.cause })
    copy.name = error.name
    copy.stack = clean.stack
    return Object.assign(copy, error, changes)
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

/** As it stands, as it looks inside JSON, and inside an address. */
function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1)
  return value.isWellFormed() ? [value, json, encodeURIComponent(value)] : [value, json]
}
