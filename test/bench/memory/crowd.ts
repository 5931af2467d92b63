import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Connection } from '../connection.ts'
import { type Aim, initialize, initialized, LEGACY, META, MODERN } from '../wire.ts'

/** How many are being opened at once. */
const AT_ONCE = 64

/** Runs `one` so many times, some at once. */
export async function each(count: number, one: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker))
}

/** Opens so many legacy sessions by their handshake, on a few connections that are closed afterwards. @returns their ids */
export async function openSessions(url: string, count: number): Promise<string[]> {
  const aim: Aim = { url, era: 'legacy', tool: '', headers: {} }
  const connections = await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, count) }, () => Connection.open(url)),
  )
  const ids: string[] = []
  await Promise.all(
    connections.map(async (connection) => {
      for (let left = true; left; left = ids.length + connections.length <= count) {
        const { head } = await connection.exchange(initialize(aim))
        const id = /^mcp-session-id: *(\S+)/im.exec(head)?.[1]
        if (id === undefined) throw new Error(`no session was opened: ${head.split('\r\n', 1)[0]}`)
        await connection.exchange(initialized(aim, id))
        ids.push(id)
      }
    }),
  )
  for (const connection of connections) connection.close()
  return ids
}

/** The bytes that open a listen stream: 2026-07-28's, or the one of a legacy session. */
export function streamRequest(url: string, session?: string): string {
  const { host, pathname } = new URL(url)
  const common = [`Host: ${host}`, 'Accept: application/json, text/event-stream']
  if (session !== undefined) {
    const own = [`MCP-Protocol-Version: ${LEGACY}`, `Mcp-Session-Id: ${session}`]
    return [`GET ${pathname} HTTP/1.1`, ...common, ...own, '', ''].join('\r\n')
  }
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: {
      notifications: { toolsListChanged: true, promptsListChanged: true },
      _meta: {
        [`${META}protocolVersion`]: MODERN,
        [`${META}clientInfo`]: { name: 'bench', version: '1.0.0' },
        [`${META}clientCapabilities`]: {},
      },
    },
  })
  const own = [
    `MCP-Protocol-Version: ${MODERN}`,
    'Mcp-Method: subscriptions/listen',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return [`POST ${pathname} HTTP/1.1`, ...common, ...own, '', body].join('\r\n')
}

/** Opens a stream each. Resolves when each has begun to speak. @throws Error when one is refused */
export async function openStreams(
  url: string,
  count: number,
  request: (n: number) => string,
): Promise<Socket[]> {
  const { hostname, port } = new URL(url)
  const open: Socket[] = []
  try {
    await each(count, async (n) => {
      const socket = connect(Number(port), hostname)
      open.push(socket)
      socket.setEncoding('latin1')
      await once(socket, 'connect')
      socket.write(request(n))
      let said = ''
      while (!/\r\n\r\n.*(data|id):/s.test(said)) {
        const [chunk] = (await once(socket, 'data')) as [string]
        said += chunk
        if (said.length > 12 && !/^HTTP\/1\.1 200/.test(said)) throw new Error(said)
      }
      socket.on('error', () => {})
    })
  } catch (cause) {
    drop(open)
    throw cause
  }
  return open
}

/** Goes without a word: every other connection is reset. */
export function drop(sockets: readonly Socket[]): void {
  for (const [n, socket] of sockets.entries()) {
    if (n % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
  }
}
