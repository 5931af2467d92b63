import type { HttpExchange, HttpReader } from './http-pool.ts'
import { tellsOfLists } from './listening.ts'
import { readMessage } from './message.ts'

/** The stream of an HTTP server that tells when one of its lists has changed. */
export class ListStream implements HttpReader {
  /** Closes it; nothing more is heard. */
  exchange: HttpExchange | undefined
  /** Whether it may still say something. */
  open = true
  readonly #changed: () => void
  readonly #broken: () => void
  #established = false

  /** @param broken called when it ends after it was open: another may be had */
  constructor(changed: () => void, broken: () => void) {
    this.#changed = changed
    this.#broken = broken
  }

  /** Closes it from our side. */
  close(): void {
    this.open = false
    this.exchange?.abort()
  }

  started(status: number): void {
    // A server without such a stream answers 405, or refuses otherwise: it is not asked again.
    this.#established = status < 300
  }

  data(text: string): void {
    if (tellsOfLists(readMessage(text)?.value.method)) this.#changed()
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
    if (this.#established) this.#broken()
  }
}
