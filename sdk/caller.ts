/** Who calls, verified by an auth plugin. Never taken from what a client says about itself. */
export interface Principal {
  /** Who vouches for the subject: a token issuer's URL, or the id of the plugin that knows the caller. */
  readonly issuer: string
  /** The subject within that issuer. `issuer` + `subject` is the caller's identity. */
  readonly subject: string
  /** What the issuer says about the subject. */
  readonly claims: Readonly<Record<string, unknown>>
  /** What the subject was granted. */
  readonly scopes: readonly string[]
}

/** Which software calls, as it describes itself. Good for attribution and delivery, never for decisions. */
export interface Client {
  /** `clientInfo.name`, or `"unknown"`. */
  readonly name: string
  /** `clientInfo.version`, or `""`. */
  readonly version: string
  /** The protocol revision it speaks, for example `2026-07-28`. */
  readonly protocolVersion: string
  /** `legacy` up to 2025-11-25 (handshake and sessions), `modern` from 2026-07-28 (stateless). */
  readonly era: 'legacy' | 'modern'
  /** The client capabilities it declared. */
  readonly capabilities: Readonly<Record<string, unknown>>
}

/** A principal using a client on a path. */
export interface Caller {
  readonly principal: Principal
  readonly client: Client
  /** `/mcp`, or `/mcp/<profile>` for a profile of the config. */
  readonly path: string
}
