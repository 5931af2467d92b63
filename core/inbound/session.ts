import type { Client } from '../../sdk/index.ts'

/** What a session has said so far that its later requests depend on. */
export interface SessionState {
  /** From which level on it wants its servers' log messages. */
  readonly level?: string
  /** URIs of the resources it is subscribed to. */
  readonly subscriptions?: readonly string[]
}

/** A legacy session: sealed facts that any replica can open, and the little that changes. */
export interface Session {
  /** The id on the wire. */
  readonly id: string
  /** What it is remembered by: far shorter than the id, which holds all its facts. */
  readonly nonce: string
  readonly issuer: string
  readonly subject: string
  readonly client: Client
  /** Equal for equal clients. */
  readonly clientKey: string
  /** Milliseconds since the epoch. */
  readonly expires: number
  /** Changed by `Sessions.remember` only, which keeps it. */
  state: SessionState
  /** When its client was last heard of, in milliseconds since the epoch. */
  used: number
  /** The same, as it was last kept. */
  kept: number
}

/** What a store knows of a session. */
export interface StoredSession {
  readonly ended: boolean
  readonly state?: SessionState
  /** When its client was heard of, in milliseconds since the epoch; coarse. */
  readonly used?: number
}

/** How long sessions live, in milliseconds. */
export interface SessionLimits {
  /** Since their client was last heard of. */
  readonly idle: number
  /** In all. */
  readonly lifetime: number
}

/** What replicas tell each other of a session, by its nonce. */
export interface SessionNews {
  readonly nonce: string
  readonly ended?: boolean
  readonly state?: SessionState
}
