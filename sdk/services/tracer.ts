import type { Call } from '../call.ts'
import type { Caller } from '../caller.ts'
import type { Target } from '../entry.ts'
import type { Outcome } from '../outcome.ts'
import { type Token, token } from '../token.ts'

/** W3C trace context, as it travels in `_meta` and in headers. Comes from outside: not to be trusted. */
export interface TraceContext {
  readonly traceparent?: string
  readonly tracestate?: string
  readonly baggage?: string
}

/** A request for an entry, as it came: whether there is such an entry, and who may use it, is not known yet. */
export interface TracedRequest {
  readonly method: string
  /** The entry's name, by the client's word. */
  readonly name: string
  readonly caller: Caller
  readonly wire: string
  readonly requestId: string
  /** The legacy transport's. */
  readonly sessionId: string | undefined
  /** The id of the client's JSON-RPC request, as JSON; `undefined` for a call that a plugin makes. */
  readonly rpcId: string | undefined
}

/** One operation under way. */
export interface OperationSpan {
  /**
   * Called once.
   * @param call absent when the request did not become one: nothing of that name is permitted
   */
  end(outcome: Outcome, call?: Call): void
}

/** One sending under way. */
export interface AttemptSpan {
  /** Put into the request's `_meta`, in the place of the client's. */
  readonly meta?: TraceContext
  /** Sent over HTTP, over forwarded headers and under credentials and those of the config. */
  readonly headers?: Readonly<Record<string, string>>
  /** Called once. */
  end(outcome: Outcome): void
}

/**
 * Follows calls: an operation per request (a call that asks has one per round), an attempt per sending to an
 * upstream. All synchronous. What throws is reported and skipped: no call is harmed. `null` when no plugin
 * provides it; then the client's own trace context travels on unchanged.
 */
export interface Tracer {
  /**
   * A request arrives, or a plugin makes a call inside another.
   * @param incoming from `_meta`, else from the HTTP headers; empty for an inner call
   * @param outer the operation around an inner call
   * @returns nothing, to let this one go
   */
  operation(
    request: TracedRequest,
    incoming: TraceContext,
    outer: OperationSpan | undefined,
  ): OperationSpan | undefined
  /**
   * A call is about to be sent.
   * @param n 1, then 2 when it is sent again
   * @param parent what `operation` returned
   * @returns nothing, to let this one go
   */
  attempt(
    call: Call,
    target: Target,
    n: number,
    parent: OperationSpan | undefined,
  ): AttemptSpan | undefined
}
/** The service of that name. */
export const Tracer: Token<Tracer | null> = token<Tracer | null>('Tracer')
