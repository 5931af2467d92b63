/** The bytes a client of either era sends, built once and reused for every call. */

/** The protocol revision of modern clients and servers. */
export const MODERN = '2026-07-28'
/** The protocol revision of legacy clients and servers. */
export const LEGACY = '2025-11-25'
/** What the protocol's own keys in `_meta` begin with. */
export const META = 'io.modelcontextprotocol/'
/** Every result of the bench's upstream carries a text that begins so. */
export const MARK = 'answered by the upstream of the bench '

/** `modern` calls carry their envelope, `legacy` ones a session. */
export type Era = 'modern' | 'legacy'

/** Where a client calls, what, and with which headers of its own. */
export interface Aim {
  readonly url: string
  readonly era: Era
  readonly tool: string
  readonly headers: Readonly<Record<string, string>>
  /** Arguments besides those of every call. */
  readonly args?: Readonly<Record<string, string>>
  /** What is asked for; a call when missing. */
  readonly method?: 'tools/call' | 'tools/list'
  /** `sse` is the HTTP+SSE of 2024-11-05, for legacy clients; Streamable HTTP when missing. */
  readonly transport?: 'http' | 'sse'
  /** Whether each call asks for progress, and must be told of some. */
  readonly progress?: boolean
}

/** All ids have the same number of digits, so that they can be overwritten in place. */
export const FIRST_ID = 100_000_000

const clientInfo = { name: 'bench', version: '1.0.0' }

const TOKEN = 'bench'

/** A request whose id is changed in place between one sending and the next. */
export class CallRequest {
  readonly bytes: Buffer
  /** What the answer must contain besides {@link needed}. */
  readonly expected = Buffer.from(`"id":${FIRST_ID}`)
  /** What every answer must contain. */
  readonly needed: readonly Buffer[]
  readonly #idAt: number
  #id = FIRST_ID

  constructor(aim: Aim, session: string | undefined) {
    const method = aim.method ?? 'tools/call'
    const modern = aim.era === 'modern'
    const meta = {
      ...(modern ? envelope() : {}),
      ...(aim.progress === true ? { progressToken: TOKEN } : {}),
    }
    const args = { text: 'How much does one more hop cost?', ...aim.args }
    const params = {
      ...(method === 'tools/call' ? { name: aim.tool, arguments: args } : {}),
      ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}),
    }
    const text = JSON.stringify({ method, params, jsonrpc: '2.0', id: FIRST_ID })
    this.bytes = post(aim, text, {
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
      'MCP-Protocol-Version': modern ? MODERN : LEGACY,
      ...(modern ? { 'Mcp-Method': method } : {}),
      ...(modern && method === 'tools/call' ? { 'Mcp-Name': aim.tool } : {}),
    })
    this.needed = [
      method === 'tools/call' ? `"text":"${MARK}` : `"name":"${aim.tool}`,
      ...(aim.progress === true ? [`"progressToken":"${TOKEN}"`] : []),
    ].map((word) => Buffer.from(word))
    this.#idAt = this.bytes.length - `${FIRST_ID}}`.length
  }

  /** Moves on to the next id. */
  next(): void {
    const id = String(++this.#id)
    this.bytes.write(id, this.#idAt, 'latin1')
    this.expected.write(id, '"id":'.length, 'latin1')
  }
}

/** The first message of a legacy client. */
export function initialize(aim: Aim): Buffer {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo }
  return post(aim, JSON.stringify({ method: 'initialize', params, jsonrpc: '2.0', id: 0 }), {})
}

/** The second message of a legacy client, answered without a body. */
export function initialized(aim: Aim, session: string | undefined): Buffer {
  const text = JSON.stringify({ method: 'notifications/initialized', jsonrpc: '2.0' })
  return post(aim, text, sessionHeaders(session))
}

/** Opens the stream of an HTTP+SSE client. */
export function listen(aim: Aim): Buffer {
  return Buffer.from(head('GET', aim, { Accept: 'text/event-stream' }))
}

/** The last message of a legacy client. */
export function goodbye(aim: Aim, session: string): Buffer {
  return Buffer.from(head('DELETE', aim, sessionHeaders(session)))
}

function sessionHeaders(session: string | undefined): Record<string, string> {
  return {
    'MCP-Protocol-Version': LEGACY,
    ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
  }
}

function envelope() {
  return {
    [`${META}protocolVersion`]: MODERN,
    [`${META}clientInfo`]: clientInfo,
    [`${META}clientCapabilities`]: {},
  }
}

function post(aim: Aim, text: string, headers: Record<string, string>): Buffer {
  const all = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...headers,
    'Content-Length': String(Buffer.byteLength(text)),
  }
  return Buffer.from(head('POST', aim, all) + text)
}

function head(method: string, aim: Aim, headers: Record<string, string>): string {
  const { host, pathname, search } = new URL(aim.url)
  const fields = Object.entries({ Host: host, ...headers, ...aim.headers })
  return `${method} ${pathname}${search} HTTP/1.1\r\n${fields.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`
}
