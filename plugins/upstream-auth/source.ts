import type { Credentials, CredentialsQuery, Denial, Maybe, RefusedQuery } from 'mcp-patchbay/sdk'

/** Where an upstream's credentials come from. */
export interface Source {
  /** Nothing where it has to be asked first what it wants. */
  credentials(query: CredentialsQuery): Maybe<Credentials | Denial | undefined>
  refused(query: RefusedQuery): Maybe<'retry' | Denial | undefined>
  /** The upstream is well: what it refused before is over. */
  ready(): void
  /** `undefined` when there is nothing to tell. */
  status(): SourceStatus | undefined
}

/** What operators see of it. Never a secret. */
export interface SourceStatus {
  readonly mode: string
  readonly state: 'set' | 'refused' | 'none yet' | 'valid' | 'renewing' | 'failed' | 'auth required'
  /** ISO 8601; missing where a token's end is not known. */
  readonly until?: string
  readonly issuer?: string
  readonly reason?: string
  /** When a token is asked for again, should somebody want one: ISO 8601. */
  readonly nextAttempt?: string
  /** What to write into the config. */
  readonly write?: string
}
