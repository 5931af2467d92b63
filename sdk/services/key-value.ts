import type { Maybe } from '../hooks.ts'
import { type Token, token } from '../token.ts'

/** How long a value stays. */
export interface Expiry {
  /** Milliseconds, above 0; for ever when left out. */
  readonly ttl?: number
}

/** One limit that a call to `consume` must keep. */
export interface Bucket {
  /** What is limited, for example a principal; the limits of one key belong together. */
  readonly key: string
  /** How much is taken, 0 or more. */
  readonly cost: number
  /** How much fits into one window. */
  readonly limit: number
  /** The length of a window, in milliseconds. */
  readonly windowMs: number
  /** How much may be taken at once after a pause; `limit` when left out. */
  readonly burst?: number
}

/** What `consume` says. */
export type Consumed =
  | {
      readonly ok: true
      /** How much could still be taken now, of the bucket that has least. */
      readonly remaining: number
    }
  | {
      readonly ok: false
      /** Milliseconds until the same would fit; `Infinity` when it never does. */
      readonly retryAfterMs: number
      /** The bucket that is full for longest. */
      readonly key: string
    }

/**
 * Small values under keys: each plugin line has its own. The embedded one is memory of this process and
 * never answers with a promise; others outlive it, share values among replicas, and
 * reject with ServiceError `KEY_VALUE_FAILED` when they cannot.
 */
export interface KeyValue {
  /** The value, or `undefined` when there is none or it has expired. */
  get(key: string): Maybe<string | undefined>
  /** Writes, whatever was there; an earlier `ttl` no longer counts. */
  set(key: string, value: string, expiry?: Expiry): Maybe<void>
  /** Writes if nothing is there. Of many at once one gets `true`. */
  add(key: string, value: string, expiry?: Expiry): Maybe<boolean>
  /** Reads and deletes. Of many at once one gets the value. */
  take(key: string): Maybe<string | undefined>
  /** Whether there was something to delete. */
  delete(key: string): Maybe<boolean>
  /**
   * Writes if the value still is what was read before.
   * @param expected `undefined`: nothing is there
   */
  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): Maybe<boolean>
  /**
   * Takes from every bucket, or from none (GCRA: what was taken comes back evenly, not at the end of a
   * window). Buckets and values do not share keys.
   * @throws RangeError for a negative cost, or a limit, window or burst that is not above 0
   */
  consume(buckets: readonly Bucket[]): Maybe<Consumed>
}
/** The service of that name. */
export const KeyValue: Token<KeyValue> = token<KeyValue>('KeyValue')
