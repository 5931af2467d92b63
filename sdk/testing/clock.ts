import type { Clock } from '../index.ts'

interface Interval {
  readonly ms: number
  readonly run: () => void
  due: number
}

/** Time that stands still until a test moves it. Starts at 2026-01-01T00:00:00Z. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  #monotonic = 0
  readonly #intervals = new Set<Interval>()

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#monotonic
  }

  every(ms: number, run: () => void): () => void {
    if (!(ms > 0)) throw new RangeError(`clock.every needs more than 0 ms, not ${ms}`)
    const interval = { ms, run, due: this.#monotonic + ms }
    this.#intervals.add(interval)
    return () => this.#intervals.delete(interval)
  }

  /**
   * Moves time on by `ms` milliseconds. Everything that falls due runs on the way, in the order of its
   * time, each seeing the clock at that time.
   * @throws RangeError when `ms` is negative
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time cannot go back: advance(${ms})`)
    const end = this.#monotonic + ms
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) {
      this.#moveTo(next.due)
      next.due += next.ms
      next.run()
    }
    this.#moveTo(end)
  }

  #next(): Interval | undefined {
    let first: Interval | undefined
    for (const one of this.#intervals) if (first === undefined || one.due < first.due) first = one
    return first
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }
}
