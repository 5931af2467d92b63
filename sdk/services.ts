import type { Entry } from './entry.ts'
import { type Token, token } from './token.ts'

/** Time. Tests put a clock in its place that moves when told to. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that only ever grow, for durations. */
  monotonic(): number
  /** Calls `run` every `ms` milliseconds until the returned function is called. Never keeps the process alive. */
  every(ms: number, run: () => void): () => void
}
/** The service of that name. */
export const Clock: Token<Clock> = token<Clock>('Clock')

/** The plugin's own log: every line carries the plugin's id. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
/** The service of that name. */
export const Log: Token<Log> = token<Log>('Log')

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

/** The entries behind all lists, before any caller's filter. */
export interface Catalog {
  /** Grows by one with every real change. */
  readonly revision: number
  readonly entries: readonly Entry[]
  /**
   * Says that `listFilter` or `present` would answer differently now. Callers are asked again, and
   * those whose list really changed are told.
   * @param scope only the callers of this principal; everybody when left out
   */
  invalidate(scope?: { readonly issuer: string; readonly subject: string }): void
}
/** The service of that name. */
export const Catalog: Token<Catalog> = token<Catalog>('Catalog')
