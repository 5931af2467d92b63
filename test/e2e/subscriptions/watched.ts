import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server as LegacyServer } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import * as protocol from '@modelcontextprotocol/sdk/types.js'
import { createMcpHandler, Server as ModernServer } from '@modelcontextprotocol/server'
import type { Scope } from '../../fixtures/gateway.ts'
import type { Era } from '../../fixtures/raw.ts'
import { adapt, serve } from '../../fixtures/upstreams.ts'

const NAME = { name: 'watched', version: '1.0.0' }
const CAPABILITIES = { capabilities: { resources: { subscribe: true } } }

/** A server whose resources can be watched. */
export interface Watched {
  readonly url: string
  /** The URIs that somebody is subscribed to just now, each as often as it is. */
  subscribed(): string[]
  /** Says that a resource has changed. @param more of `params`, in the legacy era */
  update(uri: string, more?: object): void
  /** Forgets every session and cuts every stream, as a restart would. */
  restart(): void
}

/** A server with these resources, by the SDK of its era. */
export function watched(scope: Scope, era: Era, uris: readonly string[]): Promise<Watched> {
  const resources = uris.map((uri) => ({ uri, name: uri }))
  return era === 'legacy' ? legacy(scope, resources) : modern(scope, resources)
}

type Resources = { uri: string; name: string }[]

async function legacy(scope: Scope, resources: Resources): Promise<Watched> {
  interface Open {
    readonly server: LegacyServer
    readonly wire: StreamableHTTPServerTransport
    readonly uris: Set<string>
  }
  const sessions = new Map<string, Open>()
  const streams = new Set<ServerResponse>()
  const open = async () => {
    const uris = new Set<string>()
    const server = new LegacyServer(NAME, CAPABILITIES)
    server.setRequestHandler(protocol.ListResourcesRequestSchema, () => ({ resources }))
    server.setRequestHandler(protocol.ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: [],
    }))
    server.setRequestHandler(protocol.SubscribeRequestSchema, ({ params: { uri } }) => {
      if (uri.endsWith('refused')) throw new protocol.McpError(-32050, 'not this one')
      uris.add(uri)
      return {}
    })
    server.setRequestHandler(protocol.UnsubscribeRequestSchema, ({ params: { uri } }) => {
      uris.delete(uri)
      return {}
    })
    const wire: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { server, wire, uris }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await server.connect(wire as Parameters<LegacyServer['connect']>[0])
    return wire
  }
  const url = await serve(scope, async (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (id !== undefined && known === undefined) return void response.writeHead(404).end()
    track(streams, request, response)
    await (known?.wire ?? (await open())).handleRequest(request, response)
  })
  return {
    url,
    subscribed: () => [...sessions.values()].flatMap(({ uris }) => [...uris]).sort(),
    update(uri, more = {}) {
      for (const { server, uris } of sessions.values()) {
        const below = [...uris].some((one) => uri === one || uri.startsWith(`${one}/`))
        if (below) void server.sendResourceUpdated({ uri, ...more })
      }
    },
    restart() {
      sessions.clear()
      for (const stream of streams) stream.destroy()
    },
  }
}

async function modern(scope: Scope, resources: Resources): Promise<Watched> {
  const streams = new Set<ServerResponse>()
  const asked = new Map<ServerResponse, string[]>()
  const handler = createMcpHandler(
    () => {
      const server = new ModernServer(NAME, CAPABILITIES)
      server.setRequestHandler('resources/list', () => ({ resources }))
      server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }))
      return server
    },
    { legacy: 'reject' },
  )
  scope.after(() => handler.close())
  const fetch = async (request: Request, response: ServerResponse) => {
    const text = await request.clone().text()
    const message = text === '' ? {} : JSON.parse(text)
    const answer = await handler.fetch(request)
    if (message.method === 'subscriptions/listen') {
      asked.set(response, message.params.notifications.resourceSubscriptions ?? [])
      response.on('close', () => asked.delete(response))
    }
    return answer
  }
  const url = await serve(scope, (request, response) => {
    track(streams, request, response)
    return adapt((one) => fetch(one, response), request, response)
  })
  return {
    url,
    subscribed: () => [...asked.values()].flat().sort(),
    update: (uri) => handler.notify.resourceUpdated(uri),
    restart() {
      for (const stream of streams) stream.destroy()
    },
  }
}

function track(streams: Set<ServerResponse>, _: IncomingMessage, response: ServerResponse): void {
  streams.add(response)
  response.on('close', () => streams.delete(response))
}
