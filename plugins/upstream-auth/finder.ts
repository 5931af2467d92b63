import type { Clock, Http } from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'
import { Deadline } from './deadline.ts'
import { Discovery } from './discovery.ts'
import type { ClientAuth } from './settings.ts'
import { requestToken, type Token, type TokenRequest } from './token-request.ts'

/** Finding out where and getting it, together: less than what the `credentials` hook may take. */
const ALL = 20_000
const PER_TOKEN = 10_000

type Found = Pick<TokenRequest, 'clientAuth' | 'endpoint'> & {
  /** What the upstream says that it is called, and which scopes it knows. */
  readonly resource?: string
  readonly scopes: readonly string[]
}

/** Knows where tokens for one upstream are had, and gets them. */
export class Finder {
  readonly #auth: ClientAuth
  readonly #url: string
  readonly #http: Http
  readonly #clock: Clock
  readonly #discovery: Discovery
  #found: Found | undefined
  /** What a refusal of the upstream said. */
  #learnt: { readonly metadata: string | undefined; readonly scopes: readonly string[] } | undefined
  /** Who has been sent the client's secret: nobody else will be. */
  #issuer: string | undefined

  /** @param url the upstream's */
  constructor(auth: ClientAuth, url: string, http: Http, clock: Clock) {
    this.#auth = auth
    this.#url = url
    this.#http = http
    this.#clock = clock
    this.#discovery = new Discovery(http)
    this.#issuer = auth.issuer
    if (auth.tokenUrl === undefined) return
    const { tokenUrl: endpoint, clientAuth = 'basic' } = auth
    this.#found = { endpoint, clientAuth, scopes: [] }
  }

  /** The authorization server, once it is known. */
  get issuer(): string | undefined {
    return this.#issuer
  }

  /** Whether the upstream need not be asked first who gives tokens for it. */
  get ready(): boolean {
    return this.#found !== undefined || this.#issuer !== undefined || this.#learnt !== undefined
  }

  /** What a refusal said; what it leaves out stays. @param metadata where the upstream describes itself */
  learn(metadata: string | undefined, scopes: readonly string[]): void {
    const before = this.#learnt
    this.#learnt = {
      metadata: metadata ?? before?.metadata,
      scopes: scopes.length > 0 ? scopes : (before?.scopes ?? []),
    }
  }

  /** What was found out is found out again the next time. */
  forget(): void {
    if (this.#auth.tokenUrl === undefined) this.#found = undefined
  }

  /** Gets a token. @throws AuthFailure */
  async token(): Promise<Token> {
    const deadline = new Deadline(this.#clock, ALL)
    this.#found ??= await this.#find(deadline)
    const { clientId, clientSecret, scopes: own, resource } = this.#auth
    const { endpoint, clientAuth, resource: named, scopes: known } = this.#found
    const asked = this.#learnt?.scopes ?? []
    const request: TokenRequest = {
      endpoint,
      clientAuth,
      clientId,
      clientSecret,
      scopes: own ?? (asked.length > 0 ? asked : known),
      resource: resource === 'none' ? undefined : (resource ?? named ?? canonical(this.#url)),
    }
    return requestToken(this.#http, request, deadline.within(PER_TOKEN))
  }

  async #find(deadline: Deadline): Promise<Found> {
    const { issuer: own, clientAuth } = this.#auth
    const resource =
      own === undefined
        ? await this.#discovery.resource(this.#url, this.#learnt?.metadata, deadline)
        : undefined
    const issuer = own ?? (resource?.issuer as string)
    if (this.#issuer !== undefined && this.#issuer !== issuer) {
      throw new AuthFailure(
        `the upstream used to name ${this.#issuer} as its authorization server and now names ${issuer}`,
        'The secret of the client is not sent there: set `issuer`, if that is right.',
      )
    }
    const server = await this.#discovery.server(issuer, deadline)
    if (!server.clientCredentials) {
      throw new AuthFailure(
        `${issuer} gives no tokens to clients (grant_types_supported)`,
        'Have it do so, or use a mode of another kind.',
      )
    }
    const chosen = clientAuth ?? offered(server.clientAuth)
    if (chosen === undefined) {
      throw new AuthFailure(
        `${issuer} takes a client's secret neither as client_secret_basic nor as client_secret_post`,
        'Set `clientAuth`, if it does so all the same.',
      )
    }
    this.#issuer = issuer
    return {
      endpoint: server.tokenEndpoint,
      clientAuth: chosen,
      scopes: resource?.scopes ?? [],
      ...(resource === undefined ? {} : { resource: resource.name }),
    }
  }
}

/** What a server that says nothing takes is `client_secret_basic` (RFC 8414, 2). */
function offered(methods: readonly string[] | undefined): 'basic' | 'post' | undefined {
  if (methods === undefined || methods.includes('client_secret_basic')) return 'basic'
  return methods.includes('client_secret_post') ? 'post' : undefined
}

/** A URL as the name of a resource: what a fragment or a query says is nobody else's business. */
function canonical(url: string): string {
  const { origin, pathname } = new URL(url)
  return pathname === '/' ? origin : `${origin}${pathname}`
}
