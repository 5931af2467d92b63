// A server of 2025-11-25 in a process of its own, for redeploy.test.ts. It tells its parent what it executes,
// answers held calls on `release`, and on `drain` takes nothing new and goes once all is answered.
import { createServer } from 'node:http'

const name = process.argv[2]
const known = new Set()
const held = []
let draining = false
const tool = (name, readOnlyHint) => ({
  name,
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint },
})
const tell = (what) => process.send?.(what)

const server = createServer(async (request, response) => {
  const text = Buffer.concat(await request.toArray()).toString()
  const { id, method, params } = text === '' ? {} : JSON.parse(text)
  const say = (result) => {
    if (draining) response.setHeader('connection', 'close')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  if (request.method !== 'POST') return response.writeHead(405).end()
  if (method === 'server/discover') return response.writeHead(400).end()
  if (method === 'initialize') {
    const session = `${name}-${known.size}`
    known.add(session)
    tell({ opened: session })
    response.setHeader('mcp-session-id', session)
    return say({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} })
  }
  if (!known.has(request.headers['mcp-session-id'])) return response.writeHead(404).end()
  if (id === undefined) return response.writeHead(202).end()
  if (method === 'tools/list') return say({ tools: [tool('write', false), tool('look', true)] })
  const { n, hold } = params.arguments
  tell({ executed: `${params.name} ${n}` })
  const finish = () => say({ content: [{ type: 'text', text: `${name} ${n}` }] })
  if (hold) held.push(finish)
  else finish()
})

process.on('message', (what) => {
  if (what === 'release') for (const finish of held.splice(0)) finish()
  if (what === 'drain') {
    draining = true
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  }
})
process.on('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }))
