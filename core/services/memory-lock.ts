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
    const lease = new AbortController()
    const release = await this.acquire(name, { ttlMs, waitMs }, () => {
      lease.abort(new Error(`the lock ${name} was held for more than ${ttlMs} ms`))
    })
    if (release === undefined) return undefined
    try {
      return await work({ signal: lease.signal })
    } finally {
      release()
    }
  }

  /**
   * Begins to hold the lock.
   * @param expired told when it is somebody else's after `ttlMs`
   * @returns lets go of it at once, and does nothing once it has expired; `undefined` when it was not to be had
   */
  async acquire(
    name: string,
    { ttlMs, waitMs = 0 }: LockOptions,
    expired: () => void,
  ): Promise<(() => void) | undefined> {
    checkTimes(name, ttlMs, waitMs)
    if (!(await this.#take(name, waitMs))) return undefined
    let over = false
    const end = () => {
      if (over) return
      over = true
      this.#wheel.remove(alarm)
      this.#next(name)
    }
    const alarm = this.#wheel.after(ttlMs, () => {
      end()
      expired()
    })
    return end
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

/** @throws RangeError for times that make no sense */
export function checkTimes(name: string, ttlMs: number, waitMs: number): void {
  if (ttlMs > 0 && waitMs >= 0) return
  throw new RangeError(`lock ${name}: ttlMs must be above 0, waitMs 0 or more`)
}
