import type { Call } from './call.ts'
import type { Caller } from './caller.ts'

/**
 * A JSON-RPC message on its way between an upstream and a client: a notification (progress, a log message, a
 * changed resource), a question of the upstream's (elicitation, sampling, roots), or the answer to one.
 */
export interface Message {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  /** Of an answer: what the question of that method was answered. */
  readonly result?: Readonly<Record<string, unknown>>
}

/** Whom a message concerns. */
export interface MessageContext {
  readonly caller: Caller
  /** The call it belongs to; absent for what belongs to none (`notifications/resources/updated`). */
  readonly call?: Call
}
