import type { UpstreamConfig } from './settings.ts'

/** A server that only knew the old ways may have been upgraded since. */
const KEPT = 60 * 60_000
/** How long a server that died of the probe, or said nothing to it, is asked the old way. */
const DOUBTFUL = 60_000

/** How a server is spoken to: what is `auto` is to be found out. */
export interface Approach {
  readonly transport: 'auto' | 'http' | 'sse'
  readonly era: 'auto' | 'modern' | 'legacy'
  /** How that was found, where nothing is left to be found out. */
  readonly found: string
}

/** What the config says of a server's transport and era, and for a time what was found out. */
export class Verdicts {
  readonly #said: Approach
  readonly #now: () => number
  #learnt: { readonly approach: Approach; readonly until: number } | undefined

  /** @param now milliseconds that only grow */
  constructor({ transport, era }: Pick<UpstreamConfig, 'transport' | 'era'>, now: () => number) {
    // There is no HTTP+SSE in 2026-07-28.
    this.#said = { transport, era: transport === 'sse' ? 'legacy' : era, found: 'set by config' }
    this.#now = now
  }

  /** How to connect now. */
  get approach(): Approach {
    return this.#current?.approach ?? this.#said
  }

  /** Whether what was found out may be out of date; never so where nothing was to be found out. */
  get expired(): boolean {
    return this.#said.era === 'auto' && this.#current === undefined
  }

  /** A server of the old ways was found. @param certain whether it said so itself */
  learn(approach: Approach, certain: boolean): void {
    if (this.#said.era !== 'auto' && this.#said.transport !== 'auto') return
    this.#learnt = { approach, until: this.#now() + (certain ? KEPT : DOUBTFUL) }
  }

  /** What was found out no longer holds. */
  forget(): void {
    this.#learnt = undefined
  }

  get #current() {
    return this.#learnt !== undefined && this.#learnt.until > this.#now() ? this.#learnt : undefined
  }
}
