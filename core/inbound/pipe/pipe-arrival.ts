import type { Authenticated, AuthRequest, Principal } from '../../../sdk/index.ts'
import type { Arrival, Outlet } from '../arrival.ts'
import type { ClientMessage } from '../message.ts'
import type { OpenCall } from '../open-calls.ts'
import type { Session } from '../session.ts'
import { PipeExchange, type PipeExchangeHost } from './pipe-exchange.ts'

/** A message that came over a pipe. Everything goes out on the pipe; there are no statuses and no headers. */
export class PipeArrival implements Arrival {
  readonly auth: AuthRequest
  readonly principal: Principal
  readonly until: number | undefined
  readonly mirrors = undefined
  readonly #host: PipeExchangeHost
  readonly #message: ClientMessage | undefined

  /** @param message `undefined` for a batch */
  constructor(
    host: PipeExchangeHost,
    auth: AuthRequest,
    { principal, until }: Authenticated,
    message: ClientMessage | undefined,
  ) {
    this.#host = host
    this.auth = auth
    this.principal = principal
    this.until = until
    this.#message = message
  }

  get requestId(): string {
    return this.auth.requestId
  }

  get path(): string {
    return this.auth.path
  }

  send(_status: number, json: string): void {
    this.#host.pipe.write(json)
  }

  /** Nobody waits for a word. */
  accept(): void {}

  break(json: string): void {
    this.#host.pipe.write(json)
  }

  exchange(era: 'legacy' | 'modern', session: Session | undefined): PipeExchange {
    const { requestId, auth } = this
    const cancelledBy = era === 'modern' ? this.#message : undefined
    return new PipeExchange(this.#host, requestId, session?.id, auth.headers, cancelledBy)
  }

  outlet(): Outlet {
    return new PipeOutlet(this.#host, this.#message)
  }
}

/** A stream of notifications among everything else on a pipe. */
class PipeOutlet implements Outlet {
  readonly #host: PipeExchangeHost
  readonly #cancellable: OpenCall | undefined
  #told: (() => void) | undefined
  #drained: (() => void) | undefined

  constructor(host: PipeExchangeHost, message: ClientMessage | undefined) {
    this.#host = host
    if (message?.id !== undefined) {
      this.#cancellable = host.calls.begin(host.session, message, { cancel: () => this.#close() })
    }
  }

  send(json: string): void {
    this.#host.pipe.write(json)
  }

  get keepsUp(): boolean {
    return this.#host.pipe.keepsUp
  }

  drained(told: () => void): void {
    this.#drained = told
    this.#host.drains.add(told)
  }

  /** The pipe sees to itself. */
  beat(): void {}

  closed(told: () => void): void {
    this.#told = told
    // It may be gone before anything was begun.
    if (this.#host.pipe.gone) queueMicrotask(told)
  }

  end(): Promise<void> {
    this.#close()
    return new Promise((resolve) => this.#host.pipe.flushed(resolve))
  }

  #close(): void {
    if (this.#cancellable !== undefined) this.#host.calls.over(this.#cancellable)
    if (this.#drained !== undefined) this.#host.drains.delete(this.#drained)
    this.#told?.()
  }
}
