import type { Clock, EntryKind } from '../../sdk/index.ts'

/** How long, and by whom, a server lets one of its lists be kept (2026-07-28, caching). */
export interface ListTerms {
  /** Until then, in milliseconds since the epoch; `Infinity` when it has no such list. */
  readonly until: number
  /** Whether only those may keep it who see the same as whoever asked. */
  readonly isPrivate: boolean
}

/** What a server says about its lists; nothing about those it says nothing about. */
export type TermsByKind = Partial<Readonly<Record<EntryKind, ListTerms>>>

/** How long a merged list may be kept. */
export interface Freshness {
  /** Milliseconds, whole. */
  readonly ttlMs: number
  readonly isPrivate: boolean
}

const NO_TERMS: TermsByKind = {}

/**
 * How long merged lists may be kept: no longer than any of their parts. Apart from the catalog, because a
 * server that only says otherwise how long its list is good has changed no list.
 */
export class ListFreshness {
  readonly #ttl: number
  readonly #clock: Clock
  readonly #offered: ReadonlySet<EntryKind>
  readonly #terms: Map<string, TermsByKind>

  /**
   * @param upstreams every part there can be
   * @param offered the kinds that plugins offer
   * @param ttl milliseconds for parts that say nothing themselves
   */
  constructor(
    upstreams: readonly string[],
    offered: ReadonlySet<EntryKind>,
    ttl: number,
    clock: Clock,
  ) {
    this.#ttl = ttl
    this.#clock = clock
    this.#offered = offered
    this.#terms = new Map(upstreams.map((id) => [id, NO_TERMS]))
  }

  /** An upstream has been listed anew, or is listed no more. */
  told(upstream: string, terms: TermsByKind): void {
    if (this.#terms.has(upstream)) this.#terms.set(upstream, terms)
  }

  /** What holds for everybody's list of that kind. */
  of(kind: EntryKind): Freshness {
    const now = this.#clock.now()
    let left = Number.POSITIVE_INFINITY
    let isPrivate = false
    for (const terms of this.#terms.values()) {
      const said = terms[kind]
      left = Math.min(left, said === undefined ? this.#ttl : said.until - now)
      if (said?.isPrivate === true) isPrivate = true
    }
    if (this.#offered.has(kind) || left === Number.POSITIVE_INFINITY) {
      left = Math.min(left, this.#ttl)
    }
    return { ttlMs: Math.max(0, Math.floor(left)), isPrivate }
  }
}
