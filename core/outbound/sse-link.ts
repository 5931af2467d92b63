import type { HttpShared } from './http-link.ts'
import type { HttpExchange, HttpReader } from './http-pool.ts'
import { ConnectError, type Lost } from './link.ts'
import { PipeLink } from './pipe-link.ts'
import type { PipeRequest } from './pipe-request.ts'
import { type AnswerHeaders, isSessionLost, refusedBy, refusedOpening } from './refused-status.ts'
import { SentHeaders } from './sent-headers.ts'

type Headers = Readonly<Record<string, string>>

/** What is sent when the stream is over: a fresh link does. */
const ENDED: Lost = { message: 'its stream has ended', executed: false, sessionLost: true }

/**
 * HTTP+SSE to a server (2024-11-05, transports): one stream brings all it says, and what it is told goes by
 * POST to the endpoint that the stream named first.
 */
export class SseLink extends PipeLink {
  readonly transport = 'sse'
  readonly #shared: HttpShared
  readonly #headers: SentHeaders
  /** What the stream was opened with, for the messages that belong to no call. */
  readonly #credentials: Headers | undefined
  #introduced = false
  #endpoint = ''
  #stream: HttpExchange | undefined

  constructor(shared: HttpShared, credentials: Headers | undefined) {
    super(shared.us, shared.wheel)
    this.#shared = shared
    this.#credentials = credentials
    this.#headers = new SentHeaders(shared.headers, [])
  }

  /**
   * Opens the stream and waits for the endpoint, which it names first.
   * @returns whether there is such a stream
   * @throws ConnectError when the server wants other credentials, or names an endpoint that is not taken
   */
  openStream(): Promise<boolean> {
    const { pool } = this.#shared
    return new Promise((resolve, reject) => {
      const over = (message: string) => {
        resolve(false)
        this.end({ message, executed: 'unknown', unreachable: true }, ENDED)
      }
      this.#stream = pool.send('GET', this.#headers.get(this.#credentials), null, {
        started: (status, headers) => {
          const refused = refusedOpening(status, headers, pool.url)
          if (refused !== undefined) reject(refused)
          else if (!String(headers['content-type']).startsWith('text/event-stream')) resolve(false)
        },
        event: (name, data) => {
          if (name !== 'endpoint' || this.#endpoint !== '') return
          const endpoint = URL.canParse(data, pool.url.href) ? new URL(data, pool.url) : undefined
          if (endpoint?.origin === pool.url.origin) {
            this.#endpoint = endpoint.pathname + endpoint.search
            resolve(true)
          } else reject(new ConnectError(`${FOREIGN}: ${data.slice(0, 300)}`))
        },
        data: (text) => {
          // The endpoint is the first thing such a stream says.
          if (this.#endpoint === '') resolve(false)
          else this.take(text)
        },
        ended: () => over('the server ended its stream'),
        failed: ({ message }) => over(message),
      })
    })
  }
  /** Shakes hands over it. @throws ConnectError */
  async introduce(capabilities: string, found: string): Promise<void> {
    this.met(await this.shakeHands(capabilities, found))
    this.#introduced = true
  }

  protected write(message: string, request?: PipeRequest): void {
    const { pool } = this.#shared
    // What the link says for itself, its handshake included, it says as whoever opened it.
    const isOwn = request === undefined || !this.#introduced
    const headers = this.#headers.post(isOwn ? this.#credentials : request.headers)
    const delivery = new Delivery(pool.url, (why) => {
      if (request !== undefined) this.undelivered(request, why)
    })
    pool.send('POST', headers, message, delivery, this.#endpoint)
  }

  protected async hangUp(): Promise<void> {
    this.#stream?.abort()
  }
}

const FOREIGN = 'names an endpoint at another place, where nothing is sent'

/** One POST of HTTP+SSE: any 2xx will do, the answer comes on the stream. */
class Delivery implements HttpReader {
  readonly #url: URL
  readonly #failed: (why: Lost) => void
  #status = 0
  #headers: AnswerHeaders = {}
  #said: string | undefined

  constructor(url: URL, failed: (why: Lost) => void) {
    this.#url = url
    this.#failed = failed
  }

  started(status: number, headers: AnswerHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  data(text: string): void {
    this.#said = text
  }

  ended(): void {
    if (this.#status < 300) return
    const why = refusedBy(this.#status, this.#headers, this.#url)
    this.#failed(isSessionLost(this.#status, this.#said) ? { ...why, sessionLost: true } : why)
  }

  failed(why: Lost): void {
    this.#failed(why)
  }
}
