import type { Implementation } from '../wire/protocol.ts'
import { initialized, initializeRequest } from './handshake.ts'
import {
  ConnectError,
  type Link,
  type Lost,
  type Message,
  type Outgoing,
  type ServerFacts,
  type Ticket,
  type Waiter,
} from './link.ts'
import { listenParams, tellsOfLists } from './listening.ts'
import { CLOSED, lostSoon } from './lost.ts'
import {
  broken,
  envelope,
  isResponse,
  readMessage,
  refusal,
  writeNotification,
  writeRequest,
} from './message.ts'

/** Cancelled calls that are told apart; with more, whose a log message is stays unknown. */
const MOST_STRAYS = 1_000

/** What one message on a pipe belongs to. */
export interface PipeRequest {
  readonly id: number
  /** Credentials and forwarded headers, where the pipe has headers. */
  readonly headers: Outgoing['headers']
}

/** A server on one pipe that all its calls share: it says by ids and progress tokens which one it means. */
export abstract class PipeLink implements Link {
  abstract readonly transport: Link['transport']
  facts: ServerFacts = {
    era: 'legacy',
    protocolVersion: '',
    capabilities: {},
    instructions: '',
    found: '',
  }
  onEnd: (why: Lost) => void = () => {}
  protected readonly us: Implementation
  readonly #waiting = new Map<number, Waiter>()
  /** Cancelled calls that the server has not answered: it may still be at them. */
  readonly #strays = new Set<number>()
  #nextId = 1
  #envelope = ''
  #changed: (() => void) | undefined
  /** The id of a modern server's listen request, which is no call. */
  #listening: number | undefined
  #retired = false
  /** Why nothing can be sent any more. */
  #over: Lost | undefined

  constructor(us: Implementation) {
    this.us = us
  }

  /** Sends one message. @param request set when it is a request, which {@link undelivered} can be told of */
  protected abstract write(message: string, request?: PipeRequest): void

  /** Ends the pipe itself. */
  protected abstract hangUp(): Promise<void>

  get open(): number {
    return this.#waiting.size - (this.#listening === undefined ? 0 : 1)
  }

  send(request: Outgoing, waiter: Waiter): Ticket {
    const id = this.#nextId++
    if (this.#over !== undefined) return lostSoon(waiter, this.#over)
    this.#waiting.set(id, waiter)
    this.write(writeRequest(id, request, this.#envelope), { id, headers: request.headers })
    return {
      cancel: (reason) => {
        if (!this.#waiting.delete(id)) return
        if (this.#strays.size < MOST_STRAYS) this.#strays.add(id)
        this.write(writeNotification('notifications/cancelled', { requestId: id, reason }))
        this.#finished()
      },
    }
  }

  listen(changed: () => void): void {
    this.#changed = changed
    const params = listenParams(this.facts)
    if (this.facts.era !== 'modern' || params === undefined || this.#listening !== undefined) return
    const over = () => {
      this.#listening = undefined
    }
    const id = this.#nextId
    this.send(
      { method: 'subscriptions/listen', params, meta: '', progress: false },
      { answered: over, notified() {}, lost: over },
    )
    if (this.#waiting.has(id)) this.#listening = id
  }

  retire(): void {
    this.#retired = true
    this.#finished()
  }

  async close(): Promise<void> {
    this.onEnd = () => {}
    this.#over ??= CLOSED
    this.#lose(broken('the gateway closed the connection'))
    await this.hangUp()
  }

  /** The handshake of the revisions until 2025-11-25. @param found how it was found that it is the one to use */
  protected shakeHands(found: string): Promise<ServerFacts> {
    return new Promise((resolve, reject) => {
      this.send(initializeRequest(this.us), {
        answered: (message) => {
          try {
            resolve(initialized(message, found))
          } catch (error) {
            reject(error)
          }
        },
        notified() {},
        lost: (why) => reject(new ConnectError(why.message, why)),
      })
    })
  }

  /** The server has said who it is. */
  protected met(facts: ServerFacts): void {
    this.facts = facts
    if (facts.era === 'modern') this.#envelope = envelope(this.us)
    else this.write(writeNotification('notifications/initialized'))
  }

  /** Takes one message of the server's. Some print other things there by mistake: these are passed over. */
  protected take(text: string): void {
    const message = readMessage(text)
    if (message === undefined) return
    const { id } = message.value
    if (isResponse(message)) {
      const waiter = this.#waiting.get(id as number)
      this.#waiting.delete(id as number)
      if (this.#strays.size > 0 && this.#strays.size < MOST_STRAYS)
        this.#strays.delete(id as number)
      waiter?.answered(message)
      this.#finished()
    } else if (id === undefined) this.#notified(message)
    else this.write(refusal(message))
  }

  /** The pipe could not carry one request. */
  protected undelivered(id: number, why: Lost): void {
    const waiter = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiter?.lost(why)
    this.#finished()
  }

  /** The pipe ended by itself. @param now why what is sent from now on is lost */
  protected end(why: Lost, now: Lost): void {
    if (this.#over !== undefined) return
    this.#over = now
    this.#lose(why)
    this.onEnd(why)
  }

  /** A request is over: a retired link waits for nothing else. */
  #finished(): void {
    if (this.#retired && this.open === 0) void this.close()
  }

  #notified(message: Message): void {
    if (tellsOfLists(message.value.method)) {
      this.#changed?.()
      return
    }
    const isLog = message.value.method === 'notifications/message'
    if (isLog && this.open === 1 && this.#strays.size === 0) {
      // Whose it is can be known only while there is no other, not even one that was cancelled.
      for (const [id, waiter] of this.#waiting) if (id !== this.#listening) waiter.notified(message)
      return
    }
    const params = message.value.params as { progressToken?: unknown } | undefined
    this.#waiting.get(params?.progressToken as number)?.notified(message)
  }

  #lose(why: Lost): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiter of waiting) waiter.lost(why)
  }
}
