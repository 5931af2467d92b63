import type { Clock, Http, Log, RefusedQuery } from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'
import { bearerOf, challengesOf, scopesOf } from './challenge.ts'
import { Deadline } from './deadline.ts'
import { Discovery } from './discovery.ts'
import type { Source, SourceStatus } from './source.ts'

const PATIENCE = 15_000
/** The same refusal is looked into again after this. */
const AGAIN = 10 * 60_000

/** What an upstream is made of that has no credentials. */
export interface UnknownParts {
  readonly upstream: string
  readonly url: string
  readonly mode: 'none' | 'unset'
  readonly http: Http
  readonly clock: Clock
  readonly log: Log
}

/** An upstream without credentials: should it want some, finds out whose, and says what to write. */
export class UnknownWants implements Source {
  readonly #parts: UnknownParts
  readonly #discovery: Discovery
  #looked: { readonly at: number; readonly challenge: string } | undefined
  #found: Pick<SourceStatus, 'issuer' | 'reason' | 'write'> | undefined

  constructor(parts: UnknownParts) {
    this.#parts = parts
    this.#discovery = new Discovery(parts.http)
  }

  credentials(): undefined {
    return undefined
  }

  /** Leaves it to other plugins what becomes of the refusal, and looks into it behind their back. */
  refused({ httpStatus, challenge = '', purpose, caller }: RefusedQuery): undefined {
    if (httpStatus !== 401 || purpose !== 'discover' || caller !== undefined) return
    const now = this.#parts.clock.now()
    const looked = this.#looked
    if (looked !== undefined && looked.challenge === challenge && now < looked.at + AGAIN) return
    this.#looked = { at: now, challenge }
    void this.#look(challenge)
  }

  ready(): void {
    this.#looked = undefined
    this.#found = undefined
  }

  status(): SourceStatus | undefined {
    if (this.#found === undefined) return undefined
    return { mode: this.#parts.mode, state: 'auth required', ...this.#found }
  }

  /** Never rejects. */
  async #look(challenge: string): Promise<void> {
    const looked = this.#looked
    const found = await this.#advice(challenge)
    // Meanwhile it has become well, or wants something else.
    if (this.#looked !== looked) return
    this.#found = found
    const { upstream, log } = this.#parts
    const { issuer, reason, write } = found
    const whose = issuer === undefined ? 'credentials' : `a token of ${issuer}`
    const why = reason === undefined ? '' : ` (${reason})`
    const fields = issuer === undefined ? { upstream } : { upstream, issuer }
    log.warn(
      fields,
      `${upstream} wants ${whose}${why}. Write under upstreams.${upstream}: ${write}`,
    )
  }

  async #advice(challenge: string): Promise<Pick<SourceStatus, 'issuer' | 'reason' | 'write'>> {
    const { upstream, url, clock } = this.#parts
    const name = upstream.toUpperCase().replaceAll('-', '_')
    const challenges = challengesOf(challenge)
    const bearer = bearerOf(challenges)
    if (bearer === undefined && challenges.some(({ scheme }) => scheme === 'basic')) {
      const write = `auth: { mode: basic, username: "\${${name}_USERNAME}", password: "\${${name}_PASSWORD}" }`
      return { write }
    }
    const fixed = `auth: { mode: bearer, token: "\${${name}_TOKEN}" }`
    const deadline = new Deadline(clock, PATIENCE)
    try {
      const named = bearer?.params.get('resource_metadata')
      const resource = await this.#discovery.resource(url, named, deadline)
      const { issuer, clientCredentials } = await this.#discovery.server(resource.issuer, deadline)
      if (!clientCredentials) {
        const reason = 'which gives tokens to people who log in, and none to clients'
        return { issuer, reason, write: fixed }
      }
      const asked = scopesOf(bearer?.params.get('scope'))
      const scopes = asked.length > 0 ? asked : resource.scopes
      const write = [
        `auth: { mode: client_credentials, issuer: ${JSON.stringify(issuer)}`,
        `clientId: "\${${name}_CLIENT_ID}", clientSecret: "\${${name}_CLIENT_SECRET}"`,
        ...(scopes.length === 0 ? [] : [`scopes: ${JSON.stringify(scopes)}`]),
      ]
      return { issuer, write: `${write.join(', ')} }` }
    } catch (error) {
      const { message } = AuthFailure.of(error)
      return { reason: message, write: fixed }
    }
  }
}
