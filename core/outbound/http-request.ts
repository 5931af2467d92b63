import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { HttpExchange, HttpReader } from './http-pool.ts'
import type { Lost, Message, ServerFacts, Ticket, Waiter } from './link.ts'
import {
  broken,
  isQuestion,
  isResponse,
  readMessage,
  refusal,
  respond,
  writeNotification,
} from './message.ts'
import { type AnswerHeaders, isForeign, isSessionLost, refusedBy } from './refused-status.ts'
import { UPDATED } from './resource-updates.ts'
import { type Resumable, Resumption } from './resumption.ts'

/** A server that leaves its stream open behind the answer does not keep the connection longer than this. */
const LINGER = 5_000

/** What a request needs of its link. */
export interface RequestOwner {
  readonly facts: ServerFacts
  readonly wheel: Wheel
  /** What it asks. */
  readonly url: URL
  /** Tells the server something that has no answer. @param headers of the request that it is about */
  notify(body: string, headers: string[]): void
  /** Asks the server for what comes behind that event of a stream. @param headers of the POST that it is about */
  resume(reader: HttpReader, lastEventId: string, headers: readonly string[]): HttpExchange
  /** The request was cancelled. */
  cancelled(id: number): void
  /** The request is over. */
  forget(request: HttpRequest): void
  /** What the server said to nobody's request, wherever it said it. */
  said(message: Message): void
}

/** One POST with a request in it, and its answer. */
export class HttpRequest implements HttpReader, Ticket, Alarm, Resumable {
  deadline = 0
  /** In the link's requests while it is open, on the wheel while its stream lingers. */
  slot = -1
  exchange: HttpExchange | undefined
  readonly #id: number
  readonly #link: RequestOwner
  /** Without what only a modern request has. */
  readonly #headers: string[]
  readonly #inSession: boolean
  #waiter: Waiter
  #status = 0
  #streams = false
  #received: AnswerHeaders = {}
  #refusal: string | undefined
  #over = false
  #resumption: Resumption | undefined
  /** Whether the server has been asked to go on. */
  #resumed = false

  constructor(
    id: number,
    link: RequestOwner,
    waiter: Waiter,
    headers: string[],
    inSession: boolean,
  ) {
    this.#id = id
    this.#link = link
    this.#waiter = waiter
    this.#headers = headers
    this.#inSession = inSession
  }

  started(status: number, headers: AnswerHeaders): void {
    this.#status = status
    this.#received = headers
    this.#streams = String(headers['content-type']).startsWith('text/event-stream')
  }

  data(text: string): void {
    if (this.#over) return
    if (this.#status >= 300) {
      this.#refusal = text
      return
    }
    const message = readMessage(text)
    if (message === undefined) {
      this.drop(broken('the upstream sent something that is not JSON-RPC'))
      return
    }
    if (isResponse(message)) this.#answered(message)
    else if (message.value.method === UPDATED) this.#link.said(message)
    else this.take(message)
  }

  ended(): void {
    if (this.#over) {
      this.#link.wheel.remove(this)
      return
    }
    if (this.#status < 300) {
      if (!this.#interrupted()) {
        this.drop(broken('the upstream closed the answer before its end'))
      }
      return
    }
    if (this.#resumed) {
      // Where it was asked first it was accepted: whatever this says, it may have been done.
      if (this.#status >= 500 && this.#interrupted()) return
      this.drop(broken(`the upstream answered HTTP ${this.#status} when it was asked to go on`))
      return
    }
    const message = this.#refusal === undefined ? undefined : readMessage(this.#refusal)
    const auth = this.#status === 401 || this.#status === 403
    if (this.#inSession && isSessionLost(this.#status, this.#refusal)) {
      const httpStatus = this.#status
      this.drop({
        message: 'the session is gone',
        executed: false,
        sessionLost: true,
        httpStatus,
      })
      return
    }
    if (this.#link.facts.era === 'modern' && isForeign(this.#status, message)) {
      const said = 'the server no longer understands 2026-07-28'
      this.drop({ message: said, executed: false, sessionLost: true, httpStatus: this.#status })
      return
    }
    if (!auth && this.#status < 500 && message !== undefined && isResponse(message)) {
      this.#answered(message)
      return
    }
    this.drop(refusedBy(this.#status, this.#received, this.#link.url))
  }

  failed(why: Lost): void {
    if (this.#over) this.#link.wheel.remove(this)
    else if (this.#status === 0 && !this.#resumed) this.drop(why)
    else if (why.final === true || !this.#interrupted()) this.drop({ ...why, executed: 'unknown' })
  }

  marked(id: string): void {
    this.#taking().marked(id)
  }

  retryAfter(ms: number): void {
    this.#taking().retryAfter(ms)
  }

  resume(lastEventId: string): void {
    this.#resumed = true
    this.#status = 0
    this.#refusal = undefined
    this.exchange = this.#link.resume(this, lastEventId, this.#headers)
  }

  #taking(): Resumption {
    this.#resumption ??= new Resumption(this.#link.wheel, this)
    return this.#resumption
  }

  /** Whether the answer, which broke off, is to go on. In 2026-07-28 none does. */
  #interrupted(): boolean {
    return this.#link.facts.era === 'legacy' && this.#resumption?.begin() === true
  }

  ring(): void {
    this.exchange?.abort()
  }

  cancel(reason: string): void {
    if (this.#over) return
    this.#end()
    this.#link.cancelled(this.#id)
    // A modern server sees the closed stream; a legacy one takes that for a lost connection.
    if (this.#link.facts.era === 'legacy') {
      this.#link.notify(
        writeNotification('notifications/cancelled', { requestId: this.#id, reason }),
        this.#headers,
      )
    }
    this.exchange?.abort()
  }

  /** Takes what the server said of no request, while this is the only one. */
  take(message: Message): void {
    if (message.value.id === undefined) this.#waiter.notified(message)
    else this.#asked(message)
  }

  handOver(waiter: Waiter): void {
    this.#waiter = waiter
  }

  /** Ends the request without an answer. */
  drop(why: Lost): void {
    if (this.#over) return
    this.#end()
    this.exchange?.abort()
    this.#waiter.lost(why)
  }

  #answered(message: Message): void {
    // An error may come without an id when the server could not read ours.
    if (message.value.id !== this.#id && !(this.#status >= 300 && message.value.id == null)) {
      this.drop(broken('the upstream answered another request'))
      return
    }
    this.#end()
    if (this.#streams) {
      this.deadline = this.#link.wheel.now() + LINGER
      this.#link.wheel.add(this)
    }
    this.#waiter.answered(message)
  }

  #asked(message: Message): void {
    const say = (body: string) => this.#link.notify(body, this.#headers)
    // In 2026-07-28 a server asks by its result.
    if (this.#link.facts.era === 'modern' || !isQuestion(message)) say(refusal(message))
    else this.#waiter.asked(message, (members) => say(respond(message, members)))
  }

  #end(): void {
    this.#over = true
    this.#resumption?.stop()
    this.#link.forget(this)
  }
}
