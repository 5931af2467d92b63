import { createHash, timingSafeEqual } from 'node:crypto'
import type { Authenticated } from 'mcp-patchbay/sdk'

/** One key of the settings. */
export interface KeySettings {
  readonly id: string
  readonly sha256: string
  readonly scopes: readonly string[]
  readonly expires?: string
  readonly claims: Readonly<Record<string, unknown>>
}

const LONGEST = 1024

/** The keys that are known by their hashes. */
export class KeyRing {
  readonly #keys: readonly { readonly digest: Buffer; readonly known: Authenticated }[]
  // Hashing on every request would cost more than the rest of the plugin. Holds good keys only: never
  // more than there are in the settings, whatever is presented.
  readonly #seen = new Map<string, Authenticated>()

  /** @throws Error when two keys have the same id or the same hash, or an expiry is not a date */
  constructor(issuer: string, keys: readonly KeySettings[]) {
    const ids = keys.map(({ id }) => id)
    refuseRepeats(ids, 'id', 'Give each key an id of its own.')
    const hashes = keys.map(({ sha256 }) => sha256.toLowerCase())
    refuseRepeats(hashes, 'sha256', 'Make a key for each caller.')
    this.#keys = keys.map(({ id: subject, sha256, scopes, claims, expires }, i) => ({
      digest: Buffer.from(sha256, 'hex'),
      known: { principal: { issuer, subject, claims, scopes }, ...endOf(expires, i) },
    }))
  }

  /** How many keys have been presented and found good. */
  get remembered(): number {
    return this.#seen.size
  }

  /** The caller a key belongs to, expired or not; the same object every time. */
  find(presented: string): Authenticated | undefined {
    if (presented.length === 0 || presented.length > LONGEST) return undefined
    const seen = this.#seen.get(presented)
    if (seen !== undefined) return seen
    const digest = createHash('sha256').update(presented).digest()
    let found: Authenticated | undefined
    // To the end, so that the time says nothing about which key it was, or whether there is one.
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found = key.known
    if (found !== undefined) this.#seen.set(presented, found)
    return found
  }
}

function refuseRepeats(values: readonly string[], name: string, hint: string): void {
  const first = new Map<string, number>()
  values.forEach((value, i) => {
    const before = first.get(value)
    if (before !== undefined) {
      throw new Error(`keys[${i}].${name} is the same as keys[${before}].${name}. ${hint}`)
    }
    first.set(value, i)
  })
}

function endOf(expires: string | undefined, index: number): { until?: number } {
  if (expires === undefined) return {}
  const until = Date.parse(expires)
  if (Number.isNaN(until)) {
    throw new Error(`keys[${index}].expires is no date. Write it like 2027-01-31T00:00:00Z.`)
  }
  return { until }
}
