/** What the bench's upstream answers: prebuilt strings with the id put in, over whichever wire. */

import { LEGACY, MARK, META, MODERN } from './wire.ts'

/** How a call over HTTP is answered: as JSON, as one SSE event, or as two with a progress notification first. */
export const STREAMS = ['none', 'one', 'progress'] as const
/** One of {@link STREAMS}. */
export type Stream = (typeof STREAMS)[number]

/** What kind of server the upstream is. */
export interface Kind {
  readonly era: 'modern' | 'legacy'
  /** How many tools it lists; the first is called `echo`. */
  readonly tools: number
  /** Bytes of text in a result. */
  readonly size: number
  readonly stream: Stream
}

/** A request or notification, as far as it is read. */
export interface Message {
  readonly id?: string | number
  readonly method?: string
  readonly params?: {
    readonly name?: string
    readonly protocolVersion?: string
    readonly _meta?: { readonly progressToken?: string | number }
  }
}

/** An answer without its id: the text is `head`, the id as JSON, {@link TAIL}. */
export interface Reply {
  /** Of the HTTP answer. */
  readonly status: number
  readonly head: string
  /** Bytes of everything but the id. */
  readonly bytes: number
  /** Whether it is a call's result, which is what may be streamed. */
  readonly streams: boolean
}

/** What ends every answer. */
export const TAIL = '}'
const serverInfo = { name: 'bench-upstream', version: '1.0.0' }
const capabilities = { tools: {} }
const OLDER = new Set(['2024-11-05', '2025-03-26', '2025-06-18'])

/** The answers of one upstream. */
export class Answers {
  readonly #modern: boolean
  readonly #known: ReadonlySet<string>
  readonly #discover: Reply
  readonly #pong: Reply
  readonly #list: Reply
  readonly #call: Reply

  constructor({ era, tools, size }: Kind) {
    this.#modern = era === 'modern'
    const names = Array.from({ length: tools }, (_, n) => (n === 0 ? 'echo' : `echo_${n}`))
    this.#known = new Set(names)
    this.#discover = this.#result({
      supportedVersions: [MODERN],
      capabilities,
      ttlMs: 0,
      cacheScope: 'public',
    })
    this.#pong = this.#result({})
    this.#list = this.#result({
      tools: names.map((name) => ({
        name,
        description: 'Answers with the same text every time.',
        inputSchema: {
          type: 'object',
          properties: { text: { type: 'string', description: 'Anything.' } },
          required: ['text'],
        },
      })),
      ...(this.#modern ? { ttlMs: 60_000, cacheScope: 'public' } : {}),
    })
    const text = MARK.padEnd(size, '.')
    this.#call = { ...this.#result({ content: [{ type: 'text', text }] }), streams: true }
  }

  /** What to answer; undefined for a notification. */
  choose({ id, method, params }: Message): Reply | undefined {
    if (id === undefined) return undefined
    const modern = this.#modern
    switch (method) {
      case 'tools/call':
        if (this.#known.has(params?.name ?? '')) return this.#call
        return failure(200, -32602, `Unknown tool: ${params?.name}`)
      case 'tools/list':
        return this.#list
      case 'server/discover':
        if (modern) return this.#discover
        break
      case 'initialize':
        if (!modern) return this.#hello(params?.protocolVersion)
        break
      case 'ping':
        if (!modern) return this.#pong
    }
    return failure(modern ? 404 : 200, -32601, `Method not found: ${method}`)
  }

  /** In the revision that the client asks for: some peers know none but older ones. */
  #hello(asked: string | undefined): Reply {
    const protocolVersion = OLDER.has(asked ?? '') ? asked : LEGACY
    return this.#result({ protocolVersion, capabilities, serverInfo })
  }

  #result(value: object): Reply {
    const stamped = this.#modern
      ? { ...value, resultType: 'complete', _meta: { [`${META}serverInfo`]: serverInfo } }
      : value
    return reply(200, `{"result":${JSON.stringify(stamped)},"jsonrpc":"2.0","id":`)
  }
}

/** A JSON-RPC error. */
export function failure(status: number, code: number, message: string): Reply {
  return reply(status, `{"error":${JSON.stringify({ code, message })},"jsonrpc":"2.0","id":`)
}

/** Half done, for the call of that token. */
export function progress(progressToken: string | number): string {
  const params = { progressToken, progress: 1, total: 2 }
  return JSON.stringify({ method: 'notifications/progress', params, jsonrpc: '2.0' })
}

function reply(status: number, head: string): Reply {
  return { status, head, bytes: Buffer.byteLength(head) + TAIL.length, streams: false }
}
