import type { IncomingHttpHeaders } from 'node:http'
import type { Slots, Slotted } from '../../hooks/slots.ts'
import type { OpenExchange } from '../arrival.ts'
import { Cancellable } from '../cancellable.ts'
import type { InFlight } from '../in-flight.ts'
import type { ClientMessage } from '../message.ts'
import type { OpenCall, OpenCalls } from '../open-calls.ts'
import type { Pipe } from './pipe.ts'
import type { PipeSession } from './pipe-session.ts'

/** What the exchanges of one pipe share. */
export interface PipeExchangeHost {
  readonly pipe: Pipe
  readonly session: PipeSession
  readonly inFlight: InFlight
  /** Every exchange that is not over. */
  readonly open: Slots<PipeExchange>
  /** What the client may cancel by its id. */
  readonly calls: OpenCalls
  /** Told when the client has read all there was, after it did not keep up. */
  readonly drains: Set<() => void>
}

/** The answer to one request, on the pipe that brought it. */
export class PipeExchange extends Cancellable implements OpenExchange, Slotted {
  readonly statusOpen = false
  readonly requestId: string
  readonly sessionId: string | undefined
  readonly headers: IncomingHttpHeaders
  slot = -1
  readonly #host: PipeExchangeHost
  readonly #cancellable: OpenCall | undefined
  #over = false

  /** @param message what to cancel it by; `undefined` where the era sees to that */
  constructor(
    host: PipeExchangeHost,
    requestId: string,
    sessionId: string | undefined,
    headers: IncomingHttpHeaders,
    message: ClientMessage | undefined,
  ) {
    super()
    this.#host = host
    this.requestId = requestId
    this.sessionId = sessionId
    this.headers = headers
    host.inFlight.begin()
    host.open.add(this)
    this.#cancellable = message && host.calls.begin(host.session, message, this)
  }

  get wire(): string {
    return this.#host.pipe.wire
  }

  /** Dropped when the client does not keep up. */
  message(text: string): void {
    const { pipe } = this.#host
    if (!this.#over && pipe.keepsUp) pipe.write(text)
  }

  /** Not dropped: somebody waits for the answer. @returns whether anybody is there */
  deliver(text: string): boolean {
    const { pipe } = this.#host
    if (this.#over || pipe.gone) return false
    pipe.write(text)
    return true
  }

  finish(_status: number, json: string): void {
    // In flight until it has left: a stop that came earlier would cut the answer.
    if (this.#end()) this.#host.pipe.write(json, () => this.#host.inFlight.end())
  }

  abandon(): void {
    this.drop()
  }

  drop(): void {
    if (this.#end()) this.#host.inFlight.end()
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#host.open.delete(this)
    if (this.#cancellable !== undefined) this.#host.calls.over(this.#cancellable)
    return true
  }
}
