/** A set whose members go away by themselves. Memory only: what it knows ends with the process. */
export class ExpiringSet {
  readonly #until = new Map<string, number>()
  readonly #now: () => number
  readonly #most: number
  #sweepAt = 1_000

  /**
   * @param now milliseconds since the epoch
   * @param most how many it may hold: where there are more, the oldest go, whether they expired or not
   */
  constructor(now: () => number, most = Number.POSITIVE_INFINITY) {
    this.#now = now
    this.#most = most
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
    if (this.#until.size > this.#most) this.#until.delete(this.#until.keys().next().value as string)
    if (this.#until.size < this.#sweepAt) return
    for (const [old, until] of this.#until) if (until <= this.#now()) this.#until.delete(old)
    // Sweeping again only after the set has doubled keeps `add` cheap however many live.
    this.#sweepAt = Math.max(1_000, this.#until.size * 2)
  }
}
