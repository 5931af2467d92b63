import type { Lease, Lock, LockOptions, Maybe } from '../../sdk/index.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'

interface Waiter {
  /** Begins to hold the lock. */
  begin(): void
}

/** `Lock` among the callers in this process. */
export class MemoryLock implements Lock {
  readonly #wheel: Wheel
  /** Who waits, by name; a name that is here is held. */
  readonly #held = new Map<string, Waiter[]>()

  constructor(wheel: Wheel) {
    this.#wheel = wheel
  }

  async hold<T>(
    name: string,
    { ttlMs, waitMs = 0 }: LockOptions,
    work: (lease: Lease) => Maybe<T>,
  ): Promise<T | undefined> {
    if (!(ttlMs > 0 && waitMs >= 0)) {
      throw new RangeError(`lock ${name}: ttlMs must be above 0, waitMs 0 or more`)
    }
    if (!(await this.#take(name, waitMs))) return undefined
    const lease = new AbortController()
    let over = false
    const end = () => {
      if (over) return
      over = true
      this.#wheel.remove(alarm)
      this.#next(name)
    }
    const alarm = this.#wheel.after(ttlMs, () => {
      end()
      lease.abort(new Error(`the lock ${name} was held for more than ${ttlMs} ms`))
    })
    try {
      return await work({ signal: lease.signal })
    } finally {
      end()
    }
  }

  #take(name: string, waitMs: number): Maybe<boolean> {
    const waiting = this.#held.get(name)
    if (waiting === undefined) {
      this.#held.set(name, [])
      return true
    }
    if (waitMs === 0) return false
    return new Promise((resolve) => {
      const waiter = {
        begin: () => {
          this.#wheel.remove(alarm)
          resolve(true)
        },
      }
      const alarm: Alarm = this.#wheel.after(waitMs, () => {
        waiting.splice(waiting.indexOf(waiter), 1)
        resolve(false)
      })
      waiting.push(waiter)
    })
  }

  #next(name: string): void {
    const first = this.#held.get(name)?.shift()
    if (first === undefined) this.#held.delete(name)
    else first.begin()
  }
}
