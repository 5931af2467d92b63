import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthRequest, Principal } from '../../sdk/index.ts'

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

/** A request that passed the door: admitted, authenticated, on a known path. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly auth: AuthRequest
  readonly requestId: string
  readonly path: string
  readonly principal: Principal
  /** When the credentials end, in milliseconds since the epoch. */
  readonly until: number | undefined
  /** CORS headers, flat. */
  readonly cors: readonly string[]
}
