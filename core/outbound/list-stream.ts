import type { Wheel } from '../hooks/wheel.ts'
import type { HttpExchange, HttpReader } from './http-pool.ts'
import type { Message } from './link.ts'
import { readMessage } from './message.ts'
import { type Resumable, Resumption } from './resumption.ts'

/** The stream of an HTTP server that tells what belongs to no request: of changed lists and resources. */
export class ListStream implements HttpReader, Resumable {
  /** Closes it; nothing more is heard. */
  exchange: HttpExchange | undefined
  /** Whether it may still say something. */
  open = true
  /** Whether the server has no such stream for us. */
  refused = false
  /** Resolves when the server began to answer, or the stream is over. */
  readonly begun: Promise<void>
  #begin: () => void = () => {}
  #status = 0
  #resumption: Resumption | undefined
  #again: ((lastEventId: string) => HttpExchange) | undefined
  readonly #said: (message: Message) => void
  readonly #broken: () => void

  /**
   * @param said told of every message on it
   * @param broken called when it ends, unless the server refused it: another may be had
   */
  constructor(said: (message: Message) => void, broken: () => void) {
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.#said = said
    this.#broken = broken
  }

  /** When it ends it is taken up again where that is possible. @param again asks for what comes behind an event */
  resumable(wheel: Wheel, again: (lastEventId: string) => HttpExchange): void {
    this.#resumption = new Resumption(wheel, this)
    this.#again = again
  }

  /** Closes it from our side. */
  close(): void {
    this.open = false
    this.#resumption?.stop()
    this.#begin()
    this.exchange?.abort()
  }

  started(status: number): void {
    // A server without such a stream answers 405, or refuses otherwise: it is not asked again.
    if (this.#status === 0) this.refused = status >= 300
    this.#status = status
    this.#begin()
  }

  data(text: string): void {
    const message = this.#status >= 300 ? undefined : readMessage(text)
    if (message !== undefined && this.open) this.#said(message)
  }

  marked(id: string): void {
    this.#resumption?.marked(id)
  }

  retryAfter(ms: number): void {
    this.#resumption?.retryAfter(ms)
  }

  resume(lastEventId: string): void {
    this.exchange = this.#again?.(lastEventId)
  }

  ended(): void {
    this.#end()
  }

  failed(): void {
    this.#end()
  }

  #end(): void {
    if (!this.open) return
    // A server that does not go on from there may still begin anew.
    const goesOn = this.#status < 300 || this.#status >= 500
    if (!this.refused && goesOn && this.#resumption?.begin()) return
    this.open = false
    this.#begin()
    if (!this.refused) this.#broken()
  }
}
