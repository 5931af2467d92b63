/** How long one tool may take. Milliseconds. */
export interface Timeouts {
  /** Without any sign of life from the upstream. */
  readonly timeout?: number
  /** In all. */
  readonly totalTimeout?: number
}

/** A setting that is about certain tools. */
export interface NamedTools {
  /** Where it stands, for example `tools.exclude "*_admin"`. */
  readonly setting: string
  /** Whether it is about the tool of that original name. */
  matches(name: string): boolean
}

/** One upstream of the config, checked, defaults filled in. Durations in milliseconds. */
export interface UpstreamConfig {
  readonly id: string
  /** Streamable HTTP endpoint. Exactly one of `url` and `command` is set. */
  readonly url?: string
  /** Program and arguments of a stdio server. */
  readonly command?: readonly string[]
  /** Sent with every HTTP request. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Inbound headers copied to the upstream. Names in lower case. */
  readonly forwardHeaders: readonly string[]
  /** Added to the environment allowlist of a stdio server. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly cwd: string
  readonly enabled: boolean
  /** Silence after which a call ends with TIMEOUT. Progress resets it. */
  readonly timeout: number
  /** A call's whole time; none when absent. */
  readonly totalTimeout?: number
  /** By the upstream's own tool name. */
  readonly timeouts: Readonly<Record<string, Timeouts>>
  /** From the first byte out to the end of the handshake. */
  readonly connectTimeout: number
  /** `per-client`: each principal + client software has a process or session of its own. */
  readonly session: 'shared' | 'per-client'
  /** Whether its tools stay listed while it is down. */
  readonly whenDown: 'keep' | 'hide'
  /** How long it may be down before `hide` hides. */
  readonly grace: number
  /** Whether `readOnlyHint` and `idempotentHint` are believed when a lost call could be repeated. */
  readonly trustAnnotations: boolean
  /** What the config says of tools by name, so that a name no tool has can be told of. */
  readonly named: readonly NamedTools[]
  /** How often its list is read again, besides its own notifications. 0 = never. */
  readonly refresh: number
}
