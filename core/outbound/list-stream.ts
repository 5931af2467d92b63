import type { HttpExchange, HttpReader } from './http-pool.ts'
import type { Message } from './link.ts'
import { readMessage } from './message.ts'

/** The stream of an HTTP server that tells what belongs to no request: of changed lists and resources. */
export class ListStream implements HttpReader {
  /** Closes it; nothing more is heard. */
  exchange: HttpExchange | undefined
  /** Whether it may still say something. */
  open = true
  /** Whether the server has no such stream for us. */
  refused = false
  /** Resolves when the server began to answer, or the stream is over. */
  readonly begun: Promise<void>
  #begin: () => void = () => {}
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

  /** Closes it from our side. */
  close(): void {
    this.open = false
    this.#begin()
    this.exchange?.abort()
  }

  started(status: number): void {
    // A server without such a stream answers 405, or refuses otherwise: it is not asked again.
    this.refused = status >= 300
    this.#begin()
  }

  data(text: string): void {
    const message = this.refused ? undefined : readMessage(text)
    if (message !== undefined && this.open) this.#said(message)
  }

  ended(): void {
    this.#end()
  }

  failed(): void {
    this.#end()
  }

  #end(): void {
    if (!this.open) return
    this.open = false
    this.#begin()
    if (!this.refused) this.#broken()
  }
}
