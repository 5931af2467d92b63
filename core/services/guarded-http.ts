import { lookup } from 'node:dns/promises'
import type { Agent, Dispatcher } from 'undici'
import { type Http, type HttpAnswer, type HttpOptions, ServiceError } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { EgressRules } from './egress-rules.ts'
import { guardedLookup, judgeUrl, type Resolve } from './guarded-lookup.ts'

const TIMEOUT = 10_000
const MAX_BYTES = 1024 * 1024
const REDIRECTS = 3
const REDIRECTED = new Set([301, 302, 303, 307, 308])
/** Meant for one origin; a redirect to another does not get them. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization'])

type Undici = typeof import('undici')

/** What one hop sends. */
interface Hop {
  readonly url: URL
  readonly method: NonNullable<HttpOptions['method']>
  readonly headers: Readonly<Record<string, string>>
  readonly body: HttpOptions['body']
}

/** `Http` on undici: every connection goes through the egress rules. Opens nothing before the first request. */
export class GuardedHttp implements Http {
  readonly #rules: EgressRules
  readonly #wheel: Wheel
  readonly #resolve: Resolve
  #agent: Promise<{ undici: Undici; agent: Agent }> | undefined

  constructor(
    rules: EgressRules,
    wheel: Wheel,
    resolve: Resolve = (host) => lookup(host, { all: true }),
  ) {
    this.#rules = rules
    this.#wheel = wheel
    this.#resolve = resolve
  }

  async request(address: string | URL, options: HttpOptions = {}): Promise<HttpAnswer> {
    const { timeoutMs = TIMEOUT, signal } = options
    signal?.throwIfAborted()
    const url = urlOf(address)
    const end = new AbortController()
    const onAbort = () => end.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const alarm = this.#wheel.after(timeoutMs, () => {
      const message = `${url.origin} did not answer within ${timeoutMs} ms`
      end.abort(new ServiceError('TIMEOUT', message, 'Try again later, or allow it more time.'))
    })
    try {
      return await this.#follow(url, options, end.signal)
    } catch (cause) {
      // An abort of ours surfaces as undici's own error, wherever it struck.
      if (end.signal.aborted) throw end.signal.reason
      if (cause instanceof ServiceError) throw cause
      const message = `${url.origin} cannot be reached: ${messageOf(cause)}`
      throw new ServiceError(
        'UNREACHABLE',
        message,
        'See whether it is up, and the address right.',
        {
          cause,
        },
      )
    } finally {
      this.#wheel.remove(alarm)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const opened = this.#agent
    this.#agent = undefined
    await (await opened)?.agent.destroy()
  }

  async #follow(start: URL, options: HttpOptions, signal: AbortSignal): Promise<HttpAnswer> {
    const { maxBytes = MAX_BYTES, redirects = REDIRECTS } = options
    const { method = 'GET', headers = {}, body } = options
    let hop: Hop = { url: start, method, headers, body }
    for (let left = redirects; ; left--) {
      judgeUrl(this.#rules, hop.url)
      const answer = await this.#send(hop, signal)
      const { location } = answer.headers
      if (redirects === 0 || !REDIRECTED.has(answer.statusCode) || location === undefined) {
        return new Answer(hop.url, answer, await read(hop.url, answer, maxBytes))
      }
      answer.body.on('error', () => {}).destroy()
      if (left === 0) {
        const message = `${start.origin} redirects more than ${redirects} times`
        throw new ServiceError('TOO_MANY_REDIRECTS', message, 'Ask the last address directly.')
      }
      hop = redirected(hop, answer.statusCode, String(location))
    }
  }

  async #send(hop: Hop, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { url, method, headers, body = null } = hop
    this.#agent ??= this.#open()
    const { undici, agent } = await this.#agent
    return undici.request(url, { dispatcher: agent, method, headers, body, signal })
  }

  async #open(): Promise<{ undici: Undici; agent: Agent }> {
    const undici = await import('undici')
    const connector = (secure: boolean) =>
      undici.buildConnector({ lookup: guardedLookup(this.#rules, this.#resolve, secure) })
    const tls = connector(true)
    const plain = connector(false)
    const agent = new undici.Agent({
      connect: (options, callback) =>
        (options.protocol === 'https:' ? tls : plain)(options, callback),
    })
    return { undici, agent }
  }
}

class Answer implements HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly url: string
  readonly #body: Buffer

  constructor(url: URL, { statusCode, headers }: Dispatcher.ResponseData, body: Buffer) {
    this.url = url.href
    this.status = statusCode
    this.headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
    )
    this.#body = body
  }

  text(): string {
    return this.#body.toString('utf8')
  }

  json(): unknown {
    try {
      return JSON.parse(this.text())
    } catch (cause) {
      const message = `${this.url.split('?')[0]} (HTTP ${this.status}) answered no JSON`
      throw new ServiceError('NOT_JSON', message, 'See whether the address is right.', { cause })
    }
  }
}

async function read(
  url: URL,
  { body }: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) break
    chunks.push(chunk)
  }
  if (size <= maxBytes) return Buffer.concat(chunks)
  body.on('error', () => {}).destroy()
  const message = `${url.origin} answered more than ${maxBytes} bytes`
  throw new ServiceError('TOO_LARGE', message, 'Ask for less, or raise `maxBytes`.')
}

function redirected({ url, method, headers, body }: Hop, status: number, location: string): Hop {
  const next = urlOf(location, url)
  const kept = Object.entries(headers).filter(
    ([name]) => next.origin === url.origin || !PRIVATE_HEADERS.has(name.toLowerCase()),
  )
  const asGet = status === 303 || (status < 303 && method === 'POST')
  if (!asGet || method === 'HEAD') {
    return { url: next, method, headers: Object.fromEntries(kept), body }
  }
  const bare = kept.filter(([name]) => !name.toLowerCase().startsWith('content-'))
  return { url: next, method: 'GET', headers: Object.fromEntries(bare), body: undefined }
}

function urlOf(address: string | URL, base?: URL): URL {
  try {
    return new URL(address, base)
  } catch {
    // Not quoted: whatever it is, it may hold a secret.
    throw new ServiceError('EGRESS_REFUSED', 'this is no address', 'Use an https address.')
  }
}
