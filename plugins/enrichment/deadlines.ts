import type { Clock } from 'mcp-patchbay/sdk'
import { RuleFailure } from './failure.ts'

const TICK = 50

interface Waiting {
  readonly end: number
  readonly late: () => void
}

/** Ends the waiting for sources that take too long: one interval for all of them, and none while nobody waits. */
export class Deadlines {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()
  #stop: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Settles like `promise`, or rejects with RuleFailure `TIMEOUT` after `ms`, up to 50 ms late. What takes too
   * long goes on by itself, and nobody hears of it.
   */
  limit<T>(promise: Promise<T>, ms: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new RuleFailure('TIMEOUT', 'its source took too long'))
      const waiting = { end: this.#clock.monotonic() + ms, late }
      this.#waiting.add(waiting)
      this.#stop ??= this.#clock.every(TICK, () => this.#turn())
      const done = () => {
        this.#waiting.delete(waiting)
        if (this.#waiting.size === 0) this.close()
      }
      promise.then(resolve, reject).finally(done)
    })
  }

  /** Stops the interval, until somebody waits again. */
  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #turn(): void {
    const now = this.#clock.monotonic()
    for (const waiting of this.#waiting) {
      if (waiting.end > now) continue
      this.#waiting.delete(waiting)
      waiting.late()
    }
    if (this.#waiting.size === 0) this.close()
  }
}
