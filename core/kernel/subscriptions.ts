import type { Caller, Denial, Failure } from '../../sdk/index.ts'

/** What a server told of one of its resources. */
export interface ResourceUpdate {
  /** The server's own URI: of what was watched, or of something below it. */
  readonly uri: string
  /** `params` as the server wrote them; `undefined` when it said nothing, but may have while nobody heard it. */
  readonly params?: string
}

/** A resource of a server that somebody wants to be told of. */
export interface WatchOrder {
  readonly upstream: string
  /** Whose credentials the server sees; `''` = shared by all. */
  readonly identity: string
  readonly caller: Caller
  /** The server's own URI. */
  readonly uri: string
  told(update: ResourceUpdate): void
}

/** A resource that is watched. */
export interface Watch {
  /**
   * Resolves with `undefined` once the server agreed, or when it cannot be asked now: it is as soon as it
   * can. Otherwise with why the server did not agree; then nothing will be told. Never rejects.
   */
  readonly agreed: Promise<Denial | Failure | undefined>
  /** Nobody wants to be told any more. Idempotent. */
  end(): void
}

/** The upstreams, as whoever watches their resources sees them. */
export interface WatchedServers {
  /** Whether a server may be there that tells of resources: one says so, or has said nothing yet. */
  readonly tellsOfResources: boolean
  /** Whether a server says that it tells of single resources; `undefined` while it has said nothing yet. */
  tells(upstream: string): boolean | undefined
  /** Equal for orders that one watch serves, given the same resource. */
  lane(order: Pick<WatchOrder, 'upstream' | 'identity' | 'caller'>): string
  /** Watches a resource until that is ended: over reconnects and lost sessions, told once after each. */
  watch(order: WatchOrder): Watch
}

/** Where a client is told of resources. */
export interface UpdateReader {
  /** Who reads it: each update is for what this caller may read then. */
  readonly caller: Caller
  /** Whether it takes more. One that does not is resumed by its owner. */
  readonly keepsUp: boolean
  /** Sends a JSON-RPC notification, as text. */
  updated(text: string): void
}

/** What one stream, or one handshake session, wants to be told of. */
export interface Subscriber {
  /** The URIs, as the client named them. */
  readonly uris: Iterable<string>
  /**
   * Subscribes to what clients read by that URI. Twice is once.
   * @param caller who asks
   * @returns why it cannot be had: unknown and not permitted read the same
   * @throws HookError, as a rejection
   */
  add(uri: string, caller: Caller): Promise<Denial | Failure | undefined>
  remove(uri: string): void
  /**
   * Takes up what was subscribed to before, as far as there is room, without asking who may: each is judged
   * when it is told. Told once of all of it: something may have changed meanwhile.
   */
  restore(uris: Iterable<string>): void
  /** Tells this reader from now on, and at once what was waiting for one. */
  attach(reader: UpdateReader): void
  /** That reader is gone. What happens meanwhile waits for the next one, once per URI. */
  detach(reader: UpdateReader): void
  /** The reader takes more again. */
  resume(): void
  /** Ends all of it. Idempotent. */
  close(): void
}

/** Subscriptions to single resources. */
export interface Subscriptions {
  /** Whether a server may be there that tells of resources: one says so, or has said nothing yet. */
  readonly possible: boolean
  /** Somebody who may want to be told of resources. @param caller who asks, until a reader is attached */
  open(caller: Caller): Subscriber
}
