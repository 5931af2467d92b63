import type { Client, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { CODE, LEGACY, MODERN } from '../wire/protocol.ts'
import type { HttpArrival } from './http-arrival.ts'
import type { Begun, LegacyEra } from './legacy-era.ts'
import type { ClientMessage } from './message.ts'
import type { ResumeRelay } from './resume-relay.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { NO_ID, respond, type WireParts } from './wire.ts'

/** Protocol 2025-03-26 to 2025-11-25 over Streamable HTTP: sessions that a header names, and that only deliver. */
export class LegacyWire {
  readonly #parts: Pick<WireParts, 'replies' | 'resumables' | 'inFlight'>
  readonly #sessions: Sessions
  readonly #era: LegacyEra
  readonly #relay: ResumeRelay | undefined

  /** @param relay to replicas that remember a stream; `undefined` where there are none */
  constructor(
    parts: Pick<WireParts, 'replies' | 'resumables' | 'inFlight'>,
    sessions: Sessions,
    era: LegacyEra,
    relay: ResumeRelay | undefined,
  ) {
    this.#parts = parts
    this.#sessions = sessions
    this.#era = era
    this.#relay = relay
  }

  /** The session that the request names, whoever's it is. Throws or rejects when what is remembered of it cannot be read. */
  learn({ headers }: HttpArrival['request']): Maybe<Session | undefined> {
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

  /**
   * GET: goes on with the stream that `Last-Event-ID` names, if it is remembered; otherwise begins one that
   * tells of changed lists.
   */
  stream(arrival: HttpArrival): void {
    // It may have left while it was found out who it is: nothing would ever end its stream.
    if (arrival.response.closed) return
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
    const open = () => this.#era.stream(arrival, session, () => this.#sessions.use(session))
    if (!this.#resumed(arrival, session, open)) open()
  }

  /** DELETE: the client ends its session. */
  end(arrival: HttpArrival): void {
    const { request, response, cors } = arrival
    if (request.headers['mcp-session-id'] === undefined) return this.none(arrival)
    const session = this.#session(arrival, NO_ID)
    if (session == null) return
    const done = () => {
      response.writeHead(200, [...cors])
      response.end()
    }
    const kept = this.#sessions.end(session)
    if (isPromise(kept)) void kept.then(done)
    else done()
  }

  /** GET or DELETE without a session: there is nothing to listen to, or to end. */
  none({ response, cors }: HttpArrival): void {
    response.writeHead(405, ['allow', 'POST', ...cors])
    response.end()
  }

  /** @param open opens a stream after all, when another replica was asked in vain */
  #resumed(arrival: HttpArrival, session: Session, open: () => void): boolean {
    const { request, response, cors } = arrival
    const last = request.headers['last-event-id']
    const { resumables, inFlight } = this.#parts
    // A stop ends what is open; what is opened now would only be ended again.
    if (last === undefined || inFlight.draining) return false
    const stream = resumables.resume(last.toString(), session, response, cors)
    if (stream?.answers === false) this.#era.resumed(arrival, session)
    return (
      stream !== undefined || this.#relay?.resume(last.toString(), arrival, session, open) === true
    )
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
    if (request.headers['mcp-session-id'] === undefined) return undefined
    const session = this.#sessions.open(arrival.session, principal)
    if (session !== undefined) return session
    const reason = 'Session not found: initialize again'
    const gone = this.#parts.replies.error(404, CODE.invalidRequest, reason)
    arrival.send(404, respond(message, gone))
    return null
  }
}
