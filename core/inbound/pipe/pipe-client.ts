import { type Authenticated, type AuthRequest, deny } from '../../../sdk/index.ts'
import { Slots } from '../../hooks/slots.ts'
import { CODE, META, MODERN } from '../../wire/protocol.ts'
import type { InFlight } from '../in-flight.ts'
import type { LegacyEra } from '../legacy-era.ts'
import type { ClientMessage, ParsedBody } from '../message.ts'
import type { ModernEra } from '../modern.ts'
import type { OpenCalls } from '../open-calls.ts'
import type { Questions } from '../questions.ts'
import type { Replies, Reply } from '../replies.ts'
import { NO_ID, respond } from '../wire.ts'
import type { Pipe } from './pipe.ts'
import { PipeArrival } from './pipe-arrival.ts'
import type { PipeExchange, PipeExchangeHost } from './pipe-exchange.ts'
import type { PipeSession } from './pipe-session.ts'

/** Requests of one client that are being answered at once. */
const MOST_OPEN = 1_000

/** What clients on pipes share. */
export interface PipeHost {
  readonly legacy: LegacyEra
  /** Absent where the wire knows sessions only. */
  readonly modern?: ModernEra
  readonly calls: OpenCalls
  readonly replies: Replies
  readonly inFlight: InFlight
  readonly questions: Questions
}

/** The client at the other end of a pipe: what it sends is served by its era, with the pipe's one session. */
export class PipeClient {
  readonly session: PipeSession
  readonly #host: PipeHost
  readonly #shared: PipeExchangeHost
  readonly #open = new Slots<PipeExchange>()
  #streaming = false

  constructor(host: PipeHost, pipe: Pipe, session: PipeSession) {
    const { inFlight, calls } = host
    this.session = session
    this.#host = host
    const drains = new Set<() => void>()
    this.#shared = { pipe, session, inFlight, calls, drains, open: this.#open }
  }

  /** Serves what came. @param who who sent this, as it was just found out */
  serve(body: ParsedBody, auth: AuthRequest, who: Authenticated): void {
    if (body.kind === 'one') this.#one(body.message, auth, who)
    else if (body.kind === 'batch') this.#batch(body.messages, auth, who)
    else this.refuse(this.wrong(body), NO_ID)
  }

  /** What is wrong with a body that holds no message. */
  wrong({
    kind,
    reason,
  }: {
    readonly kind: 'malformed' | 'invalid'
    readonly reason: string
  }): Reply {
    const { replies } = this.#host
    return kind === 'malformed'
      ? replies.error(400, CODE.parse, `Parse error: ${reason}`)
      : replies.error(400, CODE.invalidRequest, `Invalid Request: ${reason}`)
  }

  /** Answers one message with a refusal. */
  refuse(reply: Reply, message: Pick<ClientMessage, 'id'>): void {
    this.#shared.pipe.write(respond(message, reply))
  }

  /** The client has read all there was, after it did not keep up. */
  drained(): void {
    for (const told of this.#shared.drains) told()
  }

  /** It sends nothing more: what it was asked stays without an answer. */
  silent(): void {
    this.#host.questions.endSession(this.session.nonce)
  }

  /** The pipe is no more: what nobody can be told is cancelled. */
  gone(): void {
    for (const exchange of this.#open.all()) exchange.cancel('the client went away')
    this.#host.legacy.ended(this.session.nonce)
  }

  #one(message: ClientMessage, auth: AuthRequest, who: Authenticated): void {
    const { legacy, modern, calls, replies } = this.#host
    const { session } = this
    const { method } = message
    if (message.id !== undefined && method !== undefined && this.#open.size >= MOST_OPEN) {
      const hint = 'Wait for answers before you send more.'
      const why = deny('RATE_LIMITED', `${MOST_OPEN} requests of yours are open`, { hint })
      return this.refuse(replies.door(why, auth.requestId), message)
    }
    const arrival = new PipeArrival(this.#shared, auth, who, message)
    if (modern !== undefined && isModern(message)) {
      if (method === 'notifications/cancelled') calls.cancel(session, message)
      return modern.serve(arrival, message)
    }
    if (method === 'initialize' && session.begun) {
      const reason = 'Invalid Request: this connection is initialized already'
      return this.refuse(replies.error(400, CODE.invalidRequest, reason), message)
    }
    legacy.serve(arrival, message, session, (client) => {
      session.begin(client)
      return { session }
    })
    if (method !== 'notifications/initialized' || this.#streaming) return
    this.#streaming = true
    // It tells of changes as long as the pipe is there: who may listen is asked with every request.
    const { principal } = who
    const stream = new PipeArrival(this.#shared, auth, { principal }, undefined)
    legacy.stream(stream, session, () => !this.#shared.pipe.gone)
  }

  #batch(
    messages: readonly (ClientMessage | string)[],
    auth: AuthRequest,
    who: Authenticated,
  ): void {
    const { legacy, modern, replies } = this.#host
    if (modern !== undefined && messages.some(isModern)) {
      const reason = `Invalid Request: ${MODERN} has no batches`
      return this.refuse(replies.error(400, CODE.invalidRequest, reason), NO_ID)
    }
    legacy.serveBatch(new PipeArrival(this.#shared, auth, who, undefined), messages, this.session)
  }
}

function isModern(message: ClientMessage | string): boolean {
  return typeof message !== 'string' && message.meta[META.version] !== undefined
}
