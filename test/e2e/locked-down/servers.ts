import type { Scope } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'

/** What a server of the matrix has, by the server's own names. */
export interface Has {
  readonly tools: readonly string[]
  readonly prompts?: readonly string[]
  readonly resources?: readonly string[]
  readonly templates?: readonly string[]
}

/** A server of the matrix. */
export interface Server {
  readonly url: string
  /** The own names of what was called, got and read, since it was asked the last time. */
  taken(): readonly string[]
}

const CAPABILITIES = { tools: {}, prompts: {}, resources: {} }

/** A server that has exactly this, and remembers what was wanted of it. */
export async function serverOf(scope: Scope, has: Has): Promise<Server> {
  const server: Stub = await stub(scope, 'modern')
  const taken: string[] = []
  const list = (key: string, entries: readonly object[]) => () => ({
    [key]: entries,
    ttlMs: 0,
    cacheScope: 'public',
    resultType: 'complete',
  })
  const complete = (members: object) => ({ ...members, resultType: 'complete' })
  Object.assign(server.acts, {
    'server/discover': () =>
      complete({ supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES }),
    'tools/list': list(
      'tools',
      has.tools.map((name) => ({ name, inputSchema: { type: 'object' } })),
    ),
    'prompts/list': list(
      'prompts',
      (has.prompts ?? []).map((name) => ({ name })),
    ),
    'resources/list': list(
      'resources',
      (has.resources ?? []).map((uri) => ({ uri, name: uri })),
    ),
    'resources/templates/list': list(
      'resourceTemplates',
      (has.templates ?? []).map((uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    ),
    'tools/call': ({ message }: { message: { params?: { name?: string } } }) => {
      taken.push(String(message.params?.name))
      return complete({ content: [{ type: 'text', text: 'done' }] })
    },
    'prompts/get': ({ message }: { message: { params?: { name?: string } } }) => {
      taken.push(String(message.params?.name))
      return complete({ messages: [] })
    },
    'resources/read': ({ message }: { message: { params?: { uri?: string } } }) => {
      const uri = String(message.params?.uri)
      taken.push(uri)
      return complete({ contents: [{ uri, text: 'done' }], ttlMs: 0, cacheScope: 'private' })
    },
  })
  return { url: server.url, taken: () => taken.splice(0) }
}
