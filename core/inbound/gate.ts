import type { ServerResponse } from 'node:http'
import type { Authenticated, AuthRequest, Denial, Failure } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { CODE } from '../wire/protocol.ts'
import type { Doors } from './doors.ts'
import { failed } from './hook-failure.ts'
import type { Operations } from './operations.ts'
import type { Replies, Reply } from './replies.ts'
import { sendJson } from './sse.ts'
import { NO_ID, respond } from './wire.ts'

/** A request that was not let in, for the log: no header, no credential. */
export interface RefusedRequest {
  readonly requestId: string
  readonly code: string
  readonly reason: string
  readonly path: string
  readonly remoteAddress: string | undefined
}

/** What the gate asks, and whom it tells. */
export interface GateParts {
  readonly kernel: Kernel
  readonly operations: Operations
  readonly replies: Replies
  readonly doors: Doors
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
}

/** What every HTTP request passes before anything of it is read: is it for us, and who sends it. */
export class Gate {
  readonly #parts: GateParts

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** Goes on with a request that may come in, or refuses it. */
  admit(auth: AuthRequest, response: ServerResponse, go: (who: Authenticated) => void): void {
    const cors = this.knock(auth, response)
    if (cors !== undefined) this.authenticate(auth, response, cors, go)
  }

  /** CORS headers for a request of an admitted host and origin; `undefined` when it was refused. */
  knock(auth: AuthRequest, response: ServerResponse): string[] | undefined {
    const { doors, replies } = this.#parts
    const refused = doors.refuse(auth.headers)
    if (refused === undefined) return doors.cors(auth.headers.origin)
    this.#tell(auth, 'FORBIDDEN', refused)
    sendError(response, replies.error(403, CODE.invalidRequest, refused), [])
    return undefined
  }

  /** Answers what a browser asks before it asks. */
  preflight({ headers }: AuthRequest, response: ServerResponse, cors: readonly string[]): void {
    response.writeHead(204, [...cors, ...this.#parts.doors.preflight(headers)])
    response.end()
  }

  /** Goes on with whoever sent the request, or refuses it. */
  authenticate(
    auth: AuthRequest,
    response: ServerResponse,
    cors: readonly string[],
    go: (who: Authenticated) => void,
  ): void {
    const settle = (found: Authenticated | Denial) => {
      if ('principal' in found) go(found)
      else this.#refuse(auth, response, cors, found)
    }
    const fail = (cause: unknown) => {
      this.#parts.fault(cause, auth.requestId)
      this.#refuse(auth, response, cors, failed(cause))
    }
    try {
      const found = this.#parts.kernel.authenticate(auth)
      if (isPromise(found)) found.then(settle).catch(fail)
      else settle(found)
    } catch (cause) {
      fail(cause)
    }
  }

  #refuse(
    auth: AuthRequest,
    response: ServerResponse,
    cors: readonly string[],
    why: Denial | Failure,
  ): void {
    if (response.headersSent) return void response.destroy()
    const { kernel, replies, operations } = this.#parts
    const { requestId, path, remoteAddress } = auth
    this.#tell(auth, why.code, why.message)
    if (why.kind === 'denial') {
      kernel.emit({ type: 'auth.refused', denial: why, path, remoteAddress, requestId })
    }
    const reply = replies.door(why, requestId)
    const { retryAfterMs } = why
    sendError(response, reply, [
      ...cors,
      ...(retryAfterMs === undefined
        ? []
        : ['retry-after', String(Math.ceil(retryAfterMs / 1000))]),
      ...operations.challengeHeaders(reply.challenge, { auth }),
    ])
  }

  #tell({ requestId, path, remoteAddress }: AuthRequest, code: string, reason: string): void {
    this.#parts.refused({ requestId, code, reason, path, remoteAddress })
  }
}

/** Answers a request of which no id is known. */
export function sendError(
  response: ServerResponse,
  reply: Reply,
  headers: readonly string[],
): void {
  sendJson(response, reply.status, respond(NO_ID, reply), headers)
}
