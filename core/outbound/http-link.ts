import { Slots } from '../hooks/slots.ts'
import type { Wheel } from '../hooks/wheel.ts'
import { encodeHeaderValue, type Implementation } from '../wire/protocol.ts'
import type { HttpPool, HttpReader } from './http-pool.ts'
import { HttpRequest, type RequestOwner } from './http-request.ts'
import type { Link, Lost, Outgoing, ServerFacts, Ticket, Waiter } from './link.ts'
import { ListStream } from './list-stream.ts'
import { listenParams } from './listening.ts'
import { CLOSED, lostSoon } from './lost.ts'
import { broken, envelope, writeRequest } from './message.ts'
import { SentHeaders } from './sent-headers.ts'

/** How long the end of a session may take to be told, in milliseconds. */
const GOODBYE = 1_000

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
  readonly #shared: HttpShared
  readonly #session: string | undefined
  readonly #envelope: string
  /** What the legacy session was opened with, for the messages that belong to no call. */
  readonly #credentials: Headers | undefined
  readonly #headers: SentHeaders
  readonly #requests = new Slots<HttpRequest>()
  #nextId = 1
  #stream: ListStream | undefined
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
    this.facts = facts
    this.#credentials = credentials
    this.#session = session
    this.#envelope = facts.era === 'modern' ? envelope(shared.us) : ''
    this.#headers = new SentHeaders(shared.headers, [
      'mcp-protocol-version',
      facts.protocolVersion,
      ...(session === undefined ? [] : ['mcp-session-id', session]),
    ])
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
    let headers = this.#headers.post(request.headers)
    if (this.facts.era === 'modern') {
      headers = [...headers, 'mcp-method', request.method]
      if (request.name !== undefined) headers.push('mcp-name', encodeHeaderValue(request.name))
      if (request.mirrored !== undefined) headers.push(...request.mirrored)
    }
    const body = writeRequest(id, request, this.#envelope)
    const sent = new HttpRequest(id, this, waiter, this.#session !== undefined)
    this.#requests.add(sent)
    sent.exchange = this.#shared.pool.send('POST', headers, body, sent)
    return sent
  }

  listen(changed: () => void, broken: () => void, headers?: Headers): void {
    const wanted = listenParams(this.facts)
    if (wanted === undefined || this.#closed || this.#retired || this.#stream?.open) return
    const { pool } = this.#shared
    const stream = new ListStream(changed, broken)
    this.#stream = stream
    if (this.facts.era === 'modern') {
      const request: Outgoing = {
        method: 'subscriptions/listen',
        params: wanted,
        meta: '',
        progress: false,
      }
      const body = writeRequest(this.#nextId++, request, this.#envelope)
      const flat = [...this.#headers.post(headers), 'mcp-method', request.method]
      stream.exchange = pool.send('POST', flat, body, stream)
    } else {
      stream.exchange = pool.send('GET', this.#headers.get(headers), null, stream)
    }
  }

  /** The headers of a POST with these credentials. */
  headers(credentials: Headers | undefined): string[] {
    return this.#headers.post(credentials)
  }

  /** Tells the server something that has no answer. */
  notify(body: string): void {
    this.#shared.pool.send('POST', this.#headers.post(this.#credentials), body, IGNORE)
  }

  /** The request is over. */
  forget(request: HttpRequest): void {
    this.#requests.delete(request)
    if (this.#retired && this.open === 0) void this.close()
  }

  retire(): void {
    this.#stream?.close()
    this.#retired = true
    if (this.open === 0) void this.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stream?.close()
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
