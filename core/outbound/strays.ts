/** Cancelled requests that are told apart; with more, none of them is forgotten for its own answer. */
const MOST = 1_000
/** How long a server may still be at a request that was cancelled, in milliseconds. */
const PATIENCE = 60_000

/**
 * Cancelled requests that a server has not answered, which it need not: it may still be at them, so that
 * what it says of no request in particular could be about one of these.
 */
export class Strays {
  readonly #now: () => number
  readonly #until = new Map<number, number>()
  #newest = Number.NEGATIVE_INFINITY

  /** @param now milliseconds that only grow */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A request was cancelled. */
  add(id: number): void {
    this.#newest = this.#now() + PATIENCE
    if (this.#until.size < MOST) this.#until.set(id, this.#newest)
  }

  /** A request was answered, cancelled or not. */
  answered(id: unknown): void {
    if (this.#until.size > 0 && this.#until.size < MOST) this.#until.delete(id as number)
  }

  /** Whether there may be any. */
  get some(): boolean {
    if (this.#until.size === 0) return false
    if (this.#newest > this.#now()) {
      for (const [id, until] of this.#until) {
        if (until > this.#now()) return true
        this.#until.delete(id)
      }
    } else this.#until.clear()
    return this.#until.size > 0
  }
}
