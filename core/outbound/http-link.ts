import { Slots } from '../hooks/slots.ts'
import type { Wheel } from '../hooks/wheel.ts'
import { encodeHeaderValue, type Implementation } from '../wire/protocol.ts'
import type { HttpExchange, HttpPool, HttpReader } from './http-pool.ts'
import { HttpRequest, type RequestOwner } from './http-request.ts'
import type { Link, Lost, Message, Outgoing, ServerFacts, Ticket, Waiter } from './link.ts'
import { ListStream } from './list-stream.ts'
import { ListenExchange } from './listen-exchange.ts'
import { ListenedUpdates, type ListenReader } from './listened-updates.ts'
import { listenParams, tellsOfLists } from './listening.ts'
import { CLOSED, lostSoon } from './lost.ts'
import { broken, envelope, refusal, writeRequest } from './message.ts'
import { RequestedUpdates, type ResourceUpdates, updatedUri } from './resource-updates.ts'
import { GET_HEADERS, POST_HEADERS, SentHeaders } from './sent-headers.ts'
import { Strays } from './strays.ts'

/** How long the end of a session may take to be told, in milliseconds. */
const GOODBYE = 1_000

/** How long the beginning of a stream is waited for, in milliseconds. */
const BEGINNING = 1_000

type Headers = Readonly<Record<string, string>>

/** What the links of one HTTP upstream share. */
export interface HttpShared {
  readonly pool: HttpPool
  readonly us: Implementation
  readonly wheel: Wheel
  /** The config's `headers`. */
  readonly headers: Headers
}

/** Streamable HTTP to a server, in either era. */
export class HttpLink implements Link, RequestOwner {
  readonly transport = 'http'
  readonly facts: ServerFacts
  onEnd: (why: Lost) => void = () => {}
  onUpdated: (message: Message) => void = () => {}
  onMuted: (uris: readonly string[]) => void = () => {}
  readonly #shared: HttpShared
  readonly #session: string | undefined
  readonly #envelope: string
  /** What the legacy session was opened with, for the messages that belong to no call. */
  readonly #credentials: Headers | undefined
  readonly #headers: SentHeaders
  readonly #requests = new Slots<HttpRequest>()
  readonly #strays: Strays
  /** Whether its server may ask on the session's stream. */
  #attends = false
  #nextId = 1
  readonly #updates: ResourceUpdates
  #stream: ListStream | undefined
  #changed: () => void = () => {}
  #unheard: () => void = () => {}
  #retired = false
  #closed = false

  /** @param session the legacy session's id, if the server gave one */
  constructor(
    shared: HttpShared,
    facts: ServerFacts,
    credentials: Readonly<Record<string, string>> | undefined,
    session?: string,
  ) {
    this.#shared = shared
    this.#strays = new Strays(() => shared.wheel.now())
    this.facts = facts
    this.#credentials = credentials
    this.#session = session
    this.#envelope = facts.era === 'modern' ? envelope(shared.us) : ''
    this.#headers = new SentHeaders(shared.headers, [
      'mcp-protocol-version',
      facts.protocolVersion,
      ...(session === undefined ? [] : ['mcp-session-id', session]),
    ])
    this.#updates =
      facts.era === 'modern'
        ? new ListenedUpdates(
            (params, wanted, reader) => this.#openListen(params, wanted, reader),
            (message) => this.said(message),
            (uris) => this.onMuted(uris),
          )
        : new RequestedUpdates(
            (request, waiter) => this.send(request, waiter),
            shared.wheel,
            (wanted) => this.#heard(wanted),
          )
  }

  get subscriptions(): number {
    return this.#updates.size
  }

  get url(): URL {
    return this.#shared.pool.url
  }

  get wheel(): Wheel {
    return this.#shared.wheel
  }

  get open(): number {
    return this.#requests.size
  }

  send(request: Outgoing, waiter: Waiter): Ticket {
    const id = this.#nextId++
    if (this.#closed) return lostSoon(waiter, CLOSED)
    const base = this.#headers.post(request.headers)
    let headers = base
    if (this.facts.era === 'modern') {
      headers = [...base, 'mcp-method', request.method]
      if (request.name !== undefined) headers.push('mcp-name', encodeHeaderValue(request.name))
      if (request.mirrored !== undefined) headers.push(...request.mirrored)
    }
    if (this.#attends && !this.#stream?.open && !this.#stream?.refused)
      this.#open('', request.headers)
    const body = writeRequest(id, request, this.#envelope)
    const sent = new HttpRequest(id, this, waiter, base, this.#session !== undefined)
    this.#requests.add(sent)
    sent.exchange = this.#shared.pool.send('POST', headers, body, sent)
    return sent
  }

  listen(changed: () => void, broken: () => void, headers?: Headers): void {
    this.#changed = changed
    this.#unheard = broken
    const wanted = listenParams(this.facts)
    if (wanted !== undefined && !this.#stream?.open) this.#open(wanted, headers)
  }

  subscribe(uri: string, headers?: Headers): Promise<void> {
    return this.#updates.subscribe(uri, headers)
  }

  unsubscribe(uri: string): void {
    this.#updates.unsubscribe(uri)
  }

  /** What the server said to nobody's request, wherever it said it. */
  said(message: Message): void {
    const { id, method } = message.value
    if (tellsOfLists(method)) this.#changed()
    else if (updatedUri(message) !== undefined) this.onUpdated(message)
    else if (id !== undefined || method === 'notifications/message') this.#takeOff(message)
  }

  /** What many servers ask and log on the session's stream is about the one call that is open, if there is no other. */
  #takeOff(message: Message): void {
    const only = this.open === 1 && !this.#strays.some ? this.#requests.all()[0] : undefined
    if (only !== undefined) only.take(message)
    else if (message.value.id !== undefined && message.value.method !== undefined) {
      this.notify(refusal(message), this.#headers.post(this.#credentials))
    }
  }

  /**
   * Opens the stream on which a handshake server may ask, if it has one. Resolves when it is there, or does not
   * come soon. One that breaks is opened again with the next call.
   */
  async attend(): Promise<void> {
    this.#attends = true
    await this.#heard(this.#credentials)
  }

  /** What a legacy server tells comes on the session's stream. One that refused it is not asked twice. */
  #heard(headers: Headers | undefined): Promise<void> | undefined {
    if (!this.#stream?.open && !this.#stream?.refused) this.#open('', headers)
    const { wheel } = this.#shared
    const late = () => new Error('nothing was said yet')
    // Some servers begin to answer when there is something to say.
    return this.#stream && wheel.limit(this.#stream.begun, BEGINNING, late).catch(() => {})
  }

  /** Opens the stream for what belongs to no request. @param wanted its params, where it is a request itself */
  #open(wanted: string, headers: Outgoing['headers']): void {
    if (this.#closed || this.#retired) return
    const stream = new ListStream(
      (message) => this.said(message),
      () => this.#broken(),
    )
    this.#stream = stream
    if (this.facts.era === 'legacy') {
      const flat = this.#headers.post(headers)
      stream.resumable(this.wheel, (id) => this.resume(stream, id, flat))
      stream.exchange = this.#shared.pool.send('GET', this.#headers.get(headers), null, stream)
    } else stream.exchange = this.#postListen(wanted, headers, stream)
  }

  #broken(): void {
    this.#unheard()
    if (this.facts.era === 'legacy' && this.subscriptions > 0)
      this.onMuted([...this.#updates.uris()])
  }

  /** What was subscribed to is told of no more. */
  #mute(): void {
    this.#stream?.close()
    const uris = [...this.#updates.uris()]
    this.#updates.close()
    if (uris.length > 0) this.onMuted(uris)
  }

  #openListen(params: string, headers: Headers | undefined, reader: ListenReader): () => void {
    const exchange = new ListenExchange(reader)
    if (this.#closed || this.#retired) queueMicrotask(() => exchange.end(CLOSED.message))
    else exchange.exchange = this.#postListen(params, headers, exchange)
    return () => exchange.close()
  }

  #postListen(params: string, headers: Outgoing['headers'], reader: HttpReader): HttpExchange {
    const request: Outgoing = { method: 'subscriptions/listen', params, meta: '', progress: false }
    const body = writeRequest(this.#nextId++, request, this.#envelope)
    const flat = [...this.#headers.post(headers), 'mcp-method', request.method]
    return this.#shared.pool.send('POST', flat, body, reader)
  }

  /** The headers of a POST with these credentials. */
  headers(credentials: Headers | undefined): string[] {
    return this.#headers.post(credentials)
  }

  /** Tells the server something that has no answer. */
  notify(body: string, headers: string[]): void {
    this.#shared.pool.send('POST', headers, body, IGNORE)
  }

  /** Asks for what comes behind that event of a stream. @param headers of the POST that it is about */
  resume(reader: HttpReader, lastEventId: string, headers: readonly string[]): HttpExchange {
    const flat = [...headers.slice(POST_HEADERS.length), ...GET_HEADERS]
    return this.#shared.pool.send('GET', [...flat, 'last-event-id', lastEventId], null, reader)
  }

  cancelled(id: number): void {
    this.#strays.add(id)
  }

  /** The request is over. */
  forget(request: HttpRequest): void {
    this.#requests.delete(request)
    if (this.#retired && this.open === 0) void this.close()
  }

  retire(): void {
    this.#retired = true
    this.#mute()
    if (this.open === 0) void this.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#mute()
    for (const request of this.#requests.all())
      request.drop(broken('the gateway closed the connection'))
    if (this.#session === undefined) return
    const { pool, wheel } = this.#shared
    const headers = this.#headers.bare(this.#credentials)
    await new Promise<void>((resolve) => {
      const alarm = wheel.after(GOODBYE, resolve)
      const done = () => {
        wheel.remove(alarm)
        resolve()
      }
      pool.send('DELETE', headers, null, { ...IGNORE, ended: done, failed: done })
    })
  }
}

const IGNORE: HttpReader = { started() {}, data() {}, ended() {}, failed() {} }
