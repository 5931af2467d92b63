import { ServiceError } from 'mcp-patchbay/sdk'

/** Why there is no token. Its texts hold no secret, and of foreign text only what is quoted and short. */
export class AuthFailure extends Error {
  /** What to do; for the operator. */
  readonly hint: string
  /** Whether waiting may mend it. Otherwise the config has to, or the authorization server's. */
  readonly passing: boolean
  /** How long the authorization server wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(reason: string, hint: string, passing = false, retryAfterMs?: number) {
    super(reason)
    this.name = 'AuthFailure'
    this.hint = hint
    this.passing = passing
    this.retryAfterMs = retryAfterMs
  }

  /** One that waiting may mend. */
  static passing(reason: string, retryAfterMs?: number): AuthFailure {
    return new AuthFailure(reason, 'It is tried again by itself.', true, retryAfterMs)
  }

  /** What anything that was thrown on the way to a token comes to. */
  static of(error: unknown): AuthFailure {
    if (error instanceof AuthFailure) return error
    if (!(error instanceof ServiceError)) {
      return AuthFailure.passing(error instanceof Error ? error.message : String(error))
    }
    const { code, message, hint } = error
    const reason = message.endsWith(`. ${hint}`) ? message.slice(0, -hint.length - 2) : message
    return code === 'EGRESS_REFUSED' ? new AuthFailure(reason, hint) : AuthFailure.passing(reason)
  }
}
