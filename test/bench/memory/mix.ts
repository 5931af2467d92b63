import { Connection } from '../connection.ts'
import { type Aim, type Era, initialize, initialized, LEGACY, MARK, META, MODERN } from '../wire.ts'

/** How a call ends. */
export type Kind = 'json' | 'stream' | 'fail' | 'refuse' | 'cancel'

/** How many of a hundred calls are of each kind. */
const SHARES: Readonly<Record<Kind, number>> = {
  json: 60,
  stream: 25,
  fail: 7,
  refuse: 6,
  cancel: 2,
}
/** Clients at once, half of them of each era. */
const CLIENTS = 16
/** Milliseconds that a call runs before it is cancelled. */
const RUNS = 10
/** Milliseconds until the servers' lists must have been read. */
const CONNECTS = 15_000

/** The kind of the n-th call: all kinds come in turn, whatever the number of calls. */
export function kindOf(n: number): Kind {
  // 37 has no factor in common with 100: the kinds are strewn.
  let place = (n * 37) % 100
  for (const [kind, share] of Object.entries(SHARES) as [Kind, number][]) {
    if (place < share) return kind
    place -= share
  }
  return 'json'
}

/** Makes so many calls of all kinds and both eras. @returns how many of each kind. @throws Error at the first wrong answer */
export async function callAll(url: string, calls: number): Promise<Record<Kind, number>> {
  const done: Record<Kind, number> = { json: 0, stream: 0, fail: 0, refuse: 0, cancel: 0 }
  let next = 0
  const clients = Array.from({ length: CLIENTS }, async (_, n) => {
    const client = await Client.open(url, n % 2 === 0 ? 'modern' : 'legacy')
    while (next < calls) {
      const kind = kindOf(next++)
      await client.call(kind)
      done[kind]++
    }
    client.close()
  })
  await Promise.all(clients)
  return done
}

/** Resolves once the servers of both eras answer through the gateway. @throws Error when they do not within 15 s */
export async function answering(url: string): Promise<void> {
  const until = performance.now() + CONNECTS
  for (const era of ['modern', 'legacy'] as const) {
    const client = await Client.open(url, era)
    while (true) {
      try {
        await client.call('json')
        break
      } catch (cause) {
        if (performance.now() > until) throw cause
        await new Promise((resolve) => setTimeout(resolve, RUNS))
      }
    }
    client.close()
  }
}

class Client {
  readonly #url: string
  readonly #era: Era
  #connection: Connection
  #session: string | undefined
  #id = 0

  private constructor(url: string, era: Era, connection: Connection) {
    this.#url = url
    this.#era = era
    this.#connection = connection
  }

  static async open(url: string, era: Era): Promise<Client> {
    const client = new Client(url, era, await Connection.open(url))
    if (era === 'modern') return client
    const aim: Aim = { url, era, tool: '', headers: {} }
    const { head } = await client.#connection.exchange(initialize(aim))
    client.#session = /^mcp-session-id: *(\S+)/im.exec(head)?.[1]
    await client.#connection.exchange(initialized(aim, client.#session))
    return client
  }

  async call(kind: Kind): Promise<void> {
    const id = ++this.#id
    if (kind === 'cancel') return this.#cancel(id)
    const { status, body } = await this.#connection.exchange(this.#request(kind, id))
    const wanted = [`"id":${id},`, MARK, ...(kind === 'stream' ? ['"progressToken":'] : [])]
    if (status === 200 && wanted.every((word) => body.includes(word))) return
    throw new Error(`${this.#era} ${kind}: ${status} ${body.toString('utf8', 0, 300)}`)
  }

  close(): void {
    this.#connection.close()
  }

  /** By going away in the one era, by saying so in the other. */
  async #cancel(id: number): Promise<void> {
    const gone = this.#connection.exchange(this.#request('slow', id)).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, RUNS))
    const other = await Connection.open(this.#url)
    if (this.#era === 'legacy') {
      const params = { requestId: id, reason: 'no longer wanted' }
      const { status } = await other.exchange(
        this.#post({ method: 'notifications/cancelled', params }),
      )
      if (status !== 202) throw new Error(`legacy cancel: ${status}`)
    }
    this.#connection.close()
    await gone
    this.#connection = other
  }

  #request(tool: string, id: number): Buffer {
    const name = `${this.#era}__${tool}`
    const token = tool === 'stream' ? { progressToken: id } : {}
    const envelope = {
      [`${META}protocolVersion`]: MODERN,
      [`${META}clientInfo`]: { name: 'bench', version: '1.0.0' },
      [`${META}clientCapabilities`]: {},
    }
    const _meta = this.#era === 'modern' ? { ...envelope, ...token } : token
    return this.#post(
      { id, method: 'tools/call', params: { name, arguments: {}, _meta } },
      ...(this.#era === 'modern' ? ['Mcp-Method: tools/call', `Mcp-Name: ${name}`] : []),
    )
  }

  #post(message: object, ...headers: string[]): Buffer {
    const { host, pathname } = new URL(this.#url)
    const text = JSON.stringify({ jsonrpc: '2.0', ...message })
    const head = [
      `POST ${pathname} HTTP/1.1`,
      `Host: ${host}`,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      `MCP-Protocol-Version: ${this.#era === 'modern' ? MODERN : LEGACY}`,
      ...(this.#session === undefined ? [] : [`Mcp-Session-Id: ${this.#session}`]),
      ...headers,
      `Content-Length: ${Buffer.byteLength(text)}`,
    ]
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`)
  }
}
