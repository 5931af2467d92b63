import type { Client, Maybe } from '../../sdk/index.ts'
import { CODE, LEGACY, MODERN } from '../wire/protocol.ts'
import type { HttpArrival } from './http-arrival.ts'
import type { Begun, LegacyEra } from './legacy-era.ts'
import type { ClientMessage } from './message.ts'
import type { Session, Sessions } from './session.ts'
import { NO_ID, respond, type WireParts } from './wire.ts'

/** Protocol 2025-03-26 to 2025-11-25 over Streamable HTTP: sessions that a header names, and that only deliver. */
export class LegacyWire {
  readonly #parts: Pick<WireParts, 'replies'>
  readonly #sessions: Sessions
  readonly #era: LegacyEra

  constructor(parts: Pick<WireParts, 'replies'>, sessions: Sessions, era: LegacyEra) {
    this.#parts = parts
    this.#sessions = sessions
    this.#era = era
  }

  /** What must be known of the request's session before it is served. Throws or rejects when it cannot be. */
  learn({ headers }: HttpArrival['request']): Maybe<void> {
    const id = headers['mcp-session-id']
    return id === undefined ? undefined : this.#sessions.learn(id.toString())
  }

  /** Serves one message. */
  serve(arrival: HttpArrival, message: ClientMessage): void {
    const session = this.#session(arrival, message)
    if (session === null) return
    this.#era.serve(arrival, message, session, (client) => this.#begin(arrival, client))
  }

  /** Serves a batch: each message by itself, the answers together. */
  serveBatch(arrival: HttpArrival, messages: readonly (ClientMessage | string)[]): void {
    const session = this.#session(arrival, NO_ID)
    if (session !== null) this.#era.serveBatch(arrival, messages, session)
  }

  /** GET: a stream that tells of changed lists. */
  stream(arrival: HttpArrival): void {
    const { headers } = arrival.request
    if (headers['mcp-session-id'] === undefined) return this.none(arrival)
    const session = this.#session(arrival, NO_ID)
    if (session == null) return
    const { accept } = headers
    if (accept !== undefined && !/text\/(event-stream|\*)|\*\/\*/i.test(accept)) {
      const reason = 'Not Acceptable: Accept must list text/event-stream'
      const wrong = this.#parts.replies.error(406, CODE.invalidRequest, reason)
      return arrival.send(406, respond(NO_ID, wrong))
    }
    this.#era.stream(arrival, session)
  }

  /** DELETE: the client ends its session. */
  end(arrival: HttpArrival): void {
    const { request, response, cors } = arrival
    if (request.headers['mcp-session-id'] === undefined) return this.none(arrival)
    const session = this.#session(arrival, NO_ID)
    if (session == null) return
    this.#sessions.end(session)
    this.#era.ended(session)
    response.writeHead(200, [...cors])
    response.end()
  }

  /** GET or DELETE without a session: there is nothing to listen to, or to end. */
  none({ response, cors }: HttpArrival): void {
    response.writeHead(405, ['allow', 'POST', ...cors])
    response.end()
  }

  #begin({ principal }: HttpArrival, client: Client): Begun {
    const session = this.#sessions.create(principal, client)
    return { session, headers: ['mcp-session-id', session.id] }
  }

  /** The session a request names; `null` when it was answered with 404 or 400. */
  #session(arrival: HttpArrival, message: Pick<ClientMessage, 'id'>): Session | undefined | null {
    const { request, principal } = arrival
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !LEGACY.includes(version.toString().trim())) {
      const unknown = this.#parts.replies.version(version, [MODERN, ...LEGACY])
      arrival.send(400, respond(message, unknown))
      return null
    }
    const id = request.headers['mcp-session-id']
    if (id === undefined) return undefined
    const session = this.#sessions.open(id.toString(), principal)
    if (session !== undefined) return session
    const reason = 'Session not found: initialize again'
    const gone = this.#parts.replies.error(404, CODE.invalidRequest, reason)
    arrival.send(404, respond(message, gone))
    return null
  }
}
