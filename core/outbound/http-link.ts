import { encodeHeaderValue, type Implementation, MODERN } from '../kernel/protocol.ts'
import type { HttpExchange, HttpPool, HttpReader } from './http-pool.ts'
import type { Link, Lost, Message, Outgoing, ServerFacts, Ticket, Waiter } from './link.ts'
import {
  broken,
  envelope,
  isResponse,
  readMessage,
  refusal,
  writeNotification,
  writeRequest,
} from './message.ts'

/** Headers of every POST (Streamable HTTP, "sending messages to the server"). */
export const POST_HEADERS: readonly string[] = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
]

/** What the links of one HTTP upstream share. */
export interface HttpShared {
  readonly pool: HttpPool
  readonly us: Implementation
  /** The config's `headers`, flat. */
  readonly headers: readonly string[]
}

/** Streamable HTTP to a server, in either era. */
export class HttpLink implements Link {
  readonly facts: ServerFacts
  onEnd: (why: Lost) => void = () => {}
  readonly #shared: HttpShared
  readonly #session: string | undefined
  readonly #envelope: string
  readonly #fixed: readonly string[]
  /** What the legacy session was opened with, for the messages that belong to no call. */
  readonly #credentials: Readonly<Record<string, string>> | undefined
  readonly #prepared = new WeakMap<object, string[]>()
  readonly #requests = new Set<HttpRequest>()
  #nextId = 1
  #stream: HttpExchange | undefined
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
    this.#fixed = [
      ...shared.headers,
      'mcp-protocol-version',
      facts.protocolVersion,
      ...(session === undefined ? [] : ['mcp-session-id', session]),
    ]
  }

  get open(): number {
    return this.#requests.size
  }

  send(request: Outgoing, waiter: Waiter): Ticket {
    const id = this.#nextId++
    let headers = this.#base(request.headers)
    if (this.facts.era === 'modern') {
      headers = [...headers, 'mcp-method', request.method]
      if (request.name !== undefined) headers.push('mcp-name', encodeHeaderValue(request.name))
    }
    const body = writeRequest(id, request, this.#envelope)
    const sent = new HttpRequest(id, this, waiter, this.#session !== undefined)
    this.#requests.add(sent)
    sent.exchange = this.#shared.pool.send('POST', headers, body, sent)
    return sent
  }

  listen(changed: () => void, headers?: Readonly<Record<string, string>>): void {
    const tools = this.facts.capabilities.tools as { listChanged?: unknown } | undefined
    if (tools?.listChanged !== true || this.#closed) return
    const reader = new ListReader(changed)
    if (this.facts.era === 'modern') {
      const request: Outgoing = {
        method: 'subscriptions/listen',
        params: '"notifications":{"toolsListChanged":true}',
        meta: '',
        progress: false,
      }
      const body = writeRequest(this.#nextId++, request, this.#envelope)
      const flat = [...this.#base(headers), 'mcp-method', request.method]
      this.#stream = this.#shared.pool.send('POST', flat, body, reader)
    } else {
      const flat = [...this.#base(headers), 'accept', 'text/event-stream'].slice(
        POST_HEADERS.length,
      )
      this.#stream = this.#shared.pool.send('GET', flat, null, reader)
    }
  }

  /** Tells the server something that has no answer. */
  notify(body: string): void {
    this.#shared.pool.send('POST', this.#base(this.#credentials), body, IGNORE)
  }

  /** The request is over. */
  forget(request: HttpRequest): void {
    this.#requests.delete(request)
    if (this.#retired && this.open === 0) void this.close()
  }

  retire(): void {
    this.#stream?.abort()
    this.#retired = true
    if (this.open === 0) void this.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stream?.abort()
    for (const request of this.#requests) request.drop(broken('the gateway closed the connection'))
    if (this.#session !== undefined) {
      this.#shared.pool.send(
        'DELETE',
        this.#base(this.#credentials).slice(POST_HEADERS.length),
        null,
        IGNORE,
      )
    }
  }

  #base(credentials: Readonly<Record<string, string>> | undefined): string[] {
    const key = credentials ?? NONE
    let flat = this.#prepared.get(key)
    if (flat === undefined) {
      flat = [...POST_HEADERS, ...this.#fixed, ...Object.entries(key).flat()]
      this.#prepared.set(key, flat)
    }
    return flat
  }
}

const NONE: Readonly<Record<string, string>> = {}
const IGNORE: HttpReader = { started() {}, data() {}, ended() {}, failed() {} }

/** One POST with a request in it, and its answer. */
class HttpRequest implements HttpReader, Ticket {
  exchange: HttpExchange | undefined
  readonly #id: number
  readonly #link: HttpLink
  readonly #waiter: Waiter
  readonly #inSession: boolean
  #status = 0
  #challenge: string | undefined
  #refusal: string | undefined
  #over = false

  constructor(id: number, link: HttpLink, waiter: Waiter, inSession: boolean) {
    this.#id = id
    this.#link = link
    this.#waiter = waiter
    this.#inSession = inSession
  }

  started(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.#status = status
    const challenge = headers['www-authenticate']
    this.#challenge = Array.isArray(challenge) ? challenge.join(', ') : challenge
  }

  data(text: string): void {
    if (this.#over) return
    if (this.#status >= 300) {
      this.#refusal = text
      return
    }
    const message = readMessage(text)
    if (message === undefined)
      return this.drop(broken('the upstream sent something that is not JSON-RPC'))
    if (isResponse(message)) this.#answered(message)
    else if (message.value.id === undefined) this.#waiter.notified(message)
    else this.#refuse(message)
  }

  ended(): void {
    if (this.#over) return
    if (this.#status < 300)
      return this.drop(broken('the upstream closed the answer before its end'))
    const message = this.#refusal === undefined ? undefined : readMessage(this.#refusal)
    const auth = this.#status === 401 || this.#status === 403
    if (this.#inSession && this.#status === 404) {
      return this.drop({
        message: 'the session is gone',
        executed: false,
        sessionLost: true,
        httpStatus: 404,
      })
    }
    if (!auth && this.#status < 500 && message !== undefined && isResponse(message)) {
      return this.#answered(message)
    }
    this.drop({
      message: `the upstream answered HTTP ${this.#status}`,
      // A 4xx refused the request; a 5xx may have come from anywhere behind it.
      executed: this.#status < 500 ? false : 'unknown',
      httpStatus: this.#status,
      challenge: this.#challenge,
    })
  }

  failed(why: Lost): void {
    if (!this.#over) this.drop(why)
  }

  cancel(reason: string): void {
    if (this.#over) return
    this.#end()
    // A modern server sees the closed stream; a legacy one takes that for a lost connection.
    if (this.#link.facts.era === 'legacy') {
      this.#link.notify(
        writeNotification('notifications/cancelled', { requestId: this.#id, reason }),
      )
    }
    this.exchange?.abort()
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
      return this.drop(broken('the upstream answered another request'))
    }
    this.#end()
    this.#waiter.answered(message)
  }

  #refuse(message: Message): void {
    this.#link.notify(refusal(message))
  }

  #end(): void {
    this.#over = true
    this.#link.forget(this)
  }
}

/** A stream that only matters for one notification. */
class ListReader implements HttpReader {
  readonly #changed: () => void

  constructor(changed: () => void) {
    this.#changed = changed
  }

  started(): void {}

  data(text: string): void {
    if (readMessage(text)?.value.method === 'notifications/tools/list_changed') this.#changed()
  }

  // A stream that ends is not opened again before the next refresh, which reads the list anyway.
  ended(): void {}

  failed(): void {}
}

/** The header flat list of a modern probe. */
export function probeHeaders(fixed: readonly string[]): string[] {
  return [
    ...POST_HEADERS,
    ...fixed,
    'mcp-protocol-version',
    MODERN,
    'mcp-method',
    'server/discover',
  ]
}
