import type { Caller, Client, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { Slots, type Slotted } from '../hooks/slots.ts'
import { findMember, memberText } from '../wire/json.ts'
import { CODE, type Implementation, LEGACY, MODERN } from '../wire/protocol.ts'
import type { Arrival } from './arrival.ts'
import { BatchPart } from './batch-part.ts'
import { HttpExchange, sendJson } from './exchange.ts'
import { initializing } from './legacy-client.ts'
import type { ListGroup } from './list-stream.ts'
import type { LogLevels } from './log-levels.ts'
import type { ClientMessage } from './message.ts'
import type { StatusExchange } from './operations.ts'
import type { Questions } from './questions.ts'
import type { Reply } from './replies.ts'
import type { Session, Sessions } from './session.ts'
import { openStream, proceed, respond, type WireParts } from './wire.ts'

/** The only revision with batches; also what a request without a version header is taken for. */
const BATCHES = '2025-03-26'
const NO_ID = { id: undefined }
const WORDS = {
  changed: (group: ListGroup) => `{"jsonrpc":"2.0","method":"notifications/${group}/list_changed"}`,
}

/** A call in flight, as `notifications/cancelled` names it. */
interface OpenCall extends Slotted {
  readonly session: Session
  readonly message: ClientMessage
  readonly exchange: StatusExchange
}

/** Protocol 2025-03-26 to 2025-11-25 over Streamable HTTP: a handshake, and sessions that only deliver. */
export class LegacyWire {
  readonly #parts: WireParts
  readonly #sessions: Sessions
  readonly #questions: Questions
  readonly #levels: LogLevels
  readonly #us: Implementation
  /** Calls in flight by session and request id, for `notifications/cancelled`. */
  readonly #open = new Slots<OpenCall>()

  constructor(
    parts: WireParts,
    sessions: Sessions,
    questions: Questions,
    levels: LogLevels,
    us: Implementation,
  ) {
    this.#parts = parts
    this.#sessions = sessions
    this.#questions = questions
    this.#levels = levels
    this.#us = us
  }

  /** What must be known of the request's session before it is served. Throws or rejects when it cannot be. */
  learn({ headers }: Arrival['request']): Maybe<void> {
    const id = headers['mcp-session-id']
    return id === undefined ? undefined : this.#sessions.learn(id.toString())
  }

  /** Serves one message. */
  serve(arrival: Arrival, message: ClientMessage): void {
    const session = this.#session(arrival, message)
    if (session === null) return
    const { response, cors } = arrival
    if (message.id === undefined || message.method === undefined) {
      this.#notified(message, session)
      response.writeHead(202, [...cors])
      response.end()
      return
    }
    if (message.method === 'initialize') return this.#initialize(arrival, message)
    const exchange = this.#exchange(arrival, session)
    const done = (reply: Reply | undefined) => {
      if (reply === undefined) exchange.abandon()
      else {
        const headers = this.#parts.operations.challengeHeaders(reply.challenge, arrival)
        exchange.finish(reply.status, respond(message, reply), headers)
      }
    }
    const answer = () => this.#answer(arrival, message, session, exchange)
    proceed(this.#parts, arrival, message, answer, done, exchange)
  }

  /** Serves a batch: each message by itself, the answers together. */
  serveBatch(arrival: Arrival, messages: readonly (ClientMessage | string)[]): void {
    const session = this.#session(arrival, NO_ID)
    if (session === null) return
    const { replies } = this.#parts
    const { response, cors } = arrival
    const version = session?.client.protocolVersion ?? namedVersion(arrival)
    if (version !== BATCHES) {
      const wrong = replies.error(
        400,
        CODE.invalidRequest,
        `Invalid Request: ${version} has no batches`,
      )
      return sendJson(response, 400, respond(NO_ID, wrong), [...cors])
    }
    const exchange = this.#exchange(arrival, session)
    const answers = messages.map(async (message) => {
      if (typeof message === 'string') {
        const reason = `Invalid Request: ${message}`
        return respond(NO_ID, replies.error(400, CODE.invalidRequest, reason))
      }
      if (message.id === undefined || message.method === undefined) {
        this.#notified(message, session)
        return []
      }
      // One stream, one status: nothing in a batch can have its own.
      const reply = await this.#answer(arrival, message, session, new BatchPart(exchange))
      return reply === undefined ? [] : respond(message, reply)
    })
    const done = (texts: readonly string[]) => {
      if (texts.length > 0) return exchange.finish(200, `[${texts.join(',')}]`)
      if (!exchange.statusOpen) return exchange.abandon()
      exchange.drop()
      response.writeHead(202, [...cors])
      response.end()
    }
    const all = () => Promise.all(answers).then((every) => every.flat())
    proceed(this.#parts, arrival, NO_ID, all, done, exchange)
  }

  /** GET: a stream that tells of changed lists. */
  stream(arrival: Arrival): void {
    const { request, response, cors } = arrival
    if (request.headers['mcp-session-id'] === undefined) return this.none(arrival)
    const session = this.#session(arrival, NO_ID)
    if (session == null) return
    const { accept } = request.headers
    if (accept !== undefined && !/text\/(event-stream|\*)|\*\/\*/i.test(accept)) {
      const reason = 'Not Acceptable: Accept must list text/event-stream'
      const wrong = this.#parts.replies.error(406, CODE.invalidRequest, reason)
      return sendJson(response, 406, respond(NO_ID, wrong), [...cors])
    }
    const caller = this.#caller(arrival, session)
    const { groups: wanted } = this.#parts.operations
    const { id } = session
    openStream(this.#parts, arrival, NO_ID, { caller, words: WORDS, wanted, session: id })
  }

  /** DELETE: the client ends its session. */
  end(arrival: Arrival): void {
    const { request, response, cors } = arrival
    if (request.headers['mcp-session-id'] === undefined) return this.none(arrival)
    const session = this.#session(arrival, NO_ID)
    if (session == null) return
    this.#sessions.end(session)
    this.#parts.streams.endSession(session.id)
    this.#questions.endSession(session.id)
    this.#levels.forget(session)
    response.writeHead(200, [...cors])
    response.end()
  }

  /** GET or DELETE without a session: there is nothing to listen to, or to end. */
  none({ response, cors }: Arrival): void {
    response.writeHead(405, ['allow', 'POST', ...cors])
    response.end()
  }

  #answer(
    arrival: Arrival,
    message: ClientMessage,
    session: Session | undefined,
    exchange: StatusExchange,
  ): Maybe<Reply | undefined> {
    const { operations, replies } = this.#parts
    const method = message.method ?? ''
    const aimed = operations.aimed(method)
    if (aimed !== undefined) {
      const caller = this.#caller(arrival, session)
      const reply = operations.call(aimed, message, caller, exchange, session)
      if (session === undefined || !isPromise(reply)) return reply
      const open: OpenCall = { slot: -1, session, message, exchange }
      this.#open.add(open)
      const over = () => this.#open.delete(open)
      reply.then(over, over)
      return reply
    }
    switch (method) {
      case 'ping':
        return replies.result('legacy', '')
      case 'logging/setLevel':
        if (session === undefined || !this.#parts.kernel.hasServers) break
        return this.#levels.set(session, message.params.level, replies)
      case 'initialize':
        return replies.error(
          200,
          CODE.invalidRequest,
          'Invalid Request: initialize cannot be part of a batch',
        )
    }
    const caller = this.#caller(arrival, session)
    return (
      operations.list(method, message, caller, arrival.requestId, '') ??
      replies.unknownMethod(method, 'legacy')
    )
  }

  #initialize(arrival: Arrival, message: ClientMessage): void {
    const { replies, operations } = this.#parts
    const { response, cors, principal, requestId } = arrival
    const client = initializing(message)
    if (typeof client === 'string') {
      const wrong = replies.error(200, CODE.invalidParams, `Invalid params: ${client}`)
      return sendJson(response, 200, respond(message, wrong), [...cors])
    }
    const session = this.#sessions.create(principal, client)
    const answer = (instructions: string) => {
      const members = `"protocolVersion":"${client.protocolVersion}","capabilities":${operations.capabilities},"serverInfo":${JSON.stringify(this.#us)}${instructions}`
      const headers = [...cors, 'mcp-session-id', session.id]
      sendJson(response, 200, respond(message, replies.result('legacy', members)), headers)
    }
    const caller = this.#caller(arrival, session)
    proceed(this.#parts, arrival, message, () => operations.instructions(caller, requestId), answer)
  }

  #notified(message: ClientMessage, session: Session | undefined): void {
    if (session === undefined) return
    if (message.method === undefined) return this.#questions.answered(session, message)
    if (message.method !== 'notifications/cancelled') return
    const { requestId, reason } = message.params
    const { text, paramsMembers } = message
    const at = findMember(text, paramsMembers, 'requestId')
    if (at < 0) return
    const key = idKey(requestId, memberText(text, paramsMembers, at))
    const why = typeof reason === 'string' ? reason : 'the client cancelled'
    const named = this.#open.find(
      ({ session: { id }, message: { value, id: text } }) =>
        id === session.id && idKey(value.id, text) === key,
    )
    named?.exchange.cancel(why)
  }

  /** The session a request names; `null` when it was answered with 404 or 400. */
  #session(arrival: Arrival, message: Pick<ClientMessage, 'id'>): Session | undefined | null {
    const { request, response, principal, cors } = arrival
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !LEGACY.includes(version.toString().trim())) {
      const unknown = this.#parts.replies.version(version, [MODERN, ...LEGACY])
      sendJson(response, 400, respond(message, unknown), [...cors])
      return null
    }
    const id = request.headers['mcp-session-id']
    if (id === undefined) return undefined
    const session = this.#sessions.open(id.toString(), principal)
    if (session !== undefined) return session
    const reason = 'Session not found: initialize again'
    const gone = this.#parts.replies.error(404, CODE.invalidRequest, reason)
    sendJson(response, 404, respond(message, gone), [...cors])
    return null
  }

  #caller(arrival: Arrival, session: Session | undefined): Caller {
    const { principal, path } = arrival
    const { callers } = this.#parts.kernel
    if (session === undefined) {
      const version = namedVersion(arrival)
      return callers.get(principal, path, version, () => stranger(version))
    }
    return callers.get(principal, path, session.clientKey, () => session.client)
  }

  #exchange(
    { request, response, requestId, cors }: Arrival,
    session: Session | undefined,
  ): HttpExchange {
    // A legacy client that loses its connection has not cancelled: the call goes on without a reader.
    return new HttpExchange(
      request,
      response,
      this.#parts,
      'legacy',
      requestId,
      session?.id,
      cors,
      false,
    )
  }
}

/** What a call in flight is known by; a number by its source text, for those that JavaScript cannot hold. */
function idKey(id: unknown, source: string | undefined): string | undefined {
  return typeof id === 'string' ? JSON.stringify(id) : source
}

/** The revision that the request's header names. */
function namedVersion({ request: { headers } }: Arrival): string {
  return headers['mcp-protocol-version']?.toString().trim() ?? BATCHES
}

/** A client that never said who it is. */
function stranger(protocolVersion: string): Client {
  return { name: 'unknown', version: '', protocolVersion, era: 'legacy', capabilities: {} }
}
