import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import type { ListenConfig } from './settings.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const EXPOSED = 'Mcp-Session-Id, WWW-Authenticate'
const HEADERS =
  'Content-Type, Accept, Authorization, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name'

/** The host of a `Host` header or URL, without its port; IPv6 in brackets. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '')
}

/**
 * Who may knock: the `Host` and `Origin` checks against DNS rebinding, and CORS
 * (Streamable HTTP, security warning).
 */
export class Doors {
  readonly #origins: ReadonlySet<string>
  /** `undefined`: any host, because the gateway is reachable under names it cannot know. */
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #loopback: boolean
  readonly #section: string
  /** The last `Host` that was served: nearly every request says the same. */
  #lately: string | undefined

  /** @param section the setting that refusals name */
  constructor(
    {
      host,
      publicUrl,
      allowedOrigins,
      allowedHosts,
    }: Pick<ListenConfig, 'host' | 'publicUrl' | 'allowedOrigins' | 'allowedHosts'>,
    section: 'listen' | 'admin' = 'listen',
  ) {
    this.#section = section
    this.#loopback = LOOPBACK.has(host) || host === '::1'
    const publicHost = publicUrl === undefined ? [] : [hostName(new URL(publicUrl).host)]
    const known = [...publicHost, ...allowedHosts.map(hostName)]
    this.#origins = new Set([
      ...allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, '')),
      ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin]),
    ])
    this.#hosts = this.#loopback
      ? new Set([...LOOPBACK, ...known])
      : known.length > 0
        ? new Set([...known, host.includes(':') ? `[${host.toLowerCase()}]` : host.toLowerCase()])
        : undefined
  }

  /** Why a request must be refused with 403, or nothing. */
  refuse(headers: IncomingHttpHeaders): string | undefined {
    const { host, origin } = headers
    if (!this.#serves(host)) return this.#unserved(host)
    if (origin !== undefined && !this.#admits(origin)) {
      return `Origin ${origin} may not call this gateway. Add it to \`${this.#section}.allowedOrigins\``
    }
    return undefined
  }

  /**
   * Why a probe must be refused with 403, or nothing. An address in place of a name is what probes inside
   * a cluster send, and nobody's rebound name.
   */
  refuseName({ host }: IncomingHttpHeaders): string | undefined {
    if (host !== undefined && isIP(hostName(host).replace(/^\[|\]$/g, '')) !== 0) return undefined
    return this.#serves(host) ? undefined : this.#unserved(host)
  }

  /** CORS headers for an admitted origin, flat. */
  cors(origin: string | undefined): string[] {
    if (origin === undefined) return []
    return [
      'access-control-allow-origin',
      origin,
      'access-control-expose-headers',
      EXPOSED,
      'vary',
      'Origin',
    ]
  }

  /** What a preflight is answered with besides. */
  preflight({ 'access-control-request-headers': wanted }: IncomingHttpHeaders): string[] {
    return [
      'access-control-allow-methods',
      'GET, POST, DELETE, OPTIONS',
      'access-control-allow-headers',
      // Auth plugins and `Mcp-Param-*` have header names of their own; who may ask is judged by origin.
      wanted ?? HEADERS,
      'access-control-max-age',
      '86400',
    ]
  }

  #serves(host: string | undefined): boolean {
    if (this.#hosts === undefined) return true
    if (host === undefined) return false
    if (host === this.#lately) return true
    if (!this.#hosts.has(hostName(host))) return false
    this.#lately = host
    return true
  }

  #unserved(host: string | undefined): string {
    const also = this.#section === 'listen' ? ', or set `listen.publicUrl`' : ''
    return `Host ${host ?? '(none)'} is not served here. Add it to \`${this.#section}.allowedHosts\`${also}`
  }

  #admits(origin: string): boolean {
    if (this.#origins.has(origin.toLowerCase())) return true
    if (!this.#loopback || !URL.canParse(origin)) return false
    const { protocol, hostname } = new URL(origin)
    return (protocol === 'http:' || protocol === 'https:') && LOOPBACK.has(hostname)
  }
}
