import type { Wheel } from './wheel.ts'

/** One synchronous run in so many is timed: the clock costs more than many a hook. A power of two. */
const SAMPLE = 32

/**
 * How often one plugin's hook ran, what it said and how long it took. Plain numbers on an object made at
 * boot: it is on the way of every call.
 */
export class HookCounts {
  readonly plugin: string
  readonly hook: string
  runs = 0
  /** Throws, promises that came too late, answers that make no sense. */
  failures = 0
  /** Runs that said something, by what it was; the others said nothing. */
  change = 0
  answer = 0
  ask = 0
  denial = 0
  /** Runs that returned a promise. */
  promised = 0
  #timed = 0
  #time = 0
  #waited = 0
  readonly #wheel: Pick<Wheel, 'now'>

  constructor(plugin: string, hook: string, wheel: Pick<Wheel, 'now'>) {
    this.plugin = plugin
    this.hook = hook
    this.#wheel = wheel
  }

  /**
   * Milliseconds in all. Promises are timed one by one, from the second on with their synchronous part;
   * what answers at once by samples.
   */
  get duration(): number {
    const estimated =
      this.#timed === 0 ? 0 : (this.#time / this.#timed) * (this.runs - this.promised)
    return estimated + this.#waited
  }

  /** A run begins. @returns for `end` or `wait` */
  begin(): number {
    const isTimed = (this.runs++ & (SAMPLE - 1)) === 0 || this.promised > 0
    return isTimed ? this.#wheel.now() : -1
  }

  /** A run has answered at once. */
  end(from: number): void {
    if (from < 0) return
    this.#timed++
    this.#time += this.#wheel.now() - from
  }

  /** A run will answer later. @returns the promise, timed */
  wait<T>(promise: Promise<T>, from: number): Promise<T> {
    this.promised++
    const start = from < 0 ? this.#wheel.now() : from
    return promise.finally(() => {
      this.#waited += this.#wheel.now() - start
    })
  }
}
