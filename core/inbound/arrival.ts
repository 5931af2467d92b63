import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { AuthRequest, Principal } from '../../sdk/index.ts'
import type { StatusExchange } from './operations.ts'
import type { Session } from './session.ts'

/** A request as auth plugins see it, straight from Node's. */
export class HttpAuthRequest implements AuthRequest {
  readonly path: string
  readonly requestId: string
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage, path: string, requestId: string) {
    this.#request = request
    this.path = path
    this.requestId = requestId
  }

  get method(): string {
    return this.#request.method ?? ''
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket.remoteAddress
  }
}

/**
 * Messages that passed the door: admitted, authenticated, on a known path. Each wire has its own, and the
 * eras know this one only: what a message means does not depend on what carried it.
 */
export interface Arrival {
  readonly auth: AuthRequest
  readonly requestId: string
  readonly path: string
  readonly principal: Principal
  /** When the credentials end, in milliseconds since the epoch. */
  readonly until: number | undefined
  /** The headers that say what the body says (2026-07-28, standard headers); `undefined` on a wire that has none. */
  readonly mirrors: IncomingHttpHeaders | undefined
  /**
   * Answers without an exchange, once.
   * @param status of HTTP; wires without statuses pass it over, and the headers (flat) too
   */
  send(status: number, json: string, headers?: readonly string[]): void
  /** There is nothing to answer: notifications, and answers to our own questions. */
  accept(): void
  /** Answers after a throw in our own code; ends what was begun when an answer is already on its way. */
  break(json: string): void
  /** Begins the answer to a call. @param session the legacy session it belongs to */
  exchange(era: 'legacy' | 'modern', session: Session | undefined): OpenExchange
  /** Begins an answer that goes on: a stream of notifications. @param session the legacy session it belongs to */
  outlet(session?: Session): Outlet
}

/** An exchange whose answer is still to come. Nothing follows an answer. */
export interface OpenExchange extends StatusExchange {
  /** Sends the answer. @param headers flat, for wires that have some */
  finish(status: number, json: string, headers?: readonly string[]): void
  /** Ends without an answer: the client wants none. */
  abandon(): void
  /** Leaves the rest to others: nothing more is written from here. */
  drop(): void
}

/** Where a stream of notifications goes. */
export interface Outlet {
  /** Sends one JSON-RPC message. */
  send(json: string): void
  /** Whether the client reads what it is sent. */
  readonly keepsUp: boolean
  /** Calls back whenever the client has read all there was, after it did not keep up. */
  drained(told: () => void): void
  /** Shows whatever stands between that the stream is alive. */
  beat(): void
  /** Calls back once when the client is gone and cannot come back, or the stream was ended. */
  closed(told: () => void): void
  /** Ends it. Resolves when the last message has left. */
  end(): Promise<void>
}
