import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Scope } from '../../fixtures/gateway.ts'
import { serve } from '../../fixtures/upstreams.ts'

/** A JSON-RPC message as the gateway sent it. */
export interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
}

/** One HTTP request that arrived. */
export interface Said {
  readonly http: string
  readonly headers: IncomingHttpHeaders
  /** The headers in order, names and values, repeated ones included. */
  readonly raw: readonly string[]
  readonly text: string
  readonly message: Message
}

/** Answers one request: by the result it returns, or by writing the response itself. */
export type Act = (said: Said, response: ServerResponse) => unknown

/** The tools a stub lists unless told otherwise. */
export const TOOLS = [
  { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'write', inputSchema: { type: 'object' } },
]
const TEXT = { content: [{ type: 'text', text: 'ok' }] }

/** An MCP server written by hand, so that it can misbehave in any way. */
export class Stub {
  url = ''
  /** Everything that arrived, oldest first. */
  readonly said: Said[] = []
  /** What to do with a method, or with `GET` and `DELETE`. */
  readonly acts: Record<string, Act> = {}
  tools: readonly unknown[] = TOOLS
  /** The session a legacy server knows. */
  session = 's1'
  readonly #era: 'legacy' | 'modern'

  constructor(era: 'legacy' | 'modern') {
    this.#era = era
  }

  /** The requests of one method, or of `GET` and `DELETE`. */
  of(method: string): Said[] {
    return this.said.filter(({ http, message }) => (message.method ?? http) === method)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = Buffer.concat(await request.toArray()).toString('utf8')
    const message = text === '' ? {} : JSON.parse(text)
    const { method: http = '', headers, rawHeaders: raw } = request
    const said = { http, headers, raw, text, message }
    this.said.push(said)
    const act = this.acts[message.method ?? http] ?? this.#usual
    const result = await act(said, response)
    if (result !== undefined) answer(response, message, result)
  }

  readonly #usual: Act = ({ http, headers, message: { method } }, response) => {
    if (http !== 'POST') return void response.writeHead(http === 'GET' ? 405 : 200).end()
    if (method === 'server/discover' && this.#era === 'modern') {
      return { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
    }
    if (method === 'initialize') {
      response.setHeader('mcp-session-id', this.session)
      return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} }
    }
    if (method?.startsWith('notifications/')) return void response.writeHead(202).end()
    if (this.#era === 'legacy' && headers['mcp-session-id'] !== this.session) {
      return void response.writeHead(headers['mcp-session-id'] === undefined ? 400 : 404).end()
    }
    if (method === 'tools/list') return { tools: this.tools }
    return TEXT
  }
}

/** A stub that listens until the scope ends. */
export async function stub(scope: Scope, era: 'legacy' | 'modern' = 'legacy'): Promise<Stub> {
  const made = new Stub(era)
  made.url = await serve(scope, (request, response) => made.handle(request, response))
  return made
}

/** Answers with a result, as one JSON body. */
export function answer(response: ServerResponse, { id }: Message, result: unknown): void {
  json(response, 200, { jsonrpc: '2.0', id, result })
}

/** Answers with anything, as one JSON body. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Answers with a JSON-RPC error. */
export function refuse(
  response: ServerResponse,
  { id }: Message,
  code: number,
  status = 200,
  message = 'refused',
): void {
  json(response, status, { jsonrpc: '2.0', id: id ?? null, error: { code, message } })
}

/** Begins an SSE answer. @returns what sends one message on it */
export function stream(response: ServerResponse): (message: object) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  return (message) =>
    void response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
}
