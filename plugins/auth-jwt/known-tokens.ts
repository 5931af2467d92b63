import type { Authenticated } from 'mcp-patchbay/sdk'
import type { Issuer } from './issuer.ts'

/** A token that was verified. */
export interface KnownToken {
  /** The same object for as long as the token is known. */
  readonly found: Authenticated & { readonly until: number }
  readonly issuer: Issuer
  /** Which of the issuer's keys it was verified with. */
  readonly generation: number
  /** Whether it is good for the whole gateway. */
  readonly everywhere: boolean
  /** The endpoints it is good for besides. */
  readonly paths: readonly string[]
}

const MOST = 10_000
const MINUTE = 60_000

/** Verified tokens by their digest: never more than so many, and no token itself. */
export class KnownTokens {
  readonly #byDigest = new Map<string, KnownToken>()
  #sweptAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#byDigest.size
  }

  get(digest: string): KnownToken | undefined {
    return this.#byDigest.get(digest)
  }

  /** Keeps one; the oldest go when there is no room. */
  set(digest: string, known: KnownToken, now: number): void {
    // In any case, so that bearers of short tokens do not fill it for nothing.
    if (now - this.#sweptAt >= MINUTE) this.#sweep(now)
    if (this.#byDigest.size >= MOST && !this.#byDigest.has(digest)) {
      for (const oldest of this.#byDigest.keys()) {
        this.#byDigest.delete(oldest)
        break
      }
    }
    this.#byDigest.set(digest, known)
  }

  delete(digest: string): void {
    this.#byDigest.delete(digest)
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const [digest, { found }] of this.#byDigest) {
      if (found.until <= now) this.#byDigest.delete(digest)
    }
  }
}
