import type { Call, Caller, ToolDefinition } from '../../sdk/index.ts'

/** The methods that are aimed at an entry. */
export type EntryMethod = Call['method']

/** The upstreams, as the catalog sees them. */
export interface Discovery {
  /**
   * Reads what an upstream lists for one credential identity, with the caller's credentials. Never
   * rejects: `undefined` when it cannot be had now, which the log has been told.
   */
  discover(
    upstream: string,
    identity: string,
    caller: Caller,
  ): Promise<readonly ListedTool[] | undefined>
}

/** A tool as an upstream listed it, with its source text. */
export interface ListedTool {
  readonly definition: ToolDefinition
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
  readonly tools: readonly ListedTool[]
  /** When it was read, in milliseconds since the epoch. */
  readonly at: number
}
