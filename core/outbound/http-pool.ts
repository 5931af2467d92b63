import { TextDecoder } from 'node:util'
import { createParser } from 'eventsource-parser'
import { type Dispatcher, Pool } from 'undici'
import type { Lost } from './link.ts'
import { MAX_MESSAGE } from './message.ts'

/** What an HTTP exchange tells its owner. Exactly one of `ended` and `failed` is called, last. */
export interface HttpReader {
  /** Headers arrived. */
  started(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void
  /** One event of an SSE answer, or the whole body of any other. */
  data(text: string): void
  ended(): void
  failed(why: Lost): void
}

/** An HTTP exchange under way. */
export interface HttpExchange {
  /** Closes it; the reader hears nothing more. */
  abort(): void
}

/** Undici's codes for a request that cannot have left. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** The connections to one endpoint. */
export class HttpPool {
  readonly #pool: Pool
  readonly #path: string

  /** @param connectTimeout milliseconds */
  constructor(url: URL, connectTimeout: number) {
    this.#pool = new Pool(url.origin, {
      connect: { timeout: connectTimeout },
      // Silence is judged per call, with progress counted; undici would cut long answers short.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#path = url.pathname + url.search
  }

  /** Sends one request. `headers` is a flat list of names and values, prepared by the caller. */
  send(
    method: 'POST' | 'GET' | 'DELETE',
    headers: string[],
    body: string | null,
    reader: HttpReader,
  ): HttpExchange {
    const answer = new Answer(reader)
    this.#pool.dispatch({ path: this.#path, method, headers, body }, answer)
    return answer
  }

  /** Waits for nobody: what is under way fails. */
  close(): Promise<void> {
    return this.#pool.destroy()
  }
}

class Answer implements Dispatcher.DispatchHandler, HttpExchange {
  readonly #reader: HttpReader
  #controller: Dispatcher.DispatchController | undefined
  #sent = false
  #aborted = false
  #status = 0
  #size = 0
  #only: Buffer | undefined
  #chunks: Buffer[] | undefined
  #events: ReturnType<typeof createParser> | undefined
  #decoder: TextDecoder | undefined

  constructor(reader: HttpReader) {
    this.#reader = reader
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort(new Error('aborted'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted) controller.abort(new Error('aborted'))
  }

  onRequestSent(): void {
    this.#sent = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200 || this.#aborted) return
    this.#status = status
    if (status < 300 && String(headers['content-type']).startsWith('text/event-stream')) {
      this.#decoder = new TextDecoder()
      this.#events = createParser({
        onEvent: ({ data, event }) => {
          // Anything but `message` is not MCP's; an empty one only primes `Last-Event-ID`.
          if (!this.#aborted && data !== '' && (event === undefined || event === 'message')) {
            this.#size = 0
            this.#reader.data(data)
          }
        },
      })
    }
    this.#reader.started(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#aborted || this.#status === 0) return
    this.#size += chunk.length
    if (this.#size > MAX_MESSAGE) {
      controller.abort(new Error(`the answer is larger than ${MAX_MESSAGE} bytes`))
    } else if (this.#events !== undefined) {
      this.#events.feed((this.#decoder as TextDecoder).decode(chunk, { stream: true }))
    } else if (this.#only === undefined) {
      this.#only = chunk
    } else {
      this.#chunks ??= [this.#only]
      this.#chunks.push(chunk)
    }
  }

  onResponseEnd(): void {
    if (this.#aborted) return
    if (this.#only !== undefined) {
      const body = this.#chunks === undefined ? this.#only : Buffer.concat(this.#chunks)
      this.#reader.data(body.toString('utf8'))
    }
    this.#reader.ended()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#aborted) return
    this.#aborted = true
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const unreachable = NOT_SENT.has(code)
    this.#reader.failed({
      message: error.message || code || 'the connection failed',
      executed: unreachable || !this.#sent ? false : 'unknown',
      unreachable,
    })
  }
}
