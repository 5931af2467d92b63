import {
  type RunningGateway,
  type Scope,
  type Surroundings,
  startWith,
} from '../../fixtures/gateway.ts'
import {
  type IdentityOptions,
  type IdentityProvider,
  identityProvider,
} from '../../fixtures/identity-provider.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'

/** An authorization server, and a gateway that trusts it: tokens are for `gateway.url`. */
export interface Guarded {
  readonly identity: IdentityProvider
  readonly gateway: RunningGateway
}

/** What stands in the config besides. */
export interface GuardedOptions extends Surroundings {
  readonly config?: object
  /** Settings of the plugin. */
  readonly settings?: object
  /** Lines after the plugin's. */
  readonly plugins?: readonly object[]
  readonly identity?: IdentityOptions
  /** Run between the two. */
  readonly before?: (identity: IdentityProvider) => unknown
}

/** Starts both. */
export async function guarded(scope: Scope, options: GuardedOptions = {}): Promise<Guarded> {
  const {
    config = {},
    settings = {},
    plugins = [],
    before,
    identity: own,
    ...surroundings
  } = options
  const identity = await identityProvider(scope, own)
  await before?.(identity)
  const upstream = await modernUpstream(scope)
  const gateway = await startWith(
    scope,
    {
      egress: { allow: ['127.0.0.1'] },
      upstreams: { demo: { url: upstream.url } },
      plugins: [
        { use: 'auth-jwt', config: { issuers: [{ issuer: identity.issuer }], ...settings } },
        ...plugins,
      ],
      ...config,
    },
    { ...surroundings, portNamed: true },
  )
  await gateway.ready()
  return { identity, gateway }
}

/** The header that carries a token. */
export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` }
}
