import type { HttpExchange, HttpReader } from './http-pool.ts'
import type { Lost, Message } from './link.ts'
import type { ListenReader } from './listened-updates.ts'
import { isResponse, readMessage } from './message.ts'

/** A listen stream of a modern HTTP server: one POST, and what is told in its answer. */
export class ListenExchange implements HttpReader {
  exchange: HttpExchange | undefined
  readonly #reader: ListenReader
  #status = 0
  #over = false

  constructor(reader: ListenReader) {
    this.#reader = reader
  }

  /** Closes it from our side; the reader hears nothing more. */
  close(): void {
    this.#over = true
    this.exchange?.abort()
  }

  /** It is over, and not by us. */
  end(reason: string, answer?: Message): void {
    if (this.#over) return
    this.close()
    this.#reader.over(reason, answer)
  }

  started(status: number): void {
    this.#status = status
  }

  data(text: string): void {
    if (this.#over) return
    const message = readMessage(text)
    if (message === undefined) return
    if (isResponse(message)) this.end('the server ended the stream', message)
    else if (this.#status < 300) this.#reader.said(message)
  }

  ended(): void {
    const refused = this.#status >= 300
    this.end(refused ? `answered HTTP ${this.#status}` : 'the stream broke')
  }

  failed({ message }: Lost): void {
    this.end(message)
  }
}
