import type { Caller, Client, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../kernel/hooks.ts'
import { isObject } from '../kernel/json.ts'
import { CODE, type Implementation, LEGACY, NEWEST_LEGACY } from '../kernel/protocol.ts'
import type { Arrival } from './arrival.ts'
import { HttpExchange, sendJson } from './exchange.ts'
import type { ClientMessage } from './message.ts'
import type { StatusExchange } from './operations.ts'
import type { Reply } from './replies.ts'
import type { Session, Sessions } from './session.ts'
import { openStream, proceed, respond, type WireParts } from './wire.ts'

/** The only revision with batches; also what a request without a version header is taken for. */
const BATCHES = '2025-03-26'
const CHANGED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'

/** A client that never said who it is. */
const STRANGER: Client = {
  name: 'unknown',
  version: '',
  protocolVersion: BATCHES,
  era: 'legacy',
  capabilities: {},
}

/** Protocol 2025-03-26 to 2025-11-25 over Streamable HTTP: a handshake, and sessions that only deliver. */
export class LegacyWire {
  readonly #parts: WireParts
  readonly #sessions: Sessions
  readonly #us: Implementation
  /** Calls in flight by session and request id, for `notifications/cancelled`. */
  readonly #open = new Map<string, StatusExchange>()

  constructor(parts: WireParts, sessions: Sessions, us: Implementation) {
    this.#parts = parts
    this.#sessions = sessions
    this.#us = us
  }

  /** Serves one message. */
  serve(arrival: Arrival, message: ClientMessage): void {
    const session = this.#session(arrival)
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
    proceed(this.#parts, arrival, message, this.#answer(arrival, message, session, exchange), done)
  }

  /** Serves a batch: each message by itself, the answers together. */
  async serveBatch(arrival: Arrival, messages: readonly (ClientMessage | string)[]): Promise<void> {
    const session = this.#session(arrival)
    if (session === null) return
    const { replies } = this.#parts
    const { response, cors, request } = arrival
    const version =
      session?.client.protocolVersion ?? request.headers['mcp-protocol-version'] ?? BATCHES
    if (version !== BATCHES) {
      const wrong = replies.error(
        400,
        CODE.invalidRequest,
        `Invalid Request: ${version} has no batches`,
      )
      return sendJson(response, 400, respond({ id: undefined }, wrong), [...cors])
    }
    const exchange = this.#exchange(arrival, session)
    const answers = await Promise.all(
      messages.map(async (message) => {
        if (typeof message === 'string') {
          return respond(
            { id: undefined },
            replies.error(400, CODE.invalidRequest, `Invalid Request: ${message}`),
          )
        }
        if (message.id === undefined || message.method === undefined) {
          this.#notified(message, session)
          return []
        }
        // One stream, one status: nothing in a batch can have its own.
        const reply = await this.#answer(arrival, message, session, new BatchPart(exchange))
        return reply === undefined ? [] : respond(message, reply)
      }),
    )
    const texts = answers.flat()
    if (texts.length > 0) return exchange.finish(200, `[${texts.join(',')}]`)
    exchange.finish(202, '')
  }

  /** GET: a stream that tells of changed lists. */
  stream(arrival: Arrival): void {
    const { request, response, cors } = arrival
    if (request.headers['mcp-session-id'] === undefined) {
      response.writeHead(405, ['allow', 'POST', ...cors])
      response.end()
      return
    }
    const session = this.#session(arrival)
    if (session == null) return
    openStream(this.#parts, arrival, this.#caller(arrival, session), { changed: CHANGED }, true)
  }

  /** DELETE: the client ends its session. */
  end(arrival: Arrival): void {
    const { request, response, cors } = arrival
    const session =
      request.headers['mcp-session-id'] === undefined ? undefined : this.#session(arrival)
    if (session === null) return
    if (session === undefined) response.writeHead(405, ['allow', 'POST', ...cors])
    else {
      this.#sessions.end(session)
      response.writeHead(200, [...cors])
    }
    response.end()
  }

  #answer(
    arrival: Arrival,
    message: ClientMessage,
    session: Session | undefined,
    exchange: StatusExchange,
  ): Maybe<Reply | undefined> {
    const { operations, replies } = this.#parts
    switch (message.method) {
      case 'tools/call': {
        const caller = this.#caller(arrival, session)
        if (session === undefined) return operations.callTool(message, caller, exchange)
        const key = `${session.id} ${message.id}`
        this.#open.set(key, exchange)
        const reply = operations.callTool(message, caller, exchange)
        if (isPromise(reply)) return reply.finally(() => this.#open.delete(key))
        this.#open.delete(key)
        return reply
      }
      case 'tools/list':
        return operations.listTools(message, this.#caller(arrival, session), arrival.requestId, '')
      case 'ping':
        return replies.result('legacy', '')
      case 'initialize':
        return replies.error(
          200,
          CODE.invalidRequest,
          'Invalid Request: initialize cannot be part of a batch',
        )
      default:
        return replies.unknownMethod(message.method ?? '', 'legacy')
    }
  }

  #initialize(arrival: Arrival, message: ClientMessage): void {
    const { replies } = this.#parts
    const { protocolVersion, capabilities, clientInfo } = message.params
    if (
      typeof protocolVersion !== 'string' ||
      (capabilities !== undefined && !isObject(capabilities))
    ) {
      const reason =
        'Invalid params: `protocolVersion` must be a string and `capabilities` an object'
      const wrong = replies.error(200, CODE.invalidParams, reason)
      return sendJson(arrival.response, 200, respond(message, wrong), [...arrival.cors])
    }
    const version = LEGACY.includes(protocolVersion) ? protocolVersion : NEWEST_LEGACY
    const info = isObject(clientInfo) ? clientInfo : {}
    const client: Client = {
      name: typeof info.name === 'string' ? info.name : 'unknown',
      version: typeof info.version === 'string' ? info.version : '',
      protocolVersion: version,
      era: 'legacy',
      capabilities: capabilities ?? {},
    }
    const session = this.#sessions.create(arrival.principal, client)
    const members = `"protocolVersion":"${version}","capabilities":{"tools":{"listChanged":true}},"serverInfo":${JSON.stringify(this.#us)}`
    const reply = replies.result('legacy', members)
    const headers = [...arrival.cors, 'mcp-session-id', session.id]
    sendJson(arrival.response, 200, respond(message, reply), headers)
  }

  #notified(message: ClientMessage, session: Session | undefined): void {
    if (message.method !== 'notifications/cancelled' || session === undefined) return
    const { requestId, reason } = message.params
    const exchange = this.#open.get(`${session.id} ${JSON.stringify(requestId)}`)
    exchange?.round?.cancel(typeof reason === 'string' ? reason : 'the client cancelled')
  }

  /** The session a request names; `null` when it was answered with 404 or 400. */
  #session(arrival: Arrival): Session | undefined | null {
    const { request, response, principal, cors } = arrival
    const version = request.headers['mcp-protocol-version']
    if (version !== undefined && !LEGACY.includes(version.toString().trim())) {
      sendJson(response, 400, respond({ id: undefined }, this.#parts.replies.version(version)), [
        ...cors,
      ])
      return null
    }
    const id = request.headers['mcp-session-id']
    if (id === undefined) return undefined
    const session = this.#sessions.open(id.toString(), principal)
    if (session !== undefined) return session
    const reason = 'Session not found: initialize again'
    const gone = this.#parts.replies.error(404, CODE.invalidRequest, reason)
    sendJson(response, 404, respond({ id: undefined }, gone), [...cors])
    return null
  }

  #caller({ principal, path }: Arrival, session: Session | undefined): Caller {
    const { callers } = this.#parts.kernel
    if (session === undefined) return callers.get(principal, path, '', () => STRANGER)
    return callers.get(principal, path, session.clientKey, () => session.client)
  }

  #exchange(
    { request, response, requestId, cors }: Arrival,
    session: Session | undefined,
  ): HttpExchange {
    // A legacy client that loses its connection has not cancelled: the call goes on without a reader.
    return new HttpExchange(request, response, this.#parts, 'legacy', requestId, session?.id, cors)
  }
}

/** One message of a batch: its own call on the batch's stream. */
class BatchPart implements StatusExchange {
  readonly statusOpen = false
  round: StatusExchange['round']
  readonly #whole: HttpExchange

  constructor(whole: HttpExchange) {
    this.#whole = whole
  }

  get wire(): string {
    return this.#whole.wire
  }

  get requestId(): string {
    return this.#whole.requestId
  }

  get sessionId(): string | undefined {
    return this.#whole.sessionId
  }

  get headers(): HttpExchange['headers'] {
    return this.#whole.headers
  }

  message(text: string): void {
    this.#whole.message(text)
  }
}
