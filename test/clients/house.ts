import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import {
  acceptedContent,
  createMcpHandler,
  inputRequired,
  McpServer,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type RunningGateway, type Scope, startWith } from '../fixtures/gateway.ts'
import { adapt, serve } from '../fixtures/upstreams.ts'

const ROOT = join(import.meta.dirname, '../..')
const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js')

/** The upstreams that everything is tried with, and the name each has for its tool that echoes. */
export const UPSTREAMS = ['stdio', 'sse', 'http', 'v2'] as const

/** A gateway before the field's own servers. */
export interface House {
  readonly gateway: RunningGateway
  /** Adds a tool to the v2 server, or takes it away again, and says so. */
  change(): void
}

/** Starts server-everything over each of its wires, a server of 2026-07-28, and a gateway before them. */
export async function house(scope: Scope): Promise<House> {
  const v2 = await current(scope)
  const upstreams = {
    stdio: { command: [process.execPath, EVERYTHING, 'stdio'] },
    sse: { url: `${await everything(scope, 'sse')}/sse` },
    http: { url: `${await everything(scope, 'streamableHttp')}/mcp` },
    v2: { url: v2.url },
  }
  const gateway = await startWith(scope, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  return { gateway, change: v2.change }
}

/** A process of server-everything. It cannot say which port it got, so it has a socket, with a port before it. */
async function everything(scope: Scope, wire: 'sse' | 'streamableHttp'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-everything-'))
  const socket = join(folder, 'socket')
  const child = spawn(process.execPath, [EVERYTHING, wire], {
    env: { PATH: process.env.PATH, PORT: socket },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const port = createServer((outside) => {
    const inside = connect(socket)
    pipeline(outside, inside, outside, () => {})
  })
  scope.after(() => {
    child.kill()
    port.close()
    rmSync(folder, { recursive: true, force: true })
  })
  for await (const said of child.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    if (said.includes(socket)) break
  }
  child.stderr.resume()
  port.listen(0, '127.0.0.1')
  await once(port, 'listening')
  return `http://127.0.0.1:${(port.address() as AddressInfo).port}`
}

/** A server of 2026-07-28 by the current SDK, with one of everything. */
async function current(scope: Scope) {
  let more = false
  const open = () => {
    const server = new McpServer({ name: 'v2', version: '1' })
    const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })
    server.registerTool('echo', { inputSchema: z.object({ message: z.string() }) }, (args) =>
      text(`Echo: ${args.message}`),
    )
    server.registerTool('fail', {}, () => ({ ...text('it went wrong'), isError: true }))
    server.registerTool('slow', {}, async ({ mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken
      for (let progress = 1; progressToken !== undefined && progress <= 3; progress++) {
        const params = { progressToken, progress, total: 3 }
        await mcpReq.notify({ method: 'notifications/progress', params })
      }
      return text('done')
    })
    server.registerTool('ask', {}, ({ mcpReq }) => {
      const who = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'who')
      if (who !== undefined) return text(`Hello ${who.name}`)
      const requestedSchema = z.object({ name: z.string() })
      const question = inputRequired.elicit({ message: 'Who?', requestedSchema })
      return inputRequired({ inputRequests: { who: question } })
    })
    server.registerPrompt('greet', {}, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'Greet!' } }],
    }))
    server.registerResource('note', 'note://one', {}, (uri) => ({
      contents: [{ uri: uri.href, text: 'noted' }],
    }))
    if (more) server.registerTool('more', {}, () => text('more'))
    return server
  }
  const handler = createMcpHandler(open, { legacy: 'reject' })
  scope.after(() => handler.close())
  const url = await serve(scope, (request, response) => adapt(handler.fetch, request, response))
  return {
    url,
    change() {
      more = !more
      handler.notify.toolsChanged()
    },
  }
}
