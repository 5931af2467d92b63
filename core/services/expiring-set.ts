/** A set whose members go away by themselves. Memory only: what it knows ends with the process. */
export class ExpiringSet {
  readonly #until = new Map<string, number>()
  readonly #now: () => number
  #sweepAt = 1_000

  /** @param now milliseconds since the epoch */
  constructor(now: () => number) {
    this.#now = now
  }

  has(key: string): boolean {
    const until = this.#until.get(key)
    return until !== undefined && until > this.#now()
  }

  /** Adds what is not there yet. Whether it was not. @param ttl milliseconds */
  claim(key: string, ttl: number): boolean {
    if (this.has(key)) return false
    this.add(key, ttl)
    return true
  }

  /** @param ttl milliseconds */
  add(key: string, ttl: number): void {
    this.#until.set(key, this.#now() + ttl)
    if (this.#until.size < this.#sweepAt) return
    for (const [old, until] of this.#until) if (until <= this.#now()) this.#until.delete(old)
    // Sweeping again only after the set has doubled keeps `add` cheap however many live.
    this.#sweepAt = Math.max(1_000, this.#until.size * 2)
  }
}
