/**
 * An MCP server that costs next to nothing: every answer is a prebuilt string with the id put in.
 * `modern` speaks 2026-07-28 and nothing else, `legacy` speaks 2025-11-25 with sessions and nothing
 * else; each answers the other era the way real servers do.
 *
 * Usage: node upstream.ts [--era modern|legacy] [--tools 20] [--size 64]. Reports its url over IPC.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { LEGACY, MARK, META, MODERN } from './wire.ts'

interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: { readonly name?: string }
}

interface Reply {
  readonly status: number
  readonly head: string
  /** Bytes of everything but the id. */
  readonly bytes: number
}

const TAIL = '}'
const SESSIONS = 100_000

const { values } = parseArgs({
  options: {
    era: { type: 'string', default: 'modern' },
    tools: { type: 'string', default: '20' },
    size: { type: 'string', default: '64' },
  },
})
const modern = values.era === 'modern'
const serverInfo = { name: 'bench-upstream', version: '1.0.0' }
const capabilities = { tools: {} }
const names = Array.from({ length: Number(values.tools) }, (_, n) =>
  n === 0 ? 'echo' : `echo_${n}`,
)
const known = new Set(names)
const sessions = new Set<string>()

const discover = result({
  supportedVersions: [MODERN],
  capabilities,
  ttlMs: 0,
  cacheScope: 'public',
})
const initialize = result({ protocolVersion: LEGACY, capabilities, serverInfo })
const pong = result({})
const list = result({
  tools: names.map((name) => ({
    name,
    description: 'Answers with the same text every time.',
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string', description: 'Anything.' } },
      required: ['text'],
    },
  })),
  ...(modern ? { ttlMs: 60_000, cacheScope: 'public' } : {}),
})
const call = result({ content: [{ type: 'text', text: MARK.padEnd(Number(values.size), '.') }] })

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => answer(request, response, text))
  } else if (request.method === 'DELETE' && !modern) {
    sessions.delete(String(request.headers['mcp-session-id']))
    empty(response, 200)
  } else {
    response.setHeader('allow', 'POST')
    empty(response, 405)
  }
})
// The rounds of a bench are further apart than the five seconds after which node would hang up.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
process.once('disconnect', () => process.exit())

function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
  let message: Message
  try {
    message = JSON.parse(text)
  } catch {
    send(response, failure(400, -32700, 'the body is not JSON'), null)
    return
  }
  const chosen = choose(request, response, message)
  if (chosen === undefined) empty(response, 202)
  else send(response, chosen, message.id ?? null)
}

/** What to answer; undefined for a notification. */
function choose(
  request: IncomingMessage,
  response: ServerResponse,
  { id, method, params }: Message,
): Reply | undefined {
  if (!modern && method !== 'initialize') {
    const session = request.headers['mcp-session-id']
    if (session === undefined) {
      return failure(400, -32000, 'Bad Request: No valid session ID provided')
    }
    if (!sessions.has(String(session))) return failure(404, -32001, 'Session not found')
  }
  if (id === undefined) return undefined
  switch (method) {
    case 'tools/call':
      if (known.has(params?.name ?? '')) return call
      return failure(200, -32602, `Unknown tool: ${params?.name}`)
    case 'tools/list':
      return list
    case 'server/discover':
      if (modern) return discover
      break
    case 'initialize':
      if (modern) break
      open(response)
      return initialize
    case 'ping':
      if (!modern) return pong
  }
  return failure(modern ? 404 : 200, -32601, `Method not found: ${method}`)
}

function open(response: ServerResponse): void {
  const session = randomUUID()
  if (sessions.size === SESSIONS) sessions.clear()
  sessions.add(session)
  response.setHeader('mcp-session-id', session)
}

function result(value: object): Reply {
  const stamped = modern
    ? { ...value, resultType: 'complete', _meta: { [`${META}serverInfo`]: serverInfo } }
    : value
  return reply(200, `{"result":${JSON.stringify(stamped)},"jsonrpc":"2.0","id":`)
}

function failure(status: number, code: number, message: string): Reply {
  return reply(status, `{"error":${JSON.stringify({ code, message })},"jsonrpc":"2.0","id":`)
}

function reply(status: number, head: string): Reply {
  return { status, head, bytes: Buffer.byteLength(head) + TAIL.length }
}

function send(
  response: ServerResponse,
  { status, head, bytes }: Reply,
  id: string | number | null,
): void {
  const text = JSON.stringify(id)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes + Buffer.byteLength(text),
  })
  response.end(head + text + TAIL)
}

function empty(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 })
  response.end()
}
