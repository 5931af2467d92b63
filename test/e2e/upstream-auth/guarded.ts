import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Scope } from '../../fixtures/gateway.ts'
import { serve } from '../../fixtures/upstreams.ts'

/** Why a request is not let in; `undefined` lets it in. */
export type Door = (
  headers: IncomingHttpHeaders,
) => Refusal | undefined | Promise<Refusal | undefined>

/** What is answered in the server's place. */
export interface Refusal {
  readonly status: 401 | 403
  /** `WWW-Authenticate`. */
  readonly challenge?: string
}

/** A real MCP server behind a door. */
export interface Guarded {
  readonly url: string
  door: Door
  /** What stands under `/.well-known/` and other paths, by path. */
  readonly pages: Record<string, object>
  /** How many requests were refused. */
  refused: number
  /** The headers of everything that was let in, oldest first. */
  readonly admitted: IncomingHttpHeaders[]
}

/** Puts a door before a server that runs; it closes with the scope. @param inner the server's URL */
export async function guarded(scope: Scope, inner: string, door: Door): Promise<Guarded> {
  const url = await serve(scope, (incoming, response) => void enter(incoming, response))
  const guard: Guarded = {
    url: new URL(new URL(inner).pathname, url).href,
    door,
    pages: {},
    refused: 0,
    admitted: [],
  }
  const enter = async (incoming: IncomingMessage, response: ServerResponse) => {
    const page = guard.pages[incoming.url ?? '']
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page))
      return
    }
    if (incoming.url?.startsWith('/.well-known/')) return void response.writeHead(404).end()
    const refusal = await guard.door(incoming.headers)
    if (refusal !== undefined) {
      guard.refused++
      const { status, challenge } = refusal
      incoming.resume()
      response.writeHead(status, challenge === undefined ? {} : { 'www-authenticate': challenge })
      response.end()
      return
    }
    guard.admitted.push(incoming.headers)
    pass(incoming, response, inner)
  }
  return guard
}

function pass(incoming: IncomingMessage, response: ServerResponse, inner: string): void {
  const { method, headers, url = '/' } = incoming
  const onward = request(new URL(url, inner), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    response.flushHeaders()
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  incoming.pipe(onward)
}

/** A real server of HTTP+SSE (2024-11-05) with one tool, `echo`. @returns the URL of its stream */
export async function sseServer(scope: Scope): Promise<string> {
  const wires = new Map<string, SSEServerTransport>()
  const url = await serve(scope, async (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://here')
    if (incoming.method === 'POST') {
      const wire = wires.get(searchParams.get('sessionId') ?? '')
      if (wire === undefined || pathname !== '/messages') return void response.writeHead(404).end()
      return wire.handlePostMessage(incoming, response)
    }
    const server = new Server({ name: 'old', version: '1.0.0' }, { capabilities: { tools: {} } })
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: 'echo', inputSchema: { type: 'object' as const } }],
    }))
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => ({
      content: [{ type: 'text', text: String(params.arguments?.text) }],
    }))
    const wire = new SSEServerTransport('/messages', response)
    wires.set(wire.sessionId, wire)
    await server.connect(wire)
  })
  return new URL('/sse', url).href
}
