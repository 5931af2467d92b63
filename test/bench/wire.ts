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
}

/** All ids have the same number of digits, so that they can be overwritten in place. */
export const FIRST_ID = 100_000_000

const clientInfo = { name: 'bench', version: '1.0.0' }

/** A tools/call whose id is changed in place between one sending and the next. */
export class CallRequest {
  readonly bytes: Buffer
  /** What the answer must contain besides the mark. */
  readonly expected = Buffer.from(`"id":${FIRST_ID}`)
  readonly #idAt: number
  #id = FIRST_ID

  constructor(aim: Aim, session: string | undefined) {
    const args = { text: 'How much does one more hop cost?' }
    const params = { name: aim.tool, arguments: args, ...(aim.era === 'modern' ? envelope() : {}) }
    const text = JSON.stringify({ method: 'tools/call', params, jsonrpc: '2.0', id: FIRST_ID })
    this.bytes = post(aim, text, {
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
      'MCP-Protocol-Version': aim.era === 'modern' ? MODERN : LEGACY,
      ...(aim.era === 'modern' ? { 'Mcp-Method': 'tools/call', 'Mcp-Name': aim.tool } : {}),
    })
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
    _meta: {
      [`${META}protocolVersion`]: MODERN,
      [`${META}clientInfo`]: clientInfo,
      [`${META}clientCapabilities`]: {},
    },
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
  const { host, pathname } = new URL(aim.url)
  const fields = Object.entries({ Host: host, ...headers, ...aim.headers })
  return `${method} ${pathname} HTTP/1.1\r\n${fields.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`
}
