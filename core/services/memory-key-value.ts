import type { Bucket, Clock, Consumed, Expiry, KeyValue } from '../../sdk/index.ts'
import { ExpiringMap } from './expiring-map.ts'

/** Rounding of a sum of fractions must not refuse what exactly fits: milliseconds. */
const EPSILON = 0.001

/** `KeyValue` in this process's memory: answers at once, never with a promise. */
export class MemoryKeyValue implements KeyValue {
  readonly #clock: Clock
  readonly #values: ExpiringMap<string>
  /** A bucket is the time at which it will be full again; then it need not be kept. */
  readonly #buckets: ExpiringMap<undefined>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#values = new ExpiringMap(clock)
    this.#buckets = new ExpiringMap(clock)
  }

  /** How many values and buckets are kept. */
  get size(): number {
    return this.#values.size + this.#buckets.size
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string, expiry?: Expiry): void {
    this.#values.set(key, value, this.#until(expiry))
  }

  add(key: string, value: string, expiry?: Expiry): boolean {
    if (this.#values.get(key) !== undefined) return false
    this.#values.set(key, value, this.#until(expiry))
    return true
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key)
    this.#values.delete(key)
    return value
  }

  delete(key: string): boolean {
    return this.#values.delete(key)
  }

  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): boolean {
    if (this.#values.get(key) !== expected) return false
    this.#values.set(key, value, this.#until(expiry))
    return true
  }

  consume(buckets: readonly Bucket[]): Consumed {
    const now = this.#clock.monotonic()
    const full = new Array<number>(buckets.length)
    let remaining = Number.POSITIVE_INFINITY
    let wait = -1
    let longest = ''
    for (let i = 0; i < buckets.length; i++) {
      const bucket = buckets[i] as Bucket
      checkBucket(bucket)
      const { key, cost, limit, windowMs, burst = limit } = bucket
      const interval = windowMs / limit
      const before = earlier(buckets, full, i) ?? this.#buckets.until(key) ?? now
      const after = Math.max(before, now) + cost * interval
      const room = burst * interval - (after - now)
      full[i] = after
      if (room >= -EPSILON) {
        remaining = Math.min(remaining, Math.floor((room + EPSILON) / interval))
      } else {
        const late = cost > burst ? Number.POSITIVE_INFINITY : Math.ceil(-room - EPSILON)
        if (late > wait) {
          wait = late
          longest = key
        }
      }
    }
    if (wait >= 0) return { ok: false, retryAfterMs: wait, key: longest }
    for (let i = 0; i < buckets.length; i++) {
      const until = full[i] as number
      if (until > now) this.#buckets.set((buckets[i] as Bucket).key, undefined, until)
    }
    return { ok: true, remaining }
  }

  /** Forgets everything. */
  clear(): void {
    this.#values.clear()
    this.#buckets.clear()
  }

  #until(expiry: Expiry | undefined): number {
    if (expiry?.ttl === undefined) return Number.POSITIVE_INFINITY
    if (!(expiry.ttl > 0)) throw new RangeError(`a ttl must be above 0, not ${expiry.ttl}`)
    return this.#clock.monotonic() + expiry.ttl
  }
}

/** What the last bucket of the same key in this call came to: several costs of one bucket add up. */
function earlier(
  buckets: readonly Bucket[],
  full: readonly number[],
  at: number,
): number | undefined {
  for (let i = at - 1; i >= 0; i--) {
    if ((buckets[i] as Bucket).key === (buckets[at] as Bucket).key) return full[i]
  }
  return undefined
}

function checkBucket({ key, cost, limit, windowMs, burst }: Bucket): void {
  if (cost >= 0 && limit > 0 && windowMs > 0 && (burst === undefined || burst > 0)) return
  throw new RangeError(
    `bucket ${key}: cost must be 0 or more, limit, windowMs and burst above 0; got ${[cost, limit, windowMs, burst].join(', ')}`,
  )
}
