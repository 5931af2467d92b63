import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { Exchange } from '../kernel/ports.ts'
import { Cancellable } from './cancellable.ts'
import type { InFlight } from './in-flight.ts'
import type { ResumableStream } from './resumable-stream.ts'
import type { ResumableStreams } from './resumable-streams.ts'
import type { Session } from './session.ts'
import { keepsUp, sendJson, sseEvent, startStream } from './sse.ts'

/** A call that lasts longer than this is answered on a stream, so that nothing on the way cuts it. */
const PATIENCE = 15_000
/** What exchanges share. */
export interface ExchangeHost {
  readonly wheel: Wheel
  readonly inFlight: InFlight
  /** Streams that clients of sessions can come back to. */
  readonly resumables: ResumableStreams
}

/**
 * The answer to one POST: plain JSON, unless a message comes before the result or the call outlasts 15 s;
 * then an SSE stream with comments to keep it alive. A client in a session can come back to that stream for
 * what it has missed of it.
 */
export class HttpExchange extends Cancellable implements Exchange, Alarm {
  readonly wire: string
  readonly requestId: string
  deadline: number
  slot = -1
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #wheel: Wheel
  readonly #inFlight: InFlight
  readonly #resumables: ResumableStreams
  readonly #session: Session | undefined
  readonly #headers: readonly string[]
  #streaming = false
  /** The stream, in a session. */
  #stream: ResumableStream | undefined
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
    { wheel, inFlight, resumables }: ExchangeHost,
    wire: string,
    requestId: string,
    session: Session | undefined,
    headers: readonly string[],
    cancels: boolean,
  ) {
    super()
    this.#request = request
    this.#response = response
    this.#wheel = wheel
    this.#inFlight = inFlight
    this.#resumables = resumables
    inFlight.begin()
    this.wire = wire
    this.requestId = requestId
    this.#session = session
    this.#headers = headers
    this.deadline = wheel.now() + PATIENCE
    wheel.add(this)
    response.on('close', () => this.#close(cancels))
    if (response.destroyed) this.#close(cancels)
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers
  }

  get sessionId(): string | undefined {
    return this.#session?.id
  }

  /** Whether an HTTP status can still be sent. */
  get statusOpen(): boolean {
    return !this.#streaming
  }

  /** Dropped when the client does not keep up. */
  message(text: string): void {
    if (!this.#begun()) return
    if (this.#stream !== undefined) this.#stream.offer(text)
    else if (keepsUp(this.#response)) this.#response.write(sseEvent(text))
  }

  /** Not dropped: somebody waits for the answer. @returns whether anybody is there, or may come back */
  deliver(text: string): boolean {
    if (!this.#begun()) return false
    if (this.#stream !== undefined) this.#stream.send(text)
    else this.#response.write(sseEvent(text))
    return true
  }

  ring(): void {
    if (!this.#begun()) return
    if (this.#stream !== undefined) this.#stream.beat()
    else if (keepsUp(this.#response)) this.#response.write(': keep-alive\n\n')
    this.deadline = this.#wheel.now() + PATIENCE
    this.#wheel.add(this)
  }

  /** Sends the answer. Nothing can follow. */
  finish(status: number, json: string, headers: readonly string[] = []): void {
    if (this.#over) return
    this.#settle()
    if (this.#stream !== undefined) this.#stream.finish(json)
    else if (this.#closed) return
    else if (this.#streaming) this.#response.end(sseEvent(json))
    else sendJson(this.#response, status, json, [...this.#headers, ...headers])
  }

  /** Ends without an answer: the client wants none. */
  abandon(): void {
    if (this.#over) return
    this.#begun()
    this.#settle()
    if (this.#stream !== undefined) this.#stream.finish()
    else if (!this.#closed) this.#response.end()
  }

  /** Leaves the response to others: nothing more is written from here, and nobody can come back. */
  drop(): void {
    if (this.#over) return
    this.#settle()
    if (this.#stream !== undefined) this.#resumables.drop(this.#stream)
  }

  #settle(): void {
    this.#over = true
    this.#wheel.remove(this)
    if (this.#closed) this.#inFlight.end()
  }

  /** Makes the answer a stream. @returns whether anybody reads it, or may come back to */
  #begun(): boolean {
    if (this.#over) return false
    if (this.#stream !== undefined) return this.#stream.open
    // A client that was gone before it got the id of an event cannot come back.
    if (this.#closed) return false
    if (this.#streaming) return true
    this.#streaming = true
    if (this.#session === undefined) startStream(this.#response, this.#headers)
    else {
      this.#stream = this.#resumables.begin(this.#session, true, this.#response, this.#headers)
    }
    return true
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
