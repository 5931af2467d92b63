import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { Exchange } from '../kernel/ports.ts'
import { Cancellable } from './cancellable.ts'
import type { InFlight } from './in-flight.ts'

/** A call that lasts longer than this is answered on a stream, so that nothing on the way cuts it. */
const PATIENCE = 15_000
/** Bytes that wait for a client that reads slowly. */
const MOST_UNREAD = 1024 * 1024
const SSE = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
]

/** One SSE event. Line breaks are white space in JSON, and would end the event here. */
export function sseEvent(json: string): string {
  return `data: ${/[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json}\n\n`
}

/** Opens an SSE answer. */
export function startStream(response: ServerResponse, headers: readonly string[]): void {
  response.writeHead(200, [...SSE, ...headers])
  response.flushHeaders()
}

/**
 * Whether the client reads what it is sent. One that does not gets no more messages until it has: only
 * the answer itself is always written.
 */
export function keepsUp(response: ServerResponse): boolean {
  return response.writableLength <= MOST_UNREAD
}

/** What exchanges share. */
export interface ExchangeHost {
  readonly wheel: Wheel
  readonly inFlight: InFlight
}

/**
 * The answer to one POST: plain JSON, unless a message comes before the result or the call outlasts 15 s;
 * then an SSE stream with comments to keep it alive.
 */
export class HttpExchange extends Cancellable implements Exchange, Alarm {
  readonly wire: string
  readonly requestId: string
  readonly sessionId: string | undefined
  deadline: number
  slot = -1
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #wheel: Wheel
  readonly #inFlight: InFlight
  readonly #headers: readonly string[]
  #streaming = false
  /** The answer was given, or nobody wants one. */
  #over = false
  /** The connection is gone, or the answer has left. */
  #closed = false

  /**
   * @param headers sent with the answer, flat
   * @param cancels whether a client that closes the connection cancels the call by it
   */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { wheel, inFlight }: ExchangeHost,
    wire: string,
    requestId: string,
    sessionId: string | undefined,
    headers: readonly string[],
    cancels: boolean,
  ) {
    super()
    this.#request = request
    this.#response = response
    this.#wheel = wheel
    this.#inFlight = inFlight
    inFlight.begin()
    this.wire = wire
    this.requestId = requestId
    this.sessionId = sessionId
    this.#headers = headers
    this.deadline = wheel.now() + PATIENCE
    wheel.add(this)
    response.on('close', () => this.#close(cancels))
    if (response.destroyed) this.#close(cancels)
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers
  }

  /** Whether an HTTP status can still be sent. */
  get statusOpen(): boolean {
    return !this.#streaming
  }

  /** Dropped when the client does not keep up. */
  message(text: string): void {
    if (this.#over || this.#closed) return
    this.#stream()
    if (keepsUp(this.#response)) this.#response.write(sseEvent(text))
  }

  /** Not dropped: somebody waits for the answer. @returns whether anybody is there */
  deliver(text: string): boolean {
    if (this.#over || this.#closed) return false
    this.#stream()
    this.#response.write(sseEvent(text))
    return true
  }

  ring(): void {
    if (this.#over || this.#closed) return
    this.#stream()
    if (keepsUp(this.#response)) this.#response.write(': keep-alive\n\n')
    this.deadline = this.#wheel.now() + PATIENCE
    this.#wheel.add(this)
  }

  /** Sends the answer. Nothing can follow. */
  finish(status: number, json: string, headers: readonly string[] = []): void {
    if (this.#over) return
    this.drop()
    if (this.#closed) return
    if (this.#streaming) this.#response.end(sseEvent(json))
    else sendJson(this.#response, status, json, [...this.#headers, ...headers])
  }

  /** Ends without an answer: the client wants none. */
  abandon(): void {
    if (this.#over) return
    this.drop()
    if (this.#closed) return
    this.#stream()
    this.#response.end()
  }

  /** Leaves the response to others: nothing more is written from here. */
  drop(): void {
    if (this.#over) return
    this.#over = true
    this.#wheel.remove(this)
    if (this.#closed) this.#inFlight.end()
  }

  #stream(): void {
    if (this.#streaming) return
    this.#streaming = true
    startStream(this.#response, this.#headers)
  }

  /** In flight until the last byte has left: a stop that came earlier would cut the answer. */
  #close(cancels: boolean): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#over) this.#inFlight.end()
    else if (cancels) {
      this.drop()
      this.cancel('the client closed the connection')
    }
  }
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers: readonly string[] = [],
): void {
  const length = Buffer.byteLength(json)
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(length),
    ...headers,
  ])
  response.end(json)
}
