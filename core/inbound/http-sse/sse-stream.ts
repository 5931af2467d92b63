import type { ServerResponse } from 'node:http'
import type { Alarm, Wheel } from '../../hooks/wheel.ts'
import type { Pipe } from '../pipe/pipe.ts'
import { keepsUp, startStream } from '../sse.ts'

const KEEP_ALIVE = 15_000
/** Bytes that wait for a client to read them. Answers are never dropped: a stream that has more is cut. */
const MOST_UNREAD = 32 * 1024 * 1024

/** What a stream is opened with. */
export interface SseStreamParts {
  readonly response: ServerResponse
  /** Sent with the answer, flat. */
  readonly headers: readonly string[]
  readonly wheel: Wheel
  /** When the credentials end, on the wheel's clock. */
  readonly until: number
  /** Called once, however the stream ends. */
  readonly closed: () => void
}

/** The stream of one client of HTTP+SSE (2024-11-05): everything it is told goes here. */
export class SseStream implements Pipe, Alarm {
  readonly wire = 'sse'
  deadline: number
  slot = -1
  readonly #response: ServerResponse
  readonly #wheel: Wheel
  readonly #closed: () => void
  #until: number
  #gone = false
  /** Its last word was said; it may have yet to leave. */
  #ended = false

  constructor({ response, headers, wheel, until, closed }: SseStreamParts) {
    this.#response = response
    this.#wheel = wheel
    this.#until = until
    this.#closed = closed
    this.deadline = this.#next()
    wheel.add(this)
    startStream(response, headers)
    response.on('close', () => this.#close())
  }

  get gone(): boolean {
    return this.#gone
  }

  get keepsUp(): boolean {
    return keepsUp(this.#response)
  }

  /** Says where to POST. @param reference relative to the URL of the stream, so that it holds behind any proxy */
  endpoint(reference: string): void {
    this.#response.write(`event: endpoint\ndata: ${reference}\n\n`)
  }

  write(json: string, left?: () => void): void {
    // Node.js takes what is written behind the end for a fault that nobody catches.
    if (this.#gone || this.#ended) return left?.()
    if (this.#response.writableLength > MOST_UNREAD) {
      this.#response.destroy()
      return left?.()
    }
    // Line breaks are white space in JSON, and would end the event here.
    const data = /[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json
    this.#response.write(`event: message\ndata: ${data}\n\n`, left && (() => left()))
  }

  flushed(told: () => void): void {
    if (this.#gone || this.#ended || this.#response.writableLength === 0) return told()
    this.#response.write(': \n\n', () => told())
  }

  /** Credentials that last longer have come with a request. @param until on the wheel's clock */
  extend(until: number): void {
    this.#until = Math.max(this.#until, until)
  }

  ring(): void {
    if (this.#gone) return
    // It had its time to read what was left.
    if (this.#ended) return void this.#response.destroy()
    // Whoever may no longer call may no longer listen.
    if (this.#wheel.now() >= this.#until) return void this.end()
    if (this.keepsUp) this.#response.write(': keep-alive\n\n')
    this.deadline = this.#next()
    this.#wheel.add(this)
  }

  /** Ends it from our side. Resolves when its last word has left. */
  async end(): Promise<void> {
    if (this.#gone) return
    if (!this.#ended) {
      this.#wheel.remove(this)
      this.deadline = this.#wheel.now() + KEEP_ALIVE
      this.#wheel.add(this)
    }
    this.#ended = true
    await new Promise<void>((resolve) => {
      this.#response.on('close', resolve)
      this.#response.end()
    })
  }

  #next(): number {
    return Math.min(this.#wheel.now() + KEEP_ALIVE, this.#until)
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    this.#wheel.remove(this)
    this.#closed()
  }
}
