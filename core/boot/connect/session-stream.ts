import type { Alarm } from '../../hooks/wheel.ts'
import type { HttpExchange, HttpReader } from '../../outbound/http-pool.ts'
import type { Remote } from './remote.ts'

/** How long after its end the stream is asked for again, in milliseconds. */
const PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/** The stream on which the server of a handshake says what belongs to no request; opened again when it ends. */
export class SessionStream implements HttpReader, Alarm {
  deadline = 0
  slot = -1
  readonly #remote: Remote
  readonly #tell: (json: string) => void
  readonly #session: string | undefined
  #exchange: HttpExchange | undefined
  #status = 0
  #last: string | undefined
  #pause = PAUSE
  #over = false

  /** @param tell takes every message */
  constructor(remote: Remote, tell: (json: string) => void) {
    this.#remote = remote
    this.#tell = tell
    this.#session = remote.session
    this.ring()
  }

  ring(): void {
    // Another handshake has its own.
    if (this.#over || this.#remote.session !== this.#session) return
    this.#status = 0
    this.#exchange = this.#remote.stream(this, this.#last)
  }

  started(status: number): void {
    this.#status = status
    if (status < 300) this.#pause = PAUSE
  }

  data(text: string): void {
    if (!this.#over && this.#status < 300) this.#tell(text)
  }

  marked(id: string): void {
    if (/^[\x21-\x7e]{1,1024}$/.test(id)) this.#last = id
  }

  retryAfter(ms: number): void {
    this.#pause = Math.min(ms, LONGEST_PAUSE)
  }

  ended(): void {
    // Who says 4xx has no such stream, or no such session.
    if (this.#status < 400 || this.#status >= 500) this.#again()
  }

  failed(): void {
    this.#again()
  }

  /** Nobody listens any more. */
  end(): void {
    this.#over = true
    this.#remote.wheel.remove(this)
    this.#exchange?.abort()
  }

  #again(): void {
    if (this.#over) return
    this.deadline = this.#remote.wheel.now() + this.#pause
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
    this.#remote.wheel.add(this)
  }
}
