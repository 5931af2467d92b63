import type { Call, Caller, Definitions, EntryKind } from '../../sdk/index.ts'

/** The methods that are aimed at an entry. */
export type EntryMethod = Call['method']

/** The upstreams, as the catalog sees them. */
export interface Discovery {
  /** What the upstreams say about how they are meant to be used, by id, in config order; those that do. */
  instructions(): ReadonlyMap<string, string>
  /**
   * Reads what an upstream lists for one credential identity, with the caller's credentials. Never
   * rejects: `undefined` when it cannot be had now, which the log has been told.
   */
  discover(
    upstream: string,
    identity: string,
    caller: Caller,
  ): Promise<readonly ListedEntry[] | undefined>
}

/** An entry as an upstream listed it, with its source text. */
export interface ListedEntry<K extends EntryKind = EntryKind> {
  readonly kind: K
  readonly definition: Definitions[K]
  readonly text: string
}

/** Keeps what upstreams list for single identities, over restarts. A failure reads as nothing kept. */
export interface Archive {
  load(upstream: string, identity: string): Promise<ArchivedList | undefined>
  save(upstream: string, identity: string, list: ArchivedList): Promise<void>
  remove(upstream: string, identity: string): Promise<void>
}

/** A kept list. */
export interface ArchivedList {
  readonly entries: readonly ListedEntry[]
  /** When it was read, in milliseconds since the epoch. */
  readonly at: number
}
