import type { Wheel } from '../../hooks/wheel.ts'
import { AIM } from '../../inbound/aim.ts'
import type { ClientMessage } from '../../inbound/message.ts'
import type { HttpExchange, HttpPool, HttpReader } from '../../outbound/http-pool.ts'
import { GET_HEADERS, merged, POST_HEADERS } from '../../outbound/sent-headers.ts'
import { isObject } from '../../wire/json.ts'
import { paramHeaders, writeParamHeaders } from '../../wire/param-headers.ts'
import { encodeHeaderValue, META } from '../../wire/protocol.ts'

/** Tools whose schemas are remembered; the oldest are forgotten first. */
const MOST_TOOLS = 10_000

/** The revision that a message names for itself; `undefined` for one of a handshake. */
export function revisionOf({ meta }: ClientMessage): string | undefined {
  const version = meta[META.version]
  return typeof version === 'string' ? version : undefined
}

/** The server at the other end, and what is remembered of it. */
export class Remote {
  readonly wheel: Wheel
  readonly #pool: HttpPool
  readonly #given: readonly string[]
  /** Tool → its `inputSchema`, as the client could have read it last. */
  readonly #schemas = new Map<string, unknown>()
  /** The legacy session, once there is one. */
  session: string | undefined
  /** The revision that a handshake came to. */
  revision: string | undefined

  /** @param given sent with every request */
  constructor(pool: HttpPool, wheel: Wheel, given: Readonly<Record<string, string>>) {
    this.#pool = pool
    this.wheel = wheel
    this.#given = merged(given, undefined)
  }

  get url(): URL {
    return this.#pool.url
  }

  /** Sends what the client sent. @param message `undefined` for a batch */
  post(text: string, message: ClientMessage | undefined, reader: HttpReader): HttpExchange {
    const own = message === undefined ? this.#session() : this.#headersOf(message)
    return this.#pool.send('POST', [...POST_HEADERS, ...this.#given, ...own], text, reader)
  }

  /** Asks for a stream of the session: the one for changes, or the rest of one that broke off. */
  stream(reader: HttpReader, lastEventId?: string): HttpExchange {
    const from = lastEventId === undefined ? [] : ['last-event-id', lastEventId]
    const headers = [...GET_HEADERS, ...this.#given, ...this.#session(), ...from]
    return this.#pool.send('GET', headers, null, reader)
  }

  /** Tells that the session is over. Resolves when that was heard, or could not be. */
  end(): Promise<void> {
    if (this.session === undefined) return Promise.resolve()
    const headers = [...this.#given, ...this.#session()]
    this.session = undefined
    return new Promise((resolve) => {
      const reader = { started() {}, data() {}, ended: resolve, failed: () => resolve() }
      this.#pool.send('DELETE', headers, null, reader)
    })
  }

  /** Waits for nobody. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  /** Remembers the schemas of a page of `tools/list`: what mirrors arguments is written from them. */
  learn(result: unknown): void {
    if (!isObject(result) || !Array.isArray(result.tools)) return
    for (const tool of result.tools) {
      if (!isObject(tool) || typeof tool.name !== 'string') continue
      this.#schemas.delete(tool.name)
      if (this.#schemas.size >= MOST_TOOLS)
        this.#schemas.delete(this.#schemas.keys().next().value as string)
      this.#schemas.set(tool.name, tool.inputSchema)
    }
  }

  #headersOf(message: ClientMessage): string[] {
    const revision = revisionOf(message)
    const { method, params, id } = message
    // A handshake begins anew, whatever there was before it.
    if (revision === undefined) return method === 'initialize' ? [] : this.#session()
    const headers = ['mcp-protocol-version', revision]
    if (method === undefined || id === undefined) return headers
    headers.push('mcp-method', method)
    const aim = AIM[method]
    const name = aim === undefined ? undefined : params[aim]
    if (typeof name !== 'string') return headers
    headers.push('mcp-name', encodeHeaderValue(name))
    if (method !== 'tools/call' || !isObject(params.arguments)) return headers
    const { list } = paramHeaders(this.#schemas.get(name))
    return [...headers, ...writeParamHeaders(list, params.arguments)]
  }

  #session(): string[] {
    return [
      ...(this.session === undefined ? [] : ['mcp-session-id', this.session]),
      ...(this.revision === undefined ? [] : ['mcp-protocol-version', this.revision]),
    ]
  }
}
