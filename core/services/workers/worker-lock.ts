import type { Lease, Lock, LockOptions, Maybe } from '../../../sdk/index.ts'
import { checkTimes } from '../memory-lock.ts'
import type { WorkerLink } from './worker-link.ts'

/** `Lock` in a worker: the primary says whose turn it is, and frees what a worker held that died. */
export class WorkerLock implements Lock {
  readonly #link: WorkerLink

  constructor(link: WorkerLink) {
    this.#link = link
  }

  async hold<T>(
    name: string,
    { ttlMs, waitMs = 0 }: LockOptions,
    work: (lease: Lease) => Maybe<T>,
  ): Promise<T | undefined> {
    checkTimes(name, ttlMs, waitMs)
    const lease = new AbortController()
    let id = -1
    try {
      const got = await new Promise((resolve, reject) => {
        const over = () =>
          lease.abort(new Error(`the lock ${name} was held for more than ${ttlMs} ms`))
        const waiting = { done: resolve, failed: reject, over, lasting: true }
        id = this.#link.ask(waiting, (id) => ({ kind: 'take', id, name, ttlMs, waitMs }))
      })
      return got === true ? await work({ signal: lease.signal }) : undefined
    } finally {
      this.#link.drop(id)
    }
  }
}
