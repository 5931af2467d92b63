import { type Token, token } from '../token.ts'

/** Facts about this gateway and this plugin line. */
export interface Info {
  /** The gateway's version. */
  readonly version: string
  /** The id of this plugin line. */
  readonly plugin: string
  /** The configured upstreams, in config order. */
  readonly upstreams: readonly string[]
  /** The profiles of the config: each is served at `/mcp/<profile>`. */
  readonly profiles: readonly string[]
  /**
   * Where clients reach the gateway, without a slash at the end: MCP is served at `${url}/mcp`. From `listen.publicUrl`,
   * else from host and port; `undefined` where the config does not say: port 0, or every network of the machine.
   */
  readonly url: string | undefined
  /** Where an upstream is reached, as the config says it; `undefined` for one that is a process. */
  urlOf(upstream: string): string | undefined
  /** The public name of something in a group: an upstream's tool, or a family's. Follows the config's name rules. */
  publicName(group: string, name: string): string
}
/** The service of that name. */
export const Info: Token<Info> = token<Info>('Info')
