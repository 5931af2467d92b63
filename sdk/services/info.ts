import { type Token, token } from '../token.ts'

/** Facts about this gateway and this plugin line. */
export interface Info {
  /** The gateway's version. */
  readonly version: string
  /** The id of this plugin line. */
  readonly plugin: string
  /** The configured upstreams, in config order. */
  readonly upstreams: readonly string[]
  /** The public name of something in a group: an upstream's tool, or a family's. Follows the config's name rules. */
  publicName(group: string, name: string): string
}
/** The service of that name. */
export const Info: Token<Info> = token<Info>('Info')
