import type { Clock } from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'

/** How long several requests may take together. */
export class Deadline {
  readonly #clock: Clock
  readonly #end: number

  /** @param ms from now on */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock
    this.#end = clock.monotonic() + ms
  }

  /** Milliseconds that one more request may take, and no more than `ms`. @throws AuthFailure when there are none left */
  within(ms: number): number {
    const left = Math.floor(this.#end - this.#clock.monotonic())
    if (left > 0) return Math.min(ms, left)
    throw AuthFailure.passing('getting a token took too long')
  }
}
