import type { Info } from 'mcp-patchbay/sdk'

const ENDPOINT = '/mcp'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** One MCP endpoint as a protected resource (RFC 9728). */
export interface Resource {
  /** Its path on the gateway's port. */
  readonly path: string
  /** Its identifier: the URL that clients use, and the audience of tokens for it. */
  readonly url: string
  /** Where its metadata are, as clients are told. */
  readonly metadataUrl: string
  /** Every path on the gateway's port where its metadata are served. */
  readonly metadataPaths: readonly string[]
}

/** The endpoints of a gateway: `/mcp` and its profiles. */
export class Resources {
  /** `/mcp`, which stands for the whole gateway. */
  readonly main: Resource
  readonly all: readonly Resource[]
  readonly #byPath: ReadonlyMap<string, Resource>

  /** @param url where clients reach the gateway */
  constructor(url: string, { profiles }: Pick<Info, 'profiles'>) {
    const below = new URL(url).pathname.replace(/\/+$/, '')
    const resource = (path: string, more: readonly string[] = []): Resource => ({
      path,
      url: `${url}${path}`,
      metadataUrl: `${url}${WELL_KNOWN}${path}`,
      // A proxy that serves the gateway below a path may pass on the well-known path of RFC 9728 as it is.
      metadataPaths: [
        ...new Set([
          `${WELL_KNOWN}${path}`,
          `${WELL_KNOWN}${below}${path}`,
          `${path}${WELL_KNOWN}`,
          ...more,
        ]),
      ],
    })
    this.main = resource(ENDPOINT, [WELL_KNOWN])
    this.all = [this.main, ...profiles.map((name) => resource(`${ENDPOINT}/${name}`))]
    this.#byPath = new Map(this.all.map((one) => [one.path, one]))
  }

  /** The resource that a path belongs to: what is no endpoint belongs to the whole gateway. */
  at(path: string): Resource {
    return this.#byPath.get(path) ?? this.main
  }

  /** The metadata document of one (RFC 9728, 2). */
  static document(
    { url }: Resource,
    issuers: readonly string[],
    scopes: readonly string[],
  ): Readonly<Record<string, unknown>> {
    return {
      resource: url,
      authorization_servers: issuers,
      bearer_methods_supported: ['header'],
      ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    }
  }
}
