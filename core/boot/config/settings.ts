import type { Principal } from '../../../sdk/index.ts'
import type { UpstreamNames } from '../../catalog/catalog.ts'
import type { NameRules } from '../../catalog/names.ts'
import type { Problem } from '../../hooks/errors.ts'
import type { PluginSpec } from '../../hooks/setup.ts'
import type { AdminConfig, ListenConfig } from '../../inbound/settings.ts'
import type { UpstreamConfig } from '../../outbound/settings.ts'

/** How much the log says. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** A config file, checked, defaults filled in. Durations in milliseconds, sizes in bytes. */
export interface GatewayConfig {
  /** Absolute path of the main file. */
  readonly file: string
  readonly listen: ListenConfig
  /** How many processes `patchbay start` serves with. */
  readonly workers: number
  /** Where operators are served; nowhere when left out. */
  readonly admin?: AdminConfig
  /** `principal`: who the client of `patchbay stdio` is; plugins are asked when left out. */
  readonly stdio: { readonly principal?: Principal }
  /** Absolute path of the folder for what must outlive the process. */
  readonly data: string
  /** Secrets that seal sessions: the first seals, all open. Each has at least 32 characters. */
  readonly keys: readonly string[]
  readonly log: { readonly level: LogLevel }
  /** `showPlugin`: whether callers see which plugin and rule refused them. */
  readonly errors: { readonly showPlugin: boolean }
  /** `pageSize` in entries; `ttl`: how long lists may be kept whose servers do not say so. */
  readonly lists: { readonly pageSize: number; readonly ttl: number }
  /** Where plugins' requests may go besides the internet: addresses, networks and host names. */
  readonly egress: { readonly allow: readonly string[] }
  /** What must never be told: values of references, and of settings marked `writeOnly`. */
  readonly secrets: readonly string[]
  /** How long open calls may go on after a stop signal. */
  readonly drain: number
  readonly names: NameRules
  /** Served at `/mcp/<profile>`. */
  readonly profiles: readonly string[]
  /** In config order. */
  readonly upstreams: readonly UpstreamConfig[]
  /** In config order. */
  readonly upstreamNames: readonly UpstreamNames[]
  /** The enabled plugin lines, in config order. */
  readonly plugins: readonly PluginSpec[]
  /** Plugin line id → where the plugin came from: `bundled`, a file, or `package@version`. */
  readonly origins: ReadonlyMap<string, string>
  /** Plugin line id → where the line, or a setting in it, was written. */
  readonly places: ReadonlyMap<string, PlaceOf>
}

/** Where a plugin line was written, or the setting that these keys lead to. */
export type PlaceOf = (...keys: readonly (string | number)[]) => Pick<Problem, 'where' | 'path'>

/** What plugins are set up with: these parts of a config, which need not be whole otherwise. */
export interface SetUpConfig
  extends Pick<
    GatewayConfig,
    'data' | 'egress' | 'names' | 'places' | 'plugins' | 'profiles' | 'secrets'
  > {
  /** Where clients reach the gateway, when that can be said. */
  readonly listen: Pick<ListenConfig, 'host' | 'port' | 'publicUrl' | 'tls'>
  readonly upstreams: readonly { readonly id: string; readonly url?: string }[]
}
