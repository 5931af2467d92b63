import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authenticated, AuthRequest, Denial, Failure } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { CODE, META, MODERN } from '../wire/protocol.ts'
import { HttpAuthRequest } from './arrival.ts'
import { readBody } from './body.ts'
import type { Doors } from './doors.ts'
import { failed } from './hook-failure.ts'
import { HttpArrival } from './http-arrival.ts'
import type { LegacyWire } from './legacy.ts'
import { type ClientMessage, parseBody } from './message.ts'
import type { ModernEra } from './modern.ts'
import { hintPage } from './page.ts'
import type { Reply } from './replies.ts'
import type { Session } from './session.ts'
import { sendJson } from './sse.ts'
import { NO_ID, respond, type WireParts } from './wire.ts'

/** A request that was not let in, for the log: no header, no credential. */
export interface RefusedRequest {
  readonly requestId: string
  readonly code: string
  readonly reason: string
  readonly path: string
  readonly remoteAddress: string | undefined
}

/** What the endpoint needs besides what the wires share. */
export interface EndpointParts extends WireParts {
  readonly doors: Doors
  readonly modern: ModernEra
  readonly legacy: LegacyWire
  readonly bodyLimit: number
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
  /** The URL clients use, for the hint page. */
  readonly url: () => string
}

/**
 * `/mcp` and its profiles: checks the door, asks who it is, reads the body, and gives each message to
 * the wire of its era. The body decides the era; headers are checked against it.
 */
export class Endpoint {
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts) {
    this.#parts = parts
  }

  /** Serves one HTTP request. */
  serve(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): void {
    const { doors } = this.#parts
    const auth = new HttpAuthRequest(request, path, requestId)
    const cors = this.#knock(auth, response)
    if (cors === undefined) return
    switch (request.method) {
      case 'OPTIONS':
        response.writeHead(204, [...cors, ...doors.preflight(request.headers)])
        response.end()
        return
      case 'GET':
        if (/text\/html/i.test(request.headers.accept ?? '')) return this.page(response)
        break
      case 'POST':
      case 'DELETE':
        break
      default:
        response.writeHead(405, ['allow', 'GET, POST, DELETE, OPTIONS', ...cors])
        response.end()
        return
    }
    this.#authenticate(auth, response, cors, (who) => {
      const arrival = new HttpArrival(request, response, auth, who, cors, this.#parts)
      const learnt = this.#parts.legacy.learn(request)
      const route = (session: Session | undefined) => {
        arrival.session = session
        this.#route(arrival)
      }
      if (!isPromise(learnt)) return route(learnt)
      // Whether the session was ended cannot be said: it may have been.
      const fail = (cause: unknown) => this.#parts.crashed(arrival, NO_ID, cause)
      learnt.then(route).catch(fail)
    })
  }

  /** Goes on with a request to a plugin's route that may come in, or refuses it. */
  admit(auth: AuthRequest, response: ServerResponse, go: (who: Authenticated) => void): void {
    const cors = this.#knock(auth, response)
    if (cors !== undefined) this.#authenticate(auth, response, cors, go)
  }

  /** CORS headers for a request of an admitted host and origin; `undefined` when it was refused. */
  #knock(auth: AuthRequest, response: ServerResponse): string[] | undefined {
    const { doors, replies } = this.#parts
    const refused = doors.refuse(auth.headers)
    if (refused === undefined) return doors.cors(auth.headers.origin)
    this.#tell(auth, 'FORBIDDEN', refused)
    sendError(response, replies.error(403, CODE.invalidRequest, refused), [])
    return undefined
  }

  /** The hint page for people. */
  page(response: ServerResponse): void {
    const html = hintPage(this.#parts.url())
    response.writeHead(200, [
      'content-type',
      'text/html; charset=utf-8',
      'content-length',
      String(Buffer.byteLength(html)),
    ])
    response.end(html)
  }

  /** Goes on with whoever sent the request, or refuses it. */
  #authenticate(
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
    const { requestId, path } = auth
    this.#tell(auth, why.code, why.message)
    if (why.kind === 'denial') kernel.emit({ type: 'auth.refused', denial: why, path, requestId })
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

  #route(arrival: HttpArrival): void {
    const { request, response, cors } = arrival
    const { legacy, replies, bodyLimit } = this.#parts
    if (request.method !== 'POST') {
      // 2026-07-28 has no sessions, whatever else a client says.
      if (namesModern(request)) return legacy.none(arrival)
      return request.method === 'GET' ? legacy.stream(arrival) : legacy.end(arrival)
    }
    if (!acceptsBoth(request.headers.accept)) {
      const reason = 'Not Acceptable: Accept must list application/json and text/event-stream'
      return sendError(response, replies.error(406, CODE.invalidRequest, reason), cors)
    }
    readBody(request, bodyLimit, (text, problem) => {
      try {
        if (text !== undefined) this.#read(arrival, text)
        else if (problem !== undefined) {
          const code = problem.status === 400 ? CODE.parse : CODE.invalidRequest
          sendError(response, replies.error(problem.status, code, problem.reason), cors)
        }
      } catch (cause) {
        this.#parts.crashed(arrival, NO_ID, cause)
      }
    })
  }

  #read(arrival: HttpArrival, text: string): void {
    const { response, cors, request } = arrival
    const { modern, legacy, replies } = this.#parts
    const body = parseBody(text)
    switch (body.kind) {
      case 'malformed':
        return sendError(
          response,
          replies.error(400, CODE.parse, `Parse error: ${body.reason}`),
          cors,
        )
      case 'invalid':
        return sendError(
          response,
          replies.error(400, CODE.invalidRequest, `Invalid Request: ${body.reason}`),
          cors,
        )
      case 'batch': {
        if (!body.messages.some(isModern) && !namesModern(request)) {
          return legacy.serveBatch(arrival, body.messages)
        }
        const reason = `Invalid Request: ${MODERN} has no batches`
        return sendError(response, replies.error(400, CODE.invalidRequest, reason), cors)
      }
      default:
        if (isModern(body.message)) return modern.serve(arrival, body.message)
        if (namesModern(request)) return this.#mixed(arrival, body.message)
        return legacy.serve(arrival, body.message)
    }
  }

  /** The header speaks of one era, the body of the other. */
  #mixed(arrival: HttpArrival, message: ClientMessage): void {
    const { replies } = this.#parts
    // Nothing is defined for notifications over HTTP, so nothing can be wrong with one.
    if (message.id === undefined) return arrival.accept()
    const reply =
      message.method === 'initialize'
        ? replies.error(400, CODE.headerMismatch, `Header mismatch: ${MODERN} has no initialize`)
        : replies.error(
            400,
            CODE.invalidParams,
            `Invalid params: \`_meta["${META.version}"]\` is missing`,
          )
    arrival.send(reply.status, respond(message, reply))
  }
}

function isModern(message: ClientMessage | string): boolean {
  return typeof message !== 'string' && message.meta[META.version] !== undefined
}

function namesModern({ headers }: IncomingMessage): boolean {
  return headers['mcp-protocol-version']?.toString().trim() === MODERN
}

function acceptsBoth(accept: string | undefined): boolean {
  if (accept === undefined || accept.includes('*/*')) return true
  return /application\/(json|\*)/i.test(accept) && /text\/(event-stream|\*)/i.test(accept)
}

/** Answers a request of which no id is known. */
export function sendError(
  response: ServerResponse,
  reply: Reply,
  headers: readonly string[],
): void {
  sendJson(response, reply.status, respond(NO_ID, reply), headers)
}
