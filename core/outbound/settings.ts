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
  /** How an HTTP server is spoken to; `auto` = found out. Means nothing with `command`. */
  readonly transport: 'auto' | 'http' | 'sse'
  /** Which era it is spoken to in; `auto` = found out. */
  readonly era: 'auto' | 'modern' | 'legacy'
  /** Whether HTTP/2 is spoken to an https server that offers it. */
  readonly allowH2: boolean
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
  /** How many sessions or processes it may have at a time, besides the one that is the gateway's own. */
  readonly maxSessions: number
  /** How long one may be unused before it is closed. */
  readonly sessionIdle: number
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
