import type { Call } from './call.ts'
import type { Caller } from './caller.ts'

/** A JSON-RPC notification that an upstream sends to a client: progress, a log message, or that a resource changed. */
export interface Message {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** Whom a message concerns. */
export interface MessageContext {
  readonly caller: Caller
  /** The call it belongs to; absent for what belongs to none (`notifications/resources/updated`). */
  readonly call?: Call
}
