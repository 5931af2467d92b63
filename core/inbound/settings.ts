import type { SessionLimits } from './session.ts'

/** Where operators are served. */
export interface AdminConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Web pages of these origins may use it, besides those on loopback when it listens there. */
  readonly allowedOrigins: readonly string[]
  /** Names in the `Host` header besides its own. */
  readonly allowedHosts: readonly string[]
  /** Paths of plugins' routes that anybody may GET. */
  readonly open: readonly string[]
}

/** Where and how clients are served. Sizes in bytes. */
export interface ListenConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** How clients reach the gateway, when that is not `host:port`. */
  readonly publicUrl?: string
  /** Web pages of these origins may call; loopback origins may when the gateway listens on loopback. */
  readonly allowedOrigins: readonly string[]
  /** Names in the `Host` header besides the gateway's own. */
  readonly allowedHosts: readonly string[]
  readonly bodyLimit: number
  readonly sessions: SessionLimits
  /** How many listen streams one principal may hold open. */
  readonly streams: number
  /** How many resources one principal may be subscribed to. */
  readonly subscriptions: number
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string }
}
