import type { Caller, Client, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { CODE, type Implementation } from '../wire/protocol.ts'
import type { Arrival } from './arrival.ts'
import { BatchPart } from './batch-part.ts'
import { initializing } from './legacy-client.ts'
import type { ListGroup } from './list-stream.ts'
import type { LogLevels } from './log-levels.ts'
import type { ClientMessage } from './message.ts'
import type { OpenCalls } from './open-calls.ts'
import type { StatusExchange } from './operations.ts'
import type { Questions } from './questions.ts'
import type { Reply } from './replies.ts'
import type { Session } from './session.ts'
import type { SessionSubscriptions } from './session-subscriptions.ts'
import { lifetimeOf, NO_ID, openStream, proceed, respond, type WireParts } from './wire.ts'

/** The only revision with batches; also what a request without a version header is taken for. */
const BATCHES = '2025-03-26'
const WORDS = {
  changed: (group: ListGroup) => `{"jsonrpc":"2.0","method":"notifications/${group}/list_changed"}`,
  updated: (text: string) => text,
}

/** What other replicas are told of a session's client. */
export interface Elsewhere {
  /** It cancelled a call that is not here. */
  cancelled(session: Session, message: ClientMessage): void
  /** It opened a stream that tells of changes: the newest counts. */
  streaming(session: Session): void
}

/** The session that a client's `initialize` opened, and what the wire says besides. */
export interface Begun {
  readonly session: Session
  /** Flat, for wires that have some. */
  readonly headers?: readonly string[]
}

/**
 * Protocol 2024-11-05 to 2025-11-25, whatever carries it: what the messages of a client in a session mean.
 * Which session that is, the wire knows.
 */
export class LegacyEra {
  readonly #parts: WireParts
  readonly #questions: Questions
  readonly #levels: LogLevels
  readonly #subscribed: SessionSubscriptions
  readonly #us: Implementation
  readonly #open: OpenCalls
  readonly #elsewhere: Elsewhere | undefined

  constructor(
    parts: WireParts,
    questions: Questions,
    levels: LogLevels,
    subscribed: SessionSubscriptions,
    open: OpenCalls,
    us: Implementation,
    elsewhere?: Elsewhere,
  ) {
    this.#parts = parts
    this.#questions = questions
    this.#levels = levels
    this.#subscribed = subscribed
    this.#open = open
    this.#us = us
    this.#elsewhere = elsewhere
  }

  /**
   * Serves one message.
   * @param session `undefined` for a client that has none
   * @param begin opens the session that an `initialize` asks for
   */
  serve(
    arrival: Arrival,
    message: ClientMessage,
    session: Session | undefined,
    begin: (client: Client) => Begun,
  ): void {
    if (message.id === undefined || message.method === undefined) {
      this.#notified(message, session)
      return arrival.accept()
    }
    if (message.method === 'initialize') return this.#initialize(arrival, message, begin)
    const exchange = arrival.exchange('legacy', session)
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
  serveBatch(
    arrival: Arrival,
    messages: readonly (ClientMessage | string)[],
    session: Session | undefined,
  ): void {
    const { replies } = this.#parts
    const version = session?.client.protocolVersion ?? namedVersion(arrival)
    if (version !== BATCHES) {
      const reason = `Invalid Request: ${version} has no batches`
      const wrong = replies.error(400, CODE.invalidRequest, reason)
      return arrival.send(400, respond(NO_ID, wrong))
    }
    const exchange = arrival.exchange('legacy', session)
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
      arrival.accept()
    }
    const all = () => Promise.all(answers).then((every) => every.flat())
    proceed(this.#parts, arrival, NO_ID, all, done, exchange)
  }

  /**
   * Opens the stream that tells a session of changed lists.
   * @param alive whether the session is: asked with every sign of life
   */
  stream(arrival: Arrival, session: Session, alive: () => boolean): void {
    const caller = this.#caller(arrival, session)
    const { groups: wanted } = this.#parts.operations
    const updates = this.#subscribed.of(session)
    const order = { caller, words: WORDS, wanted, session, alive, updates }
    openStream(this.#parts, arrival, NO_ID, order)
    this.#elsewhere?.streaming(session)
  }

  /** A client came back to the stream that tells its session of changed lists. */
  resumed(arrival: Pick<Arrival, 'principal' | 'path' | 'until'>, session: Session): void {
    const { streams, now } = this.#parts
    streams.of(session.nonce)?.renew(this.#caller(arrival, session), lifetimeOf(arrival, now))
  }

  /** A session is over, and with it all that its client waits for or could come back to. */
  ended(nonce: string): void {
    const { streams, resumables } = this.#parts
    this.#open.endSession(nonce)
    this.#questions.endSession(nonce)
    streams.endSession(nonce)
    resumables.endSession(nonce)
    this.#subscribed.ended(nonce)
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
      const open = this.#open.begin(session, message, exchange)
      const over = () => this.#open.over(open)
      reply.then(over, over)
      return reply
    }
    switch (method) {
      case 'ping':
        return replies.result('legacy', '')
      case 'logging/setLevel':
        if (session === undefined || !this.#parts.kernel.hasServers) break
        return this.#levels.set(session, message.params.level, replies)
      case 'resources/subscribe':
      case 'resources/unsubscribe': {
        if (session === undefined || !this.#parts.kernel.hasServers) break
        const caller = this.#caller(arrival, session)
        return this.#subscribed.answer(method, message, session, caller, arrival.requestId)
      }
      case 'initialize':
        return replies.error(
          200,
          CODE.invalidRequest,
          'Invalid Request: initialize cannot be part of a batch',
        )
    }
    const caller = this.#caller(arrival, session)
    return (
      operations.lists.answer(method, message, caller, arrival.requestId) ??
      replies.unknownMethod(method, 'legacy')
    )
  }

  #initialize(arrival: Arrival, message: ClientMessage, begin: (client: Client) => Begun): void {
    const { replies, operations } = this.#parts
    const client = initializing(message)
    if (typeof client === 'string') {
      const wrong = replies.error(200, CODE.invalidParams, `Invalid params: ${client}`)
      return arrival.send(200, respond(message, wrong))
    }
    const { session, headers } = begin(client)
    const answer = (instructions: string) => {
      const members = `"protocolVersion":"${client.protocolVersion}","capabilities":${operations.capabilities},"serverInfo":${JSON.stringify(this.#us)}${instructions}`
      arrival.send(200, respond(message, replies.result('legacy', members)), headers)
    }
    const caller = this.#caller(arrival, session)
    const said = () => operations.instructions(caller, arrival.requestId)
    proceed(this.#parts, arrival, message, said, answer)
  }

  #notified(message: ClientMessage, session: Session | undefined): void {
    if (session === undefined) return
    if (message.method === undefined) return this.#questions.answered(session, message)
    if (message.method !== 'notifications/cancelled') return
    if (!this.#open.cancel(session, message)) this.#elsewhere?.cancelled(session, message)
  }

  #caller(
    arrival: Pick<Arrival, 'principal' | 'path'> & Partial<Pick<Arrival, 'mirrors'>>,
    session: Session | undefined,
  ): Caller {
    const { principal, path } = arrival
    const { callers } = this.#parts.kernel
    if (session === undefined) {
      const version = namedVersion(arrival)
      return callers.get(principal, path, version, () => stranger(version))
    }
    return callers.get(principal, path, session.clientKey, () => session.client)
  }
}

/** The revision that the request's header names. */
function namedVersion({ mirrors }: Partial<Pick<Arrival, 'mirrors'>>): string {
  return mirrors?.['mcp-protocol-version']?.toString().trim() ?? BATCHES
}

/** A client that never said who it is. */
function stranger(protocolVersion: string): Client {
  return { name: 'unknown', version: '', protocolVersion, era: 'legacy', capabilities: {} }
}
