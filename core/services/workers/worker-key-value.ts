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
    return this.#ask('get', [key])
  }

  set(key: string, value: string, expiry?: Expiry): Promise<void> {
    return this.#ask('set', [key, value, expiry])
  }

  add(key: string, value: string, expiry?: Expiry): Promise<boolean> {
    return this.#ask('add', [key, value, expiry])
  }

  take(key: string): Promise<string | undefined> {
    return this.#ask('take', [key])
  }

  delete(key: string): Promise<boolean> {
    return this.#ask('delete', [key])
  }

  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): Promise<boolean> {
    return this.#ask('compareAndSet', [key, expected, value, expiry])
  }

  consume(buckets: readonly Bucket[]): Promise<Consumed> {
    return this.#ask('consume', [buckets])
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
