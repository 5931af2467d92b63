import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Authenticated, AuthRequest, Principal } from '../../sdk/index.ts'
import type { Arrival, Outlet } from './arrival.ts'
import { type ExchangeHost, HttpExchange } from './exchange.ts'
import type { Session } from './session.ts'
import { keepsUp, sendJson, sseEvent, startStream } from './sse.ts'

/** What came with one request over Streamable HTTP. */
export class HttpArrival implements Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly auth: AuthRequest
  readonly principal: Principal
  readonly until: number | undefined
  /** CORS headers, flat. */
  readonly cors: readonly string[]
  /** The session that the request names, as far as it is one of ours; whose, and whether it lives, is still to be asked. */
  session: Session | undefined
  readonly #host: ExchangeHost

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    auth: AuthRequest,
    { principal, until }: Authenticated,
    cors: readonly string[],
    host: ExchangeHost,
  ) {
    this.request = request
    this.response = response
    this.auth = auth
    this.principal = principal
    this.until = until
    this.cors = cors
    this.#host = host
  }

  get requestId(): string {
    return this.auth.requestId
  }

  get path(): string {
    return this.auth.path
  }

  get mirrors(): IncomingHttpHeaders {
    return this.request.headers
  }

  send(status: number, json: string, headers: readonly string[] = []): void {
    sendJson(this.response, status, json, [...this.cors, ...headers])
  }

  accept(): void {
    this.response.writeHead(202, [...this.cors])
    this.response.end()
  }

  break(json: string): void {
    if (this.response.headersSent) this.response.destroy()
    else this.send(200, json)
  }

  exchange(era: 'legacy' | 'modern', session: Session | undefined): HttpExchange {
    const { request, response, requestId, cors } = this
    // A closed stream is how a modern client cancels. A legacy one that loses its connection has not
    // cancelled: the call goes on without a reader.
    const cancels = era === 'modern'
    return new HttpExchange(request, response, this.#host, era, requestId, session, cors, cancels)
  }

  outlet(session?: Session): Outlet {
    if (session !== undefined) {
      return this.#host.resumables.begin(session, false, this.response, this.cors)
    }
    return new HttpOutlet(this.response, this.cors)
  }
}

/** An SSE answer that goes on until somebody ends it. */
class HttpOutlet implements Outlet {
  readonly #response: ServerResponse

  /** @param headers sent with the answer, flat */
  constructor(response: ServerResponse, headers: readonly string[]) {
    this.#response = response
    startStream(response, headers)
  }

  send(json: string): void {
    this.#response.write(sseEvent(json))
  }

  get keepsUp(): boolean {
    return keepsUp(this.#response)
  }

  drained(told: () => void): void {
    this.#response.on('drain', told)
  }

  beat(): void {
    if (this.keepsUp) this.#response.write(': keep-alive\n\n')
  }

  closed(told: () => void): void {
    // It may be gone before anything was begun.
    if (this.#response.closed) queueMicrotask(told)
    else this.#response.on('close', told)
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#response.on('close', resolve)
      this.#response.end()
    })
  }
}
