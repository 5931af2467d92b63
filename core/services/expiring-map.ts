import type { Clock } from '../../sdk/index.ts'

const SWEEP_EVERY = 10_000
const SWEEP_AT_ONCE = 10_000

/** A value, and until when it counts. */
interface Expiring<V> {
  value: V
  until: number
}

/**
 * A map whose entries go away by themselves. Each write also looks at two old entries, and a slow tick at
 * more, so that what has expired leaves the memory whether or not anybody writes.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Expiring<V>>()
  readonly #clock: Clock
  #cursor: Iterator<[string, Expiring<V>]> | undefined
  #stop: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many entries are kept, expired ones included that nobody has come across yet. */
  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#live(key)?.value
  }

  /** When the entry expires, on the monotonic clock. */
  until(key: string): number | undefined {
    return this.#live(key)?.until
  }

  /** @param until on the monotonic clock */
  set(key: string, value: V, until: number): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.value = value
      entry.until = until
      return
    }
    this.#sweep(2)
    this.#entries.set(key, { value, until })
    this.#stop ??= this.#clock.every(SWEEP_EVERY, () => this.#tick())
  }

  delete(key: string): boolean {
    const live = this.#live(key) !== undefined
    this.#entries.delete(key)
    return live
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear()
    this.#rest()
  }

  #live(key: string): Expiring<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.until > this.#clock.monotonic()) return entry
    this.#entries.delete(key)
    return undefined
  }

  #tick(): void {
    this.#sweep(Math.min(SWEEP_AT_ONCE, this.#entries.size))
    if (this.#entries.size === 0) this.#rest()
  }

  #sweep(count: number): void {
    const now = this.#clock.monotonic()
    for (let left = count; left > 0; left--) {
      // A map's iterator stands deletions and additions, so that it can be picked up where it was.
      this.#cursor ??= this.#entries.entries()
      const { done, value } = this.#cursor.next()
      if (done) this.#cursor = undefined
      else if (value[1].until <= now) this.#entries.delete(value[0])
    }
  }

  #rest(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#cursor = undefined
  }
}
