import type { Wheel } from '../hooks/wheel.ts'

const FIRST = 500
const LONGEST = 30_000
/** An upstream that fails again sooner than this is crash-looping: its delays go on growing. */
const STABLE = 30_000

/** How long to wait before connecting again: 0.5 s, doubling to 30 s, a quarter either way. */
export class Backoff {
  readonly #wheel: Wheel
  readonly #random: () => number
  #delay = FIRST
  #readySince: number | undefined

  /** @param host.random 0 ≤ n < 1 */
  constructor(host: { readonly wheel: Wheel; random(): number }) {
    this.#wheel = host.wheel
    this.#random = () => host.random()
  }

  /** It connected. */
  ready(): void {
    this.#readySince = this.#wheel.now()
  }

  /** It failed: milliseconds until the next attempt. */
  next(): number {
    if (this.#readySince !== undefined && this.#wheel.now() - this.#readySince > STABLE)
      this.#delay = FIRST
    this.#readySince = undefined
    const delay = this.#delay * (0.75 + this.#random() / 2)
    this.#delay = Math.min(this.#delay * 2, LONGEST)
    return delay
  }
}
