/**
 * An MCP server that answers in every way there is: `json` at once, `stream` with progress before, `fail` with a
 * result that is an error, `refuse` with a protocol error, `slow` never (until its client goes). Both eras.
 * Usage: node server.ts modern|legacy. Reports its url over IPC.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LEGACY, MARK, META, MODERN } from '../wire.ts'

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: {
    readonly name?: string
    readonly _meta?: { readonly progressToken?: unknown }
  }
}

const TOOLS = ['json', 'stream', 'fail', 'refuse', 'slow']
const modern = process.argv[2] !== 'legacy'
const capabilities = { tools: {} }
const stamp = modern
  ? {
      resultType: 'complete',
      _meta: { [`${META}serverInfo`]: { name: 'memory', version: '1.0.0' } },
    }
  : {}
const content = [{ type: 'text', text: MARK }]

const server = createServer((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end()
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => answer(JSON.parse(text), response))
})
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
process.once('disconnect', () => process.exit())

function answer({ id, method, params = {} }: Message, response: ServerResponse): void {
  if (id === undefined) return void response.writeHead(202).end()
  const send = (status: number, members: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id, ...members })
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
  const result = (value: object) => send(200, { result: { ...value, ...stamp } })
  switch (method) {
    case 'server/discover':
      if (modern) return result({ supportedVersions: [MODERN], capabilities })
      break
    case 'initialize':
      if (modern) break
      response.setHeader('mcp-session-id', randomUUID())
      return result({
        protocolVersion: LEGACY,
        capabilities,
        serverInfo: { name: 'memory', version: '1.0.0' },
      })
    case 'tools/list':
      return result({ tools: TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } })) })
    case 'tools/call':
      return call(params, response, send, result, id)
  }
  send(modern ? 404 : 200, { error: { code: -32601, message: `Method not found: ${method}` } })
}

function call(
  { name, _meta }: NonNullable<Message['params']>,
  response: ServerResponse,
  send: (status: number, members: object) => void,
  result: (value: object) => void,
  id: number | string,
): void {
  switch (name) {
    case 'json':
      return result({ content })
    case 'fail':
      return result({ content, isError: true })
    case 'refuse':
      return send(200, { error: { code: -32602, message: MARK } })
    case 'slow':
      return
  }
  const event = (message: object) =>
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const params = { progressToken: _meta?.progressToken, progress: 1 }
  if (params.progressToken !== undefined) event({ method: 'notifications/progress', params })
  event({ id, result: { content, ...stamp } })
  response.end()
}
