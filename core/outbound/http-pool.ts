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
  /** An event of an SSE answer that is named otherwise than `message`. */
  event?(name: string, data: string): void
  /** The stream can be taken up again behind the event of that id. */
  marked?(id: string): void
  /** How long to wait before that, in milliseconds. */
  retryAfter?(ms: number): void
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
  readonly url: URL
  readonly #pool: Pool
  readonly #path: string

  /**
   * @param connectTimeout milliseconds
   * @param allowH2 whether HTTP/2 is spoken to an https endpoint that offers it
   */
  constructor(url: URL, connectTimeout: number, allowH2: boolean) {
    this.url = url
    this.#pool = new Pool(url.origin, {
      allowH2,
      connect: { timeout: connectTimeout },
      // Silence is judged per call, with progress counted; undici would cut long answers short.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#path = url.pathname + url.search
  }

  /**
   * Sends one request.
   * @param headers a flat list of names and values, prepared by the caller
   * @param path another than the endpoint's, at the same origin
   */
  send(
    method: 'POST' | 'GET' | 'DELETE',
    headers: string[],
    body: string | null,
    reader: HttpReader,
    path: string = this.#path,
  ): HttpExchange {
    const answer = new Answer(reader)
    this.#pool.dispatch({ path, method, headers, body }, answer)
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
  #tooLarge = false
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
        onEvent: ({ data, event = 'message' }) => {
          if (this.#aborted) return
          this.#size = 0
          if (event !== 'message') this.#reader.event?.(event, data)
          // An empty one only primes `Last-Event-ID`.
          else if (data !== '') this.#reader.data(data)
        },
        onId: (id) => this.#reader.marked?.(id),
        onRetry: (ms) => this.#reader.retryAfter?.(ms),
      })
    }
    this.#reader.started(status, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#aborted || this.#status === 0) return
    this.#size += chunk.length
    if (this.#size > MAX_MESSAGE) {
      this.#tooLarge = true
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
      ...(this.#tooLarge ? { final: true } : {}),
    })
  }
}
