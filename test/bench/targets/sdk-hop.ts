/**
 * A hop made of nothing but the official SDK (1.x), as its documentation says: express, a server and a transport
 * for each session, one client towards the upstream, every list and call handed on.
 *
 * Usage: node sdk-hop.ts <upstream url>. Reports its url over IPC.
 */
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

const PREFIX = 'demo__'
const INFO = { name: 'sdk-hop', version: '1.0.0' }

const client = new Client(INFO)
await client.connect(
  new StreamableHTTPClientTransport(new URL(process.argv[2] as string)) as Transport,
)

function serverOfSession(): Server {
  const server = new Server(INFO, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const { tools } = await client.listTools()
    return { tools: tools.map((tool) => ({ ...tool, name: PREFIX + tool.name })) }
  })
  server.setRequestHandler(CallToolRequestSchema, ({ params }) =>
    client.callTool({ name: params.name.slice(PREFIX.length), arguments: params.arguments ?? {} }),
  )
  return server
}

const transports = new Map<string, StreamableHTTPServerTransport>()
const app = createMcpExpressApp()
app.all('/mcp', async (request, response) => {
  const session = request.headers['mcp-session-id']
  let transport = typeof session === 'string' ? transports.get(session) : undefined
  if (transport === undefined) {
    const opened: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, opened),
      onsessionclosed: (id) => void transports.delete(id),
    })
    transport = opened
    await serverOfSession().connect(opened as Transport)
  }
  await transport.handleRequest(request, response, request.body)
})

const door = app.listen(0, '127.0.0.1', () => {
  const { port } = door.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
process.once('disconnect', () => process.exit())
