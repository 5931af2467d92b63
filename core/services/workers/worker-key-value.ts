import {
  type Bucket,
  type Consumed,
  type Expiry,
  type KeyValue,
  ServiceError,
} from '../../../sdk/index.ts'
import type { KeyValueMethod } from './frames.ts'
import type { WorkerLink } from './worker-link.ts'

/** One plugin line's `KeyValue` in a worker: kept by the primary, for all workers. */
export class WorkerKeyValue implements KeyValue {
  readonly #link: WorkerLink
  readonly #line: string

  constructor(link: WorkerLink, line: string) {
    this.#link = link
    this.#line = line
  }

  get(key: string): Promise<string | undefined> {
    return this.#ask('get', [checked(key)])
  }

  set(key: string, value: string, expiry?: Expiry): Promise<void> {
    return this.#ask('set', [checked(key), checked(value), plain(expiry)])
  }

  add(key: string, value: string, expiry?: Expiry): Promise<boolean> {
    return this.#ask('add', [checked(key), checked(value), plain(expiry)])
  }

  take(key: string): Promise<string | undefined> {
    return this.#ask('take', [checked(key)])
  }

  delete(key: string): Promise<boolean> {
    return this.#ask('delete', [checked(key)])
  }

  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): Promise<boolean> {
    return this.#ask('compareAndSet', [
      checked(key),
      expected === undefined ? undefined : checked(expected),
      checked(value),
      plain(expiry),
    ])
  }

  consume(buckets: readonly Bucket[]): Promise<Consumed> {
    const plainly = buckets.map(({ key, cost, limit, windowMs, burst }) => {
      const bucket = { key: checked(key), cost, limit, windowMs }
      return burst === undefined ? bucket : { ...bucket, burst }
    })
    return this.#ask('consume', [plainly])
  }

  #ask<T>(method: KeyValueMethod, args: readonly unknown[]): Promise<T> {
    const line = this.#line
    return new Promise<T>((resolve, reject) => {
      const failed = (error: Error) =>
        reject(error instanceof RangeError ? error : unanswered(error))
      const waiting = { done: (value: unknown) => resolve(value as T), failed }
      this.#link.ask(waiting, (id) => ({ kind: 'value', id, line, method, args }))
    })
  }
}

function unanswered(cause: Error): ServiceError {
  const hint = 'Try again; when it goes on, see the log.'
  const reason = `the primary process did not answer: ${cause.message}`
  return new ServiceError('KEY_VALUE_FAILED', reason, hint, { cause })
}

/** What is no text may be something that cannot travel. @throws TypeError */
function checked(text: string): string {
  if (typeof text === 'string') return text
  throw new TypeError(`keys and values are text, not ${typeof text}`)
}

function plain(expiry: Expiry | undefined): Expiry {
  return expiry?.ttl === undefined ? {} : { ttl: expiry.ttl }
}
