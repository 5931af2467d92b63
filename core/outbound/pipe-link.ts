import type { Wheel } from '../hooks/wheel.ts'
import { isObject } from '../wire/json.ts'
import { type Implementation, META } from '../wire/protocol.ts'
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
import { ACKNOWLEDGED, ListenedUpdates, type ListenReader } from './listened-updates.ts'
import { listenParams, tellsOfLists } from './listening.ts'
import { CLOSED, lostSoon } from './lost.ts'
import {
  broken,
  DEAF,
  envelope,
  isQuestion,
  isResponse,
  readMessage,
  refusal,
  respond,
  writeNotification,
  writeRequest,
} from './message.ts'
import { OpenRequests, PipeRequest, type RequestOwner } from './pipe-request.ts'
import { RequestedUpdates, type ResourceUpdates, updatedUri } from './resource-updates.ts'
import { Strays } from './strays.ts'

/** A server on one pipe that all its calls share: it says by ids and progress tokens which one it means. */
export abstract class PipeLink implements Link, RequestOwner {
  abstract readonly transport: Link['transport']
  facts: ServerFacts = {
    era: 'legacy',
    protocolVersion: '',
    capabilities: {},
    instructions: '',
    found: '',
  }
  onEnd: (why: Lost) => void = () => {}
  onUpdated: (message: Message) => void = () => {}
  onMuted: (uris: readonly string[]) => void = () => {}
  protected readonly us: Implementation
  readonly #requests = new OpenRequests()
  readonly #strays: Strays
  readonly #wheel: Wheel
  #envelope = ''
  #changed: (() => void) | undefined
  /** Whether a modern server has been asked to tell of lists. */
  #listening = false
  #updates: ResourceUpdates | undefined
  #retired = false
  /** Why nothing can be sent any more. */
  #over: Lost | undefined

  constructor(us: Implementation, wheel: Wheel) {
    this.us = us
    this.#wheel = wheel
    this.#strays = new Strays(() => wheel.now())
  }

  /** Sends one message. @param request set when it is a request, which {@link undelivered} can be told of */
  protected abstract write(message: string, request?: PipeRequest): void

  /** Ends the pipe itself. */
  protected abstract hangUp(): Promise<void>

  get open(): number {
    return this.#requests.calls
  }

  get subscriptions(): number {
    return this.#updates?.size ?? 0
  }

  send(request: Outgoing, waiter: Waiter): Ticket {
    if (this.#over !== undefined) return lostSoon(waiter, this.#over)
    return this.#send(request, waiter)
  }

  #send(request: Outgoing, waiter: Waiter, reader?: ListenReader): PipeRequest {
    const sent = new PipeRequest(this, waiter, request.headers, reader)
    this.#requests.add(sent)
    this.write(writeRequest(sent.id, request, this.#envelope), sent)
    return sent
  }

  cancel(request: PipeRequest, reason: string): void {
    if (!this.#requests.delete(request)) return
    const { id, reader } = request
    this.write(writeNotification('notifications/cancelled', { requestId: id, reason }))
    // When a server is through with a listen request nobody needs to know.
    if (reader !== undefined) return
    this.#strays.add(id)
    this.#finished()
  }

  listen(changed: () => void): void {
    this.#changed = changed
    const params = listenParams(this.facts)
    if (this.facts.era !== 'modern' || params === undefined || this.#listening) return
    this.#listening = true
    this.#listenTo(params, undefined, {
      said() {},
      over: () => {
        this.#listening = false
      },
    })
  }

  subscribe(uri: string, headers?: Readonly<Record<string, string>>): Promise<void> {
    this.#updates ??=
      this.facts.era === 'legacy'
        ? new RequestedUpdates((request, waiter) => this.send(request, waiter), this.#wheel)
        : new ListenedUpdates(
            (params, wanted, reader) => this.#listenTo(params, wanted, reader),
            (message) => this.#notified(message),
            (uris) => this.onMuted(uris),
          )
    return this.#updates.subscribe(uri, headers)
  }

  unsubscribe(uri: string): void {
    this.#updates?.unsubscribe(uri)
  }

  retire(): void {
    this.#retired = true
    this.#mute()
    this.#finished()
  }

  async close(): Promise<void> {
    this.onEnd = () => {}
    this.#over ??= CLOSED
    this.#mute()
    this.#lose(broken('the gateway closed the connection'))
    await this.hangUp()
  }

  /**
   * The handshake of the revisions until 2025-11-25.
   * @param capabilities what those it serves can be asked, as JSON
   * @param found how it was found that it is the one to use
   */
  protected shakeHands(capabilities: string, found: string): Promise<ServerFacts> {
    return new Promise((resolve, reject) => {
      this.send(initializeRequest(this.us, capabilities), {
        answered: (message) => {
          try {
            resolve(initialized(message, found))
          } catch (error) {
            reject(error)
          }
        },
        ...DEAF,
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
      const request = this.#requests.get(id)
      this.#strays.answered(id)
      if (request !== undefined) {
        this.#requests.delete(request)
        request.waiter.answered(message)
      }
      this.#finished()
    } else if (id === undefined) this.#notified(message)
    else this.#asked(message)
  }

  #asked(message: Message): void {
    const waiter = this.#only()
    if (waiter === undefined || this.facts.era === 'modern' || !isQuestion(message)) {
      this.write(refusal(message))
    } else waiter.asked(message, (members) => this.write(respond(message, members)))
  }

  /** The one call that is open: whose a message is can be known only while there is no other, not even a cancelled one. */
  #only(): Waiter | undefined {
    if (this.open !== 1 || this.#strays.some) return undefined
    return this.#requests.all().find(({ reader }) => reader === undefined)?.waiter
  }

  /** The pipe could not carry one request. */
  protected undelivered(request: PipeRequest, why: Lost): void {
    if (this.#requests.delete(request)) request.waiter.lost(why)
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
    if (updatedUri(message) !== undefined) {
      this.onUpdated(message)
      return
    }
    if (this.#acknowledged(message)) return
    const only = message.value.method === 'notifications/message' ? this.#only() : undefined
    if (only !== undefined) return only.notified(message)
    const params = message.value.params as { progressToken?: unknown } | undefined
    this.#requests.get(params?.progressToken)?.waiter.notified(message)
  }

  /** Sends a modern server's listen request. @returns what ends it */
  #listenTo(params: string, headers: Outgoing['headers'], reader: ListenReader): () => void {
    const waiter: Waiter = {
      answered: (answer) => reader.over('the server ended the stream', answer),
      ...DEAF,
      lost: ({ message }) => reader.over(message),
    }
    const request = { method: 'subscriptions/listen', params, meta: '', progress: false, headers }
    const sent =
      this.#over === undefined ? this.#send(request, waiter, reader) : lostSoon(waiter, this.#over)
    return () => sent.cancel('nobody listens any more')
  }

  /** Whether a message says what a listen request will tell of; its reader is told. */
  #acknowledged(message: Message): boolean {
    const { method, params } = message.value
    if (method !== ACKNOWLEDGED || !isObject(params) || !isObject(params._meta)) return false
    this.#requests.get(params._meta[META.subscriptionId])?.reader?.said(message)
    return true
  }

  /** What was subscribed to is told of no more. */
  #mute(): void {
    const uris = [...(this.#updates?.uris() ?? [])]
    this.#updates?.close()
    if (uris.length > 0) this.onMuted(uris)
  }

  #lose(why: Lost): void {
    const lost = this.#requests.all()
    for (const request of lost) this.#requests.delete(request)
    for (const { waiter } of lost) waiter.lost(why)
  }
}
