import type { ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Scope } from '../../fixtures/gateway.ts'
import { serve } from '../../fixtures/upstreams.ts'

interface Request {
  readonly id: number
  readonly method: string
  readonly params: {
    readonly name: string
    readonly arguments?: Readonly<Record<string, unknown>>
    readonly _meta?: { readonly progressToken?: number }
  }
}

/** An upstream that does exactly what a test says, and says what it saw. */
export interface Stub {
  readonly url: string
  /** The arguments of each call, in order of arrival. */
  readonly calls: readonly unknown[]
  /** Forgets the calls there were. */
  forget(): void
  /** How many calls were closed from the other side. */
  readonly closed: number
  /** Resolves once that is so, asked now and after everything that happens here. */
  until(holds: () => boolean): Promise<void>
  /** Lets every call of `hold` go on that is waiting now. */
  release(): void
}

const TOOLS = ['echo', 'fails', 'refuses', 'missing', 'hold', 'breaks']

/** A modern server, by hand. */
export async function stubUpstream(scope: Scope): Promise<Stub> {
  const calls: unknown[] = []
  const held = new Set<() => void>()
  const looks = new Set<() => void>()
  let closed = 0
  const happened = () => {
    for (const look of looks) look()
  }
  const url = await serve(scope, async (request, response) => {
    const read = (await json(request).catch(() => undefined)) as Request | undefined
    // Cancelled before it was sent.
    if (read === undefined) return
    const { id, method, params } = read
    const answer = (part: object) => say(response, { jsonrpc: '2.0', id, ...part })
    const result = (members: object) => answer({ result: { resultType: 'complete', ...members } })
    if (method === 'server/discover') {
      return result({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
    }
    if (method === 'tools/list') {
      const tools = TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } }))
      return result({ tools, ttlMs: 0, cacheScope: 'public' })
    }
    if (method !== 'tools/call') return answer({ error: { code: -32601, message: 'no' } })
    const args = params.arguments ?? {}
    calls.push(args)
    response.on('close', () => {
      if (!response.writableFinished) closed++
      happened()
    })
    happened()
    const text = (words: string) => ({ content: [{ type: 'text', text: words }] })
    switch (params.name) {
      case 'fails':
        return result({ ...text('it went wrong'), isError: true })
      case 'refuses':
        return answer({ error: { code: -32050, message: 'not like this', data: { n: 1 } } })
      case 'missing':
        return answer({ error: { code: -32002, message: 'no such thing', data: { uri: 'a:b' } } })
      case 'breaks':
        return response.destroy()
      case 'hold': {
        const token = params._meta?.progressToken
        if (token !== undefined) {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          const step = { progressToken: token, progress: 1 }
          event(response, { jsonrpc: '2.0', method: 'notifications/progress', params: step })
        }
        return held.add(() => result(text('held')))
      }
      default:
        return result(text(JSON.stringify(args)))
    }
  })
  return {
    url,
    calls,
    get closed() {
      return closed
    },
    until: (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds()) return
          looks.delete(look)
          resolve()
        }
        looks.add(look)
        look()
      }),
    forget() {
      calls.length = 0
    },
    release() {
      for (const go of held) go()
      held.clear()
    },
  }
}

function event(response: ServerResponse, message: object): void {
  response.write(`data: ${JSON.stringify(message)}\n\n`)
}

function say(response: ServerResponse, message: object): void {
  if (response.headersSent) {
    event(response, message)
    response.end()
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(message))
}
