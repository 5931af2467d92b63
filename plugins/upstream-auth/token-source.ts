import {
  type Clock,
  type Credentials,
  type CredentialsQuery,
  type Denial,
  deny,
  type Log,
  type Maybe,
  type RefusedQuery,
  type Secrets,
} from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'
import { bearerOf, challengesOf, scopesOf } from './challenge.ts'
import type { Finder } from './finder.ts'
import type { Source, SourceStatus } from './source.ts'

/** A token that is not renewed in time is good for this much less than it says: the way there takes time too. */
const MARGIN = 5_000
const SOONEST = 30_000
const EARLIEST = 5 * 60_000
/** A token that was refused is renewed at most this often. */
const COOLDOWN = 60_000
/** What the config or the authorization server has to mend is tried again after this. */
const LASTING = 10 * 60_000
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 30_000

interface Held {
  readonly credentials: Credentials
  readonly obtained: number
  /** From when on it is renewed behind the back of those who use it. */
  readonly renew: number
  readonly end: number
}

interface Failed {
  readonly why: AuthFailure
  readonly at: number
  readonly until: number
  /** How many times in a row. */
  readonly times: number
}

/** What a token source is made of. */
export interface TokenParts {
  readonly upstream: string
  readonly finder: Finder
  readonly clock: Clock
  readonly log: Log
  readonly secrets: Secrets
}

/** Tokens that the gateway gets for itself: one at a time, in memory only, renewed before it ends. */
export class TokenSource implements Source {
  readonly #parts: TokenParts
  #held: Held | undefined
  #getting: Promise<Held | AuthFailure> | undefined
  #failed: Failed | undefined
  /** Until when a refusal by the upstream has no other token got. */
  #patience = 0
  /** The token at hand was got because the one before was refused, and is refused as well. */
  #refused = false
  /** The tokens that must not be told: the newest and the one before. */
  readonly #told: string[] = []

  constructor(parts: TokenParts) {
    this.#parts = parts
  }

  credentials({ purpose, caller }: CredentialsQuery): Maybe<Credentials | Denial | undefined> {
    const now = this.#parts.clock.now()
    const held = this.#held
    if (held !== undefined && now < held.end) {
      if (now >= held.renew && this.#waiting(now) === undefined) void this.#get()
      return held.credentials
    }
    if (this.#getting === undefined) {
      // The gateway's own attempts to connect have a pace of their own.
      const paced = purpose === 'discover' && caller === undefined
      const failed = this.#waiting(now, paced)
      if (failed !== undefined) return this.#denial(failed)
      if (!this.#parts.finder.ready) return undefined
    }
    return this.#get().then((got) =>
      got instanceof AuthFailure ? this.#denial(got) : got.credentials,
    )
  }

  refused({ httpStatus, challenge, headers }: RefusedQuery): Maybe<'retry' | Denial | undefined> {
    const { upstream, finder, clock } = this.#parts
    const wanted = bearerOf(challengesOf(challenge))
    const scopes = scopesOf(wanted?.params.get('scope'))
    if (httpStatus === 403) {
      const hint =
        scopes.length === 0
          ? 'Ask the operator of this gateway what its account there may do.'
          : `The operator of this gateway can add ${scopes.join(' ')} to \`upstreams.${upstream}.auth.scopes\`.`
      return deny('FORBIDDEN', `${upstream} forbids this to the account of this gateway`, { hint })
    }
    finder.learn(wanted?.params.get('resource_metadata'), scopes)
    const now = clock.now()
    const held = this.#held
    if (this.#getting === undefined) {
      // It has been renewed since that was sent, or was got in the meantime.
      if (held !== undefined && headers !== held.credentials.headers) return 'retry'
      if (held !== undefined && now < this.#patience) {
        this.#refused = true
        return this.#unwelcome(now - held.obtained)
      }
      const failed = this.#waiting(now, true)
      if (failed !== undefined) return this.#denial(failed)
      if (held !== undefined) this.#patience = now + COOLDOWN
    }
    return this.#get().then((got) => (got instanceof AuthFailure ? this.#denial(got) : 'retry'))
  }

  ready(): void {
    this.#refused = false
  }

  /** Gets another token now, whatever has failed before. Never rejects: `status` tells how it went. */
  async renew(): Promise<void> {
    this.#failed = undefined
    this.#patience = 0
    this.#parts.finder.forget()
    await this.#get()
  }

  status(): SourceStatus {
    const { finder, clock } = this.#parts
    const { issuer } = finder
    const now = clock.now()
    const held = this.#held !== undefined && now < this.#held.end ? this.#held : undefined
    const failed = this.#failed
    const state = held === undefined ? this.#without() : this.#refused ? 'refused' : 'valid'
    return {
      mode: 'client_credentials',
      state,
      ...(held === undefined || held.end === Number.POSITIVE_INFINITY
        ? {}
        : { until: iso(held.end) }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(failed === undefined
        ? {}
        : { reason: `${failed.why.message}. ${failed.why.hint}`, nextAttempt: iso(failed.until) }),
      ...(state === 'refused' ? { reason: 'the upstream refuses the newest token' } : {}),
    }
  }

  #without(): SourceStatus['state'] {
    if (this.#getting !== undefined) return 'renewing'
    return this.#failed === undefined ? 'none yet' : 'failed'
  }

  /** The failure after which it is too early to ask again. @param paced somebody else sees to it that this is not done too often */
  #waiting(now: number, paced = false): AuthFailure | undefined {
    if (this.#failed === undefined || now >= this.#failed.until) return undefined
    const { why, at } = this.#failed
    const mayAsk = paced && why.passing && why.retryAfterMs === undefined && now >= at + FIRST_WAIT
    return mayAsk ? undefined : why
  }

  /** However many want it, it is asked for once. */
  #get(): Promise<Held | AuthFailure> {
    this.#getting ??= this.#fetch().finally(() => {
      this.#getting = undefined
    })
    return this.#getting
  }

  async #fetch(): Promise<Held | AuthFailure> {
    const { finder, clock, log, upstream } = this.#parts
    // From before it was asked for: it ends earlier than this, never later.
    const now = clock.now()
    try {
      const { value, lifetime = Number.POSITIVE_INFINITY } = await finder.token()
      this.#keep(value)
      const lead = Math.min(lifetime / 2, Math.max(SOONEST, Math.min(lifetime / 5, EARLIEST)))
      const held = {
        credentials: { headers: { authorization: `Bearer ${value}` } },
        obtained: now,
        renew: now + lifetime - lead,
        end: now + lifetime - Math.min(MARGIN, lifetime / 10),
      }
      if (this.#failed !== undefined) log.info({ upstream }, `${upstream} has a token again`)
      this.#held = held
      this.#failed = undefined
      this.#refused = false
      return held
    } catch (error) {
      return this.#fail(AuthFailure.of(error))
    }
  }

  #fail(why: AuthFailure): AuthFailure {
    const { clock, log, upstream, secrets, finder } = this.#parts
    const now = clock.now()
    const times = (this.#failed?.times ?? 0) + 1
    const backoff = Math.min(FIRST_WAIT * 2 ** Math.min(times - 1, 10), LONGEST_WAIT)
    const wait = why.passing ? Math.max(why.retryAfterMs ?? 0, backoff) : LASTING
    const before = this.#failed?.why.message
    const told = new AuthFailure(
      secrets.redact(why.message),
      why.hint,
      why.passing,
      why.retryAfterMs,
    )
    this.#failed = { why: told, at: now, until: now + wait, times }
    // Who answers for a moved or changed server is found out anew.
    finder.forget()
    // The authorization server has taken its word back; a failure on the way says nothing of the token.
    if (!why.passing) this.#held = undefined
    if (told.message !== before) {
      log.warn({ upstream }, `there is no new token for ${upstream}: ${told.message}. ${told.hint}`)
    }
    return told
  }

  /** Blanked in the log wherever it turns up, for as long as somebody might still send it. */
  #keep(token: string): void {
    const { secrets } = this.#parts
    if (this.#told.includes(token)) return
    secrets.add(token)
    this.#told.push(token)
    const old = this.#told.length > 2 ? this.#told.shift() : undefined
    if (old !== undefined) secrets.drop(old)
  }

  #denial(why: AuthFailure): Denial {
    const { upstream, clock } = this.#parts
    const message = `there is no token for ${upstream}: ${why.message}`
    if (!why.passing) {
      const hint = `This is for the operator of this gateway, at \`upstreams.${upstream}.auth\`: ${why.hint}`
      return deny('UNAVAILABLE', message, { hint })
    }
    const retryAfterMs = Math.max(FIRST_WAIT, (this.#failed?.until ?? 0) - clock.now())
    return deny('UNAVAILABLE', message, { hint: 'Try again later.', retryAfterMs })
  }

  #unwelcome(age: number): Denial {
    const { upstream } = this.#parts
    const message = `${upstream} refuses the token that was got for it ${Math.round(age / 1_000)} s ago`
    const hint = `The operator of this gateway should see whether \`resource\` and \`scopes\` of \`upstreams.${upstream}.auth\` are what it wants.`
    return deny('UNAVAILABLE', message, { hint })
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
