import type { IncomingHttpHeaders } from 'node:http'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { Scope } from '../../fixtures/gateway.ts'
import {
  type IdentityProvider,
  identityProvider,
  MACHINE,
} from '../../fixtures/identity-provider.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { type Driven, drive } from '../upstreams/gateway.ts'
import { type Guarded, guarded, type Refusal } from './guarded.ts'

/** How long tokens live, in milliseconds. */
export const LIFETIME = 300_000
/** What an operator writes for the client that the provider knows. */
export const CLIENT = {
  mode: 'client_credentials',
  clientId: MACHINE.client_id,
  clientSecret: MACHINE.client_secret,
}

/** A gateway before a server that wants tokens of a real authorization server. */
export interface OAuth {
  readonly gateway: Driven
  readonly identity: IdentityProvider
  readonly door: Guarded
  /** Every token that was ever shown to the server, once each. */
  readonly tokens: Set<string>
  /** Tokens that the server does not take any more. */
  readonly revoked: Set<string>
  /** How often a token was asked for. */
  asked(): number
  /** How long ago the token that was shown last was shown first, by the gateway's clock. */
  age(): number
}

/** What such a gateway is made with. */
export interface OAuthOptions {
  /** What stands under `auth`; nothing when it is `null`. */
  readonly auth?: object | null
  readonly plugins?: readonly object[]
  /** The server behind the door. */
  readonly start?: (scope: Scope) => Promise<string>
  readonly egress?: readonly string[]
}

/**
 * Starts all three. The server checks signature, issuer and audience of every token, and ages tokens by the gateway's
 * clock.
 */
export async function oauth(scope: Scope, options: OAuthOptions = {}): Promise<OAuth> {
  const { auth = CLIENT, plugins = [{ use: 'upstream-auth' }], egress = ['127.0.0.1'] } = options
  const start = options.start ?? (async (one: Scope) => (await modernUpstream(one)).url)
  const identity = await identityProvider(scope, { lifetime: LIFETIME / 1_000 })
  const tokens = new Set<string>()
  const revoked = new Set<string>()
  const seen = new Map<string, number>()
  let newest = 0
  let gateway: Driven | undefined
  const now = () => gateway?.clock.now() ?? 0
  const door = await guarded(scope, await start(scope), () => undefined)
  const { origin, pathname } = new URL(door.url)
  const described = `/.well-known/oauth-protected-resource${pathname}`
  door.pages[described] = {
    resource: door.url,
    authorization_servers: [identity.issuer],
    scopes_supported: ['mcp'],
  }
  const refusal: Refusal = {
    status: 401,
    challenge: `Bearer realm="crm", resource_metadata="${origin}${described}", scope="mcp"`,
  }
  door.door = async ({ authorization = '' }: IncomingHttpHeaders) => {
    const token = authorization.replace(/^Bearer /, '')
    if (token === '' || revoked.has(token)) return refusal
    const { issuer, keys } = identity
    try {
      const set = createLocalJWKSet({ keys: [...keys] })
      await jwtVerify(token, set, { issuer, audience: door.url })
    } catch {
      return refusal
    }
    tokens.add(token)
    const first = seen.get(token) ?? now()
    seen.set(token, first)
    newest = first
    const { exp = 0, iat = 0 } = decodeJwt(token)
    return now() >= first + (exp - iat) * 1_000 ? refusal : undefined
  }
  const crm = auth === null ? { url: door.url } : { url: door.url, auth }
  gateway = await drive(scope, { crm }, { plugins, egress, level: 'trace' })
  const asked = () => identity.requests.filter((one) => one === 'POST /token').length
  return { gateway, identity, door, tokens, revoked, asked, age: () => now() - newest }
}
