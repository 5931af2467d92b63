import type { Bucket, Consumed, Expiry, KeyValue, Maybe } from '../../../sdk/index.ts'
import { isPromise } from '../../hooks/hooks.ts'
import type { DryRun } from './dry-runs.ts'

// Disjoint, and none of them is a key of an ordinary run: those that begin like these are moved out of the way.
const RESERVED = 'shadow:'
const WRITTEN = 'shadow:v:'
const GONE = 'shadow:d:'
const MOVED = 'shadow:o:'

/** Where a dry run's own values are: marks of what it deleted among them. */
type Layer = Pick<KeyValue, 'get' | 'set' | 'add' | 'take' | 'compareAndSet'>

/**
 * A plugin line's `KeyValue` that dry runs cannot change: they read what is there, and what they write goes
 * beside it. A run in shadow finds its writes again, another's are thrown away with it.
 */
export class DryKeyValue implements KeyValue {
  readonly #real: KeyValue
  readonly #running: () => DryRun | undefined
  readonly #scratch = new WeakMap<DryRun, Layer>()

  /** @param running the dry run of this line that is under way */
  constructor(real: KeyValue, running: () => DryRun | undefined) {
    this.#real = real
    this.#running = running
  }

  get(key: string): Maybe<string | undefined> {
    const run = this.#running()
    if (run === undefined) return this.#real.get(own(key))
    const layer = this.#layer(run)
    return then(layer.get(WRITTEN + key), (written) => written ?? this.#beneath(layer, key))
  }

  set(key: string, value: string, expiry?: Expiry): Maybe<void> {
    const run = this.#running()
    if (run === undefined) return this.#real.set(own(key), value, expiry)
    const layer = this.#layer(run)
    return then(this.#hide(layer, key), () => layer.set(WRITTEN + key, value, expiry))
  }

  add(key: string, value: string, expiry?: Expiry): Maybe<boolean> {
    const run = this.#running()
    if (run === undefined) return this.#real.add(own(key), value, expiry)
    const layer = this.#layer(run)
    return then(this.#beneath(layer, key), (there) =>
      there === undefined ? layer.add(WRITTEN + key, value, expiry) : false,
    )
  }

  take(key: string): Maybe<string | undefined> {
    const run = this.#running()
    if (run === undefined) return this.#real.take(own(key))
    const layer = this.#layer(run)
    return then(layer.take(WRITTEN + key), (written) =>
      written === undefined ? this.#takeBeneath(layer, key) : written,
    )
  }

  delete(key: string): Maybe<boolean> {
    if (this.#running() === undefined) return this.#real.delete(own(key))
    return then(this.take(key), (value) => value !== undefined)
  }

  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): Maybe<boolean> {
    const run = this.#running()
    if (run === undefined) return this.#real.compareAndSet(own(key), expected, value, expiry)
    const layer = this.#layer(run)
    return then(layer.get(WRITTEN + key), (written) => {
      if (written !== undefined) return layer.compareAndSet(WRITTEN + key, expected, value, expiry)
      return then(this.#beneath(layer, key), (there) => {
        if (there !== expected) return false
        return then(this.#hide(layer, key), () => layer.add(WRITTEN + key, value, expiry))
      })
    })
  }

  consume(buckets: readonly Bucket[]): Maybe<Consumed> {
    const run = this.#running()
    if (run?.scratch) return this.#look(buckets)
    if (run === undefined && !buckets.some(isReserved)) return this.#real.consume(buckets)
    const place = run === undefined ? '' : WRITTEN
    const beside = buckets.map((one) => ({
      ...one,
      key: place === '' ? own(one.key) : place + one.key,
    }))
    return then(this.#real.consume(beside), (consumed) =>
      consumed.ok ? consumed : { ...consumed, key: plain(consumed.key) },
    )
  }

  /** What `consume` would say, as far as that can be seen without taking: to the next whole unit. */
  #look(buckets: readonly Bucket[], at = 0, so: Consumed = FULL): Maybe<Consumed> {
    const bucket = buckets[at]
    if (bucket === undefined) return so
    // Several costs of one bucket add up.
    const cost = buckets
      .slice(0, at + 1)
      .reduce((sum, one) => sum + (one.key === bucket.key ? one.cost : 0), 0)
    // A cost that makes no sense is still refused.
    const look = { ...bucket, key: own(bucket.key), cost: Math.min(bucket.cost, 0) }
    return then(this.#real.consume([look]), (free) =>
      this.#look(buckets, at + 1, worse(so, seen(bucket, cost, free))),
    )
  }

  #layer(run: DryRun): Layer {
    if (!run.scratch) return this.#real
    let layer = this.#scratch.get(run)
    if (layer === undefined) {
      layer = new Scratch()
      this.#scratch.set(run, layer)
    }
    return layer
  }

  /** The real value, unless it was deleted or written over. */
  #beneath(layer: Layer, key: string): Maybe<string | undefined> {
    return then(layer.get(GONE + key), (gone) =>
      gone === undefined ? this.#real.get(own(key)) : undefined,
    )
  }

  /** Of many at once one gets the real value, which is not there for the others any more. */
  #takeBeneath(layer: Layer, key: string): Maybe<string | undefined> {
    return then(this.#beneath(layer, key), (there) => {
      if (there === undefined) return undefined
      return then(layer.add(GONE + key, ''), (first) => (first ? there : undefined))
    })
  }

  /** What is written now must not uncover the real value when it expires or is deleted. */
  #hide(layer: Layer, key: string): Maybe<unknown> {
    return then(this.#beneath(layer, key), (there) =>
      there === undefined ? undefined : layer.add(GONE + key, ''),
    )
  }
}

const FULL: Consumed = { ok: true, remaining: Number.POSITIVE_INFINITY }

/** The values of one run that leaves nothing behind. It is over before anything could expire. */
class Scratch implements Layer {
  readonly #values = new Map<string, string>()

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string, expiry?: Expiry): void {
    checkExpiry(expiry)
    this.#values.set(key, value)
  }

  add(key: string, value: string, expiry?: Expiry): boolean {
    if (this.#values.has(key)) return false
    this.set(key, value, expiry)
    return true
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key)
    this.#values.delete(key)
    return value
  }

  compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    expiry?: Expiry,
  ): boolean {
    if (this.#values.get(key) !== expected) return false
    this.set(key, value, expiry)
    return true
  }
}

function checkExpiry({ ttl = 1 }: Expiry = {}): void {
  if (!(ttl > 0)) throw new RangeError(`a ttl must be above 0, not ${ttl}`)
}

/** A key of an ordinary run. */
function own(key: string): string {
  return key.startsWith(RESERVED) ? MOVED + key : key
}

/** The plugin's own key of a bucket. */
function plain(key: string): string {
  const place = [WRITTEN, MOVED].find((one) => key.startsWith(one)) ?? ''
  return key.slice(place.length)
}

function isReserved({ key }: Bucket): boolean {
  return key.startsWith(RESERVED)
}

/** What a bucket in which nothing was taken says to a cost. */
function seen(
  { key, limit, windowMs, burst = limit }: Bucket,
  cost: number,
  free: Consumed,
): Consumed {
  const left = free.ok ? free.remaining : 0
  if (cost <= left) return { ok: true, remaining: left - cost }
  const late = free.ok ? 0 : free.retryAfterMs
  const wait = cost > burst ? Number.POSITIVE_INFINITY : late + ((cost - left) * windowMs) / limit
  return { ok: false, retryAfterMs: Math.ceil(wait), key }
}

function worse(one: Consumed, other: Consumed): Consumed {
  if (one.ok && other.ok) return one.remaining <= other.remaining ? one : other
  if (one.ok || other.ok) return one.ok ? other : one
  return one.retryAfterMs >= other.retryAfterMs ? one : other
}

/** Goes on at once where the value is there: the embedded service never answers with a promise. */
function then<T, R>(value: Maybe<T>, go: (value: T) => Maybe<R>): Maybe<R> {
  return isPromise(value) ? value.then(go) : go(value)
}
