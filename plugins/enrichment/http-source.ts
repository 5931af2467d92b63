import { type Clock, type Http, type HttpAnswer, ServiceError } from 'mcp-patchbay/sdk'
import type { Deadlines } from './deadlines.ts'
import { parseExact, plain } from './exact.ts'
import { type FailureCode, RuleFailure } from './failure.ts'
import { KeptAnswers } from './kept-answers.ts'
import { type Path, readSteps } from './path.ts'
import type { Scope } from './scope.ts'
import { type Source, sized } from './source.ts'
import type { UrlTemplate } from './url-template.ts'

/** How addresses are asked and waited for. */
export interface HttpPorts {
  readonly http: Http
  readonly clock: Clock
  readonly deadlines: Deadlines
}

/** What an HTTP source is made of. */
export interface HttpOptions {
  readonly url: UrlTemplate
  readonly headers: Readonly<Record<string, string>>
  readonly take: Path
  readonly timeout: number
  readonly maxBytes: number
  /** How long an answer is kept, in milliseconds; 0: not at all. */
  readonly keep: number
}

/** At most so many requests of a rule at a time. */
const MOST = 64
const CODES: Readonly<Record<string, readonly [FailureCode, string]>> = {
  TIMEOUT: ['TIMEOUT', 'its source took too long'],
  TOO_LARGE: ['TOO_LARGE', 'its source answered too much'],
}

/**
 * An address that answers GET with JSON. What is asked is the address and fixed headers, so whoever asks for
 * the same address gets the same: that is asked once at a time, and kept for a while.
 */
export class HttpSource implements Source {
  readonly #ports: HttpPorts
  readonly #options: HttpOptions
  readonly #kept: KeptAnswers
  readonly #flights = new Map<string, Promise<unknown>>()

  constructor(options: HttpOptions, ports: HttpPorts) {
    this.#options = options
    this.#ports = ports
    this.#kept = new KeptAnswers(options.keep, () => ports.clock.monotonic())
  }

  find(scope: Scope, ms: number): unknown {
    const url = this.#options.url.expand(scope)
    const kept = this.#kept.get(url)
    if (kept !== undefined) return kept
    return this.#ports.deadlines.limit(this.#flight(url), ms)
  }

  #flight(url: string): Promise<unknown> {
    const under = this.#flights.get(url)
    if (under !== undefined) return under
    if (this.#flights.size >= MOST) {
      throw new RuleFailure('SOURCE_FAILED', 'its source is busy', `${MOST} requests at a time`)
    }
    const flight = this.#ask(url).finally(() => this.#flights.delete(url))
    this.#flights.set(url, flight)
    return flight
  }

  async #ask(url: string): Promise<unknown> {
    const { headers, timeout: timeoutMs, maxBytes, take } = this.#options
    let answer: HttpAnswer
    try {
      // A redirect would carry the headers on, and is an answer here: the wrong one.
      const options = { headers, timeoutMs, maxBytes, redirects: 0 }
      answer = await this.#ports.http.request(url, options)
    } catch (cause) {
      const code = cause instanceof ServiceError ? cause.code : ''
      const [known, message] = CODES[code] ?? ['SOURCE_FAILED', 'its source failed']
      throw new RuleFailure(known, message, (cause as Error).message)
    }
    const { status } = answer
    if (status === 404 || status === 410) {
      throw new RuleFailure('NO_VALUE', 'its source has nothing of that name', `HTTP ${status}`)
    }
    if (status < 200 || status > 299) {
      throw new RuleFailure('SOURCE_FAILED', 'its source failed', `HTTP ${status}`)
    }
    const text = answer.text()
    let said: unknown
    try {
      said = parseExact(text)
    } catch {
      throw new RuleFailure('SOURCE_FAILED', 'its source failed', 'the answer is no JSON')
    }
    const value = sized(plain(readSteps(said, take.steps)), take, maxBytes)
    const terms = answer.headers['cache-control'] ?? ''
    if (!/no-store|no-cache|private/i.test(terms)) this.#kept.set(url, value, text.length)
    return value
  }
}
