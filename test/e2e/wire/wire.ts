import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'

export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'

/** The envelope of a modern request. */
export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What came back for one request, read to its end. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The messages of an SSE answer; the body's one message of a JSON answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly messages: any[]
  /** The last message: the answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
  /** The local port of the connection: equal for answers that came over the same one. */
  readonly port: number | undefined
}

/** A request under way. */
export interface Sending {
  readonly answer: Promise<HttpAnswer>
  /** Resolves once what arrived so far holds `text`. */
  seen(text: string): Promise<void>
  /** The messages of an SSE answer so far. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  heard(): any[]
  /** The ids of an SSE answer's events so far. */
  ids(): string[]
  /** What came so far, as it came. */
  raw(): string
  /** Reads nothing more of the answer. */
  pause(): void
  /** Cuts the connection. */
  cut(): void
  /** Sends a part of a body that was left open. */
  write(chunk: string | Buffer): void
  /** Sends the headers of a body that was left open. */
  flush(): void
  /** Ends a body that was left open. */
  end(): void
}

/** One kept-alive connection to a gateway, spoken to as bytes. */
export class Wire {
  readonly url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  #ids = 0

  constructor(scope: { after(run: () => unknown): void }, url: string) {
    this.url = url
    scope.after(() => this.#agent.destroy())
  }

  /** Begins a request. @param body left open when `null` */
  begin(
    method: string,
    headers: Headers,
    body: string | Buffer | undefined | null,
    path?: string,
  ): Sending {
    let heard = ''
    let answered: IncomingMessage | undefined
    const looks = new Set<() => void>()
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
    const sent = request(
      path === undefined ? this.url : new URL(path, this.url),
      { method, agent: this.#agent },
      (response) => {
        answered = response
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          heard += chunk
          for (const look of looks) look()
        })
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers: received } = response
          const messages = read(heard, received['content-type'])
          resolve({
            status,
            headers: received,
            text: heard,
            messages,
            json: messages.at(-1),
            port: sent.socket?.localPort,
          })
        })
      },
    )
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) sent.setHeader(name, value)
    }
    sent.on('error', reject)
    if (body !== null) sent.end(body)
    // A test that cuts the connection asks for no answer.
    promise.catch(() => {})
    return {
      answer: promise,
      seen: (text) =>
        new Promise((found, failed) => {
          promise.then(
            () => heard.includes(text) || failed(new Error(`never heard ${text} in ${heard}`)),
            failed,
          )
          const look = () => {
            if (!heard.includes(text)) return
            looks.delete(look)
            found()
          }
          looks.add(look)
          look()
        }),
      heard: () => read(heard, 'text/event-stream'),
      ids: () => [...heard.matchAll(/^id: (.*)$/gm)].map(([, id]) => id as string),
      raw: () => heard,
      pause: () => void answered?.pause(),
      cut: () => void sent.destroy(),
      write: (chunk) => void sent.write(chunk),
      flush: () => sent.flushHeaders(),
      end: () => void sent.end(),
    }
  }

  /** Sends a request and reads the answer to its end. */
  send(
    method: string,
    headers: Headers = {},
    body?: string | Buffer,
    path?: string,
  ): Promise<HttpAnswer> {
    return this.begin(method, headers, body, path).answer
  }

  /** POSTs a body as MCP clients do. */
  post(body: string | Buffer | object, headers: Headers = {}): Promise<HttpAnswer> {
    return this.beginPost(body, headers).answer
  }

  /** Begins to POST a body as MCP clients do. */
  beginPost(body: string | Buffer | object, headers: Headers = {}): Sending {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    return this.begin('POST', { ...JSON_HEADERS, ...headers }, text)
  }

  /** A modern request with the headers that mirror it. */
  modern(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    headers: Headers = {},
  ): Promise<HttpAnswer> {
    return this.beginModern(method, params, headers).answer
  }

  /** Begins a modern request with the headers that mirror it. */
  beginModern(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    headers: Headers = {},
  ): Sending {
    const { _meta, ...rest } = params
    const whole = { ...rest, _meta: { ...ENVELOPE, ...(_meta as object | undefined) } }
    return this.beginPost(
      { jsonrpc: '2.0', id: ++this.#ids, method, params: whole },
      { ...mirrored(method, params.name), ...headers },
    )
  }

  /** Opens a legacy session. @returns the headers of its requests */
  async session(headers: Headers = {}, version = LEGACY): Promise<Record<string, string>> {
    const { headers: received } = await this.post(initialize(version), headers)
    const id = String(received['mcp-session-id'])
    return { 'mcp-session-id': id, 'mcp-protocol-version': version } as Record<string, string>
  }

  /** A legacy request. */
  legacy(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    headers: Headers = {},
  ): Promise<HttpAnswer> {
    return this.post({ jsonrpc: '2.0', id: ++this.#ids, method, params }, headers)
  }
}

export const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

/** The headers that mirror a modern request. */
export function mirrored(method: string, name?: unknown): Record<string, string> {
  return {
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  }
}

/** The handshake of a legacy client. */
export function initialize(version = LEGACY): object {
  const clientInfo = { name: 'raw', version: '1' }
  const params = { protocolVersion: version, capabilities: {}, clientInfo }
  return { jsonrpc: '2.0', id: 'hello', method: 'initialize', params }
}

function read(text: string, type: string | undefined): unknown[] {
  if (type?.startsWith('application/json')) return text === '' ? [] : [JSON.parse(text)]
  if (type !== 'text/event-stream') return []
  return text.split('\n\n').flatMap((event) => {
    // HTTP+SSE: no message, but where to send some.
    if (event.startsWith('event: endpoint')) return []
    const data = event
      .split('\n')
      .flatMap((line) => (line.startsWith('data: ') ? line.slice(6) : []))
    return data.length === 0 ? [] : [JSON.parse(data.join('\n'))]
  })
}
