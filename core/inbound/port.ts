import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GatewayError } from '../hooks/errors.ts'

/** Error codes of a client that went away. */
const HUNG_UP = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT'])

/** Whether an error only says that a client went away. */
export function isHangUp(cause: unknown): boolean {
  return HUNG_UP.has((cause as { code?: string } | null)?.code ?? '')
}

/**
 * Starts to listen.
 * @param section the setting to name when the port cannot be had
 * @throws GatewayError when it cannot
 */
export function openPort(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  section: 'listen' | 'admin',
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error) =>
      reject(
        new GatewayError([
          {
            code: 'LISTEN',
            path: section,
            reason: `cannot listen on ${host}:${port}: ${error.message}`,
            hint: `Stop what uses the port, or set \`${section}.port\` to another (0 takes any free one).`,
          },
        ]),
      )
    server.once('error', refused)
    server.listen(port, host, () => {
      server.off('error', refused)
      resolve()
    })
  })
}

/** `host:port` of a server that listens, as URLs write it. */
export function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Cuts what is still open and stops to listen. */
export async function closePort(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    if (server.listening) server.close(() => resolve())
    else resolve()
  })
  server.closeAllConnections()
  await closed
}
