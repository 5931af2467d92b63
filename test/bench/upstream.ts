/**
 * An MCP server that costs next to nothing: every answer is a prebuilt string with the id put in.
 * `modern` speaks 2026-07-28 and nothing else, `legacy` speaks 2025-11-25 with sessions and nothing
 * else; each answers the other era the way real servers do.
 *
 * Usage: node upstream.ts [--era modern|legacy] [--tools 20] [--size 64] [--stream none|one|progress] [--stdio].
 * Reports its url over IPC; with `--stdio` it speaks over its pipes, one message a line.
 * `--stream`: a call is answered as JSON, as one SSE event, or as two with a progress notification before the
 * result (where the call has a token for it; over pipes that is what `progress` does, too).
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import {
  Answers,
  failure,
  type Kind,
  type Message,
  progress,
  type Reply,
  type Stream,
  TAIL,
} from './answers.ts'

const SESSIONS = 100_000

const { values } = parseArgs({
  options: {
    era: { type: 'string', default: 'modern' },
    tools: { type: 'string', default: '20' },
    size: { type: 'string', default: '64' },
    stream: { type: 'string', default: 'none' },
    stdio: { type: 'boolean', default: false },
  },
})
const kind: Kind = {
  era: values.era as Kind['era'],
  tools: Number(values.tools),
  size: Number(values.size),
  stream: values.stream as Stream,
}
const modern = kind.era === 'modern'
const answers = new Answers(kind)
const sessions = new Set<string>()

if (values.stdio) overPipes()
else overHttp()

function overHttp(): void {
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
}

function overPipes(): void {
  let held = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (chunk: string) => {
    const lines = (held + chunk).split('\n')
    held = lines.pop() as string
    let text = ''
    for (const line of lines) {
      if (line.trim() !== '') text += lineFor(JSON.parse(line))
    }
    if (text !== '') process.stdout.write(text)
  })
  process.stdin.on('end', () => process.exit())
}

function lineFor(message: Message): string {
  const chosen = answers.choose(message)
  if (chosen === undefined) return ''
  const first = before(chosen, message)
  const text = `${chosen.head}${JSON.stringify(message.id)}${TAIL}\n`
  return first === undefined ? text : `${first}\n${text}`
}

function answer(request: IncomingMessage, response: ServerResponse, text: string): void {
  let message: Message
  try {
    message = JSON.parse(text)
  } catch {
    send(response, failure(400, -32700, 'the body is not JSON'), null)
    return
  }
  const chosen = refused(request, message) ?? answers.choose(message)
  if (chosen === undefined) empty(response, 202)
  else {
    if (message.method === 'initialize' && chosen.status === 200 && !modern) open(response)
    if (chosen.streams && kind.stream !== 'none') stream(response, chosen, message)
    else send(response, chosen, message.id ?? null)
  }
}

/** The refusal of a legacy message without its session. */
function refused(request: IncomingMessage, { method }: Message): Reply | undefined {
  if (modern || method === 'initialize') return undefined
  const session = request.headers['mcp-session-id']
  if (session === undefined) {
    return failure(400, -32000, 'Bad Request: No valid session ID provided')
  }
  return sessions.has(String(session)) ? undefined : failure(404, -32001, 'Session not found')
}

/** What is said before the answer. */
function before(chosen: Reply, { params }: Message): string | undefined {
  const token = params?._meta?.progressToken
  if (!chosen.streams || kind.stream !== 'progress' || token === undefined) return undefined
  return progress(token)
}

function open(response: ServerResponse): void {
  const session = randomUUID()
  if (sessions.size === SESSIONS) sessions.clear()
  sessions.add(session)
  response.setHeader('mcp-session-id', session)
}

function stream(response: ServerResponse, chosen: Reply, message: Message): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const first = before(chosen, message)
  if (first !== undefined) response.write(`event: message\ndata: ${first}\n\n`)
  const id = JSON.stringify(message.id)
  response.end(`event: message\ndata: ${chosen.head}${id}${TAIL}\n\n`)
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
