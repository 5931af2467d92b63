import { type Http, ServiceError } from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'
import { scopesOf } from './challenge.ts'
import type { Deadline } from './deadline.ts'

/** What an upstream says of itself (RFC 9728). */
export interface Resource {
  /** What tokens for it are asked for. */
  readonly name: string
  /** The first of its authorization servers. */
  readonly issuer: string
  readonly scopes: readonly string[]
}

/** What an authorization server says of itself (RFC 8414). */
export interface AuthServer {
  readonly issuer: string
  readonly tokenEndpoint: string
  /** How clients may show who they are; `undefined` when it does not say. */
  readonly clientAuth: readonly string[] | undefined
  /** Whether clients can have tokens of their own; true when it does not say. */
  readonly clientCredentials: boolean
}

type Json = Readonly<Record<string, unknown>>

const LONGEST_ISSUER = 500
const MAX_BYTES = 256 * 1024
const PER_REQUEST = 5_000

/** Finds out what an upstream wants and who gives it. Every address here is somebody else's word: `http` guards. */
export class Discovery {
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /**
   * The protected resource metadata of an upstream.
   * @param url the upstream's own
   * @param named where its challenge says that it is; else both well-known places are asked
   * @throws AuthFailure
   */
  async resource(url: string, named: string | undefined, deadline: Deadline): Promise<Resource> {
    const places = named === undefined ? resourcePlaces(url) : [named]
    for (const place of places) {
      const found = await this.#read(place, deadline)
      if (found === undefined) continue
      const { resource, authorization_servers: servers, scopes_supported: scopes } = found
      if (typeof resource !== 'string' || !covers(resource, url)) {
        throw new AuthFailure(
          `${originOf(place)} describes ${quoted(resource)}, which is not the upstream`,
          'Set `issuer` and `resource` under its `auth`, if it is right all the same.',
        )
      }
      const [issuer] = Array.isArray(servers) ? servers : []
      if (!isAddress(issuer)) {
        throw new AuthFailure(
          `${originOf(place)} names no authorization server`,
          'Set `issuer` or `tokenUrl` under its `auth`.',
        )
      }
      return { name: resource, issuer, scopes: scopesOf(scopes) }
    }
    throw new AuthFailure(
      'the upstream does not say who its authorization server is',
      'Set `issuer` or `tokenUrl` under its `auth`.',
    )
  }

  /** The metadata of an authorization server, from the places that RFC 8414 and OpenID know. @throws AuthFailure */
  async server(issuer: string, deadline: Deadline): Promise<AuthServer> {
    let other: unknown
    for (const place of serverPlaces(issuer)) {
      const found = await this.#read(place, deadline)
      if (found === undefined) continue
      if (found.issuer !== issuer) {
        // Whoever answers for another must not be given its clients' secrets (RFC 8414, 3.3).
        other ??= found.issuer
        continue
      }
      const { token_endpoint: tokenEndpoint } = found
      if (!isAddress(tokenEndpoint)) {
        throw new AuthFailure(
          `${issuer} names no token endpoint`,
          'Set `tokenUrl` in place of `issuer`.',
        )
      }
      const grants = found.grant_types_supported
      return {
        issuer,
        tokenEndpoint,
        clientAuth: textsOf(found.token_endpoint_auth_methods_supported),
        clientCredentials: !Array.isArray(grants) || grants.includes('client_credentials'),
      }
    }
    if (other === undefined) {
      const hint = 'See whether the issuer is right, or set `tokenUrl` in its place.'
      throw new AuthFailure(`${issuer} publishes no metadata`, hint)
    }
    const reason = `the metadata of ${issuer} is that of another issuer, ${quoted(other)}`
    throw new AuthFailure(reason, 'Write the issuer exactly as its metadata has it.')
  }

  /** A JSON document; `undefined` when there is none. @throws AuthFailure when it cannot be known */
  async #read(place: string, deadline: Deadline): Promise<Json | undefined> {
    try {
      const answer = await this.#http.request(place, {
        headers: { accept: 'application/json' },
        timeoutMs: deadline.within(PER_REQUEST),
        maxBytes: MAX_BYTES,
      })
      if (answer.status >= 500) {
        throw AuthFailure.passing(`${originOf(place)} answered HTTP ${answer.status}`)
      }
      if (answer.status !== 200) return undefined
      const value = answer.json()
      return typeof value === 'object' && value !== null ? (value as Json) : undefined
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'NOT_JSON') return undefined
      throw AuthFailure.of(error)
    }
  }
}

function resourcePlaces(url: string): string[] {
  const { origin, pathname } = new URL(url)
  const root = `${origin}/.well-known/oauth-protected-resource`
  const path = bare(pathname)
  return path === '' ? [root] : [root + path, root]
}

function serverPlaces(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = bare(pathname)
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  const openid = `${origin}/.well-known/openid-configuration${path}`
  return path === ''
    ? [oauth, openid]
    : [oauth, openid, `${origin}${path}/.well-known/openid-configuration`]
}

/** Whether what is called that is this upstream, or a part of its server that it is in (RFC 9728, 3.3). */
function covers(resource: string, url: string): boolean {
  if (!URL.canParse(resource)) return false
  const [whole, part] = [new URL(resource), new URL(url)]
  const path = bare(whole.pathname)
  return (
    whole.origin === part.origin && (part.pathname === path || part.pathname.startsWith(`${path}/`))
  )
}

/** A path without its last slash. */
function bare(path: string): string {
  return path.replace(/\/$/, '')
}

function isAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= LONGEST_ISSUER &&
    URL.canParse(value) &&
    /^https?:$/.test(new URL(value).protocol)
  )
}

function originOf(place: string): string {
  return URL.canParse(place) ? new URL(place).origin : 'what it names as its metadata'
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST_ISSUER)) : 'nothing'
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined
}
