import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPromise } from '../hooks/hooks.ts'
import { CODE, META, MODERN } from '../wire/protocol.ts'
import { HttpAuthRequest } from './arrival.ts'
import { readBody } from './body.ts'
import { type Gate, sendError } from './gate.ts'
import { HttpArrival } from './http-arrival.ts'
import type { LegacyWire } from './legacy.ts'
import { type ClientMessage, parseBody } from './message.ts'
import type { ModernEra } from './modern.ts'
import { hintPage } from './page.ts'
import type { Session } from './session.ts'
import { NO_ID, respond, type WireParts } from './wire.ts'

const BOTH = 'application/json, text/event-stream'

/** What the endpoint needs besides what the wires share. */
export interface EndpointParts extends WireParts {
  readonly gate: Gate
  readonly modern: ModernEra
  readonly legacy: LegacyWire
  readonly bodyLimit: number
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
    const { gate } = this.#parts
    const auth = new HttpAuthRequest(request, path, requestId)
    const cors = gate.knock(auth, response)
    if (cors === undefined) return
    switch (request.method) {
      case 'OPTIONS':
        return gate.preflight(auth, response, cors)
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
    gate.authenticate(auth, response, cors, (who) => {
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
  // What the SDKs send, and this gateway.
  if (accept === undefined || accept === BOTH || accept.includes('*/*')) return true
  return /application\/(json|\*)/i.test(accept) && /text\/(event-stream|\*)/i.test(accept)
}
