import type { Call } from './call.ts'
import type { Caller } from './caller.ts'
import type { Entry, Target } from './entry.ts'
import type { Denial, Outcome } from './outcome.ts'

/** A plugin's word on a call or an entry. */
export interface Verdict {
  readonly plugin: string
  readonly rule: string
  /** Set when the plugin runs in shadow: its refusal was counted and not applied. */
  readonly shadow?: true
}

/** A call passed the view and is about to run through the plugins: once per round, each with a `Call` of its own. */
export interface CallStarted {
  readonly type: 'call.started'
  readonly call: Call
}

/** A call waits for answers: what leaves now is a question. */
export interface CallRound {
  readonly type: 'call.round'
  readonly id: string
  readonly method: string
  readonly name: string
  readonly caller: Caller
  readonly entry: Entry | undefined
  readonly target: Target | undefined
  /** The plugin that asks; `''` when the upstream does. */
  readonly plugin: string
  /** 1 for the first round. */
  readonly round: number
  readonly requestId: string
}

/** A call is over; exactly once per call that reached the kernel, also for callers that went away. */
export interface CallFinished {
  readonly type: 'call.finished'
  readonly id: string
  readonly method: string
  /** What the caller asked for, also when no such entry exists. */
  readonly name: string
  readonly caller: Caller
  /** `undefined` when the name is unknown or not permitted. */
  readonly entry: Entry | undefined
  readonly target: Target | undefined
  /** As plugins saw it last; `undefined` when it reached none, and when nobody answered its questions. */
  readonly call: Call | undefined
  readonly outcome: Outcome
  readonly verdicts: readonly Verdict[]
  /** Milliseconds since the epoch. */
  readonly start: number
  /** Milliseconds, whole. */
  readonly duration: number
  /** How many rounds it took: 1 when nothing asked. */
  readonly rounds: number
  /** Milliseconds spent waiting for the upstream, part of `duration`. */
  readonly upstreamDuration: number
  readonly wire: string
  /** The id of the HTTP request, as in the log. */
  readonly requestId: string
  readonly sessionId: string | undefined
  /** The caller's W3C trace context, if it sent one (`_meta.traceparent`, else the HTTP header). */
  readonly traceparent: string | undefined
}

/** A list was answered. */
export interface Listed {
  readonly type: 'list'
  readonly method: string
  readonly caller: Caller
  readonly count: number
  readonly requestId: string
}

/** Nobody vouched for a request, or somebody refused it. */
export interface AuthRefused {
  readonly type: 'auth.refused'
  readonly denial: Denial
  readonly path: string
  /** The address it came from; `undefined` on pipes. */
  readonly remoteAddress: string | undefined
  readonly requestId: string
}

/** An upstream changed its state. */
export interface UpstreamState {
  readonly type: 'upstream.state'
  readonly upstream: string
  readonly state: UpstreamStatus
}

/** The transports of servers: Streamable HTTP, HTTP+SSE (2024-11-05), stdio. */
export type UpstreamTransport = 'http' | 'sse' | 'stdio'

/** How an upstream is doing. */
export interface UpstreamStatus {
  readonly state: 'disabled' | 'connecting' | 'ready' | 'down' | 'auth-required'
  /** `undefined` before the first contact. */
  readonly era: 'legacy' | 'modern' | undefined
  /** How it is reached; `undefined` before the first contact. */
  readonly transport?: UpstreamTransport
  /** The protocol revision it was last spoken to in. */
  readonly protocolVersion?: string
  /** What the server calls itself. Untrusted text, of at most 200 characters each: show it, never decide by it. */
  readonly server?: { readonly name: string; readonly version: string }
  /** How its transport and era were found, for people: for example `server/discover answered`, or `set by config`. */
  readonly found?: string
  /** How many tools it lists, before any filter. */
  readonly tools: number
  /** Why it is not ready. */
  readonly error?: string
  /** The HTTP status behind the error. */
  readonly httpStatus?: number
  /** When it is tried again, in milliseconds since the epoch. */
  readonly nextAttempt?: number
  /** The last lines a stdio server wrote to stderr. */
  readonly stderr?: readonly string[]
}

/** A hook threw or did not settle in time. */
export interface PluginFailed {
  readonly type: 'plugin.failed'
  readonly plugin: string
  readonly hook: string
  readonly cause: unknown
  /** Whether the operator told the gateway to go on without this plugin (`onFailure: skip`). */
  readonly skipped: boolean
}

/** What clients can list has changed. */
export interface CatalogChanged {
  readonly type: 'catalog.changed'
  readonly revision: number
  readonly entries: readonly Entry[]
  /** Names that two upstreams claim; neither is listed nor callable. */
  readonly collisions: readonly string[]
  /** Whether every enabled upstream has been listed at least once. */
  readonly complete: boolean
}

/** A plugin told of something through `Events`. */
export interface PluginEvent {
  readonly type: 'plugin'
  /** The id of the plugin line. */
  readonly plugin: string
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Everything `observe` can see: a closed union. */
export type Event =
  | CallStarted
  | CallRound
  | CallFinished
  | Listed
  | AuthRefused
  | UpstreamState
  | PluginFailed
  | CatalogChanged
  | PluginEvent

/** The type of every {@link Event}. */
export const EVENT_TYPES: readonly Event['type'][] = [
  'call.started',
  'call.round',
  'call.finished',
  'list',
  'auth.refused',
  'upstream.state',
  'plugin.failed',
  'catalog.changed',
  'plugin',
]
