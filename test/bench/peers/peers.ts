import type { Upstream } from '../cases.ts'
import type { Aim, Era } from '../wire.ts'

/** What a peer is started with. */
export interface Scene {
  readonly port: number
  /** The upstream's URL. */
  readonly url: string
  /** The command that starts the upstream on pipes. */
  readonly command: readonly [string, ...string[]]
  /** Writes a file for this peer and says where. */
  file(name: string, content: object): string
}

/** Another gateway or proxy: where it comes from, how it is started, how it is called. */
export interface Peer {
  readonly name: string
  /** A package of npm, or the program that must be on PATH. */
  readonly from:
    | { readonly npm: string }
    | { readonly path: readonly string[]; readonly says: RegExp }
  readonly era: Era
  readonly transport: NonNullable<Aim['transport']>
  readonly upstream: Pick<Upstream, 'wire' | 'era'>
  /** Under which of these names it lists the upstream's tool. */
  readonly tools: readonly string[]
  /** Where it is called. */
  readonly path: string
  /** The case of ours that has the same wires on both sides. */
  readonly rival: string
  /** Every session of its own starts a process: fewer of them fit into a run. */
  readonly heavy?: boolean
  args(scene: Scene): readonly string[]
}

const NAMES = ['demo__echo', 'echo', 'demo_echo', 'demo-echo']
const OVER_STDIO = {
  era: 'legacy',
  transport: 'http',
  upstream: { wire: 'stdio', era: 'legacy' },
  tools: NAMES,
  path: '/mcp',
  rival: 'stdio, legacy',
} as const
const OVER_HTTP = {
  era: 'legacy',
  transport: 'http',
  upstream: { wire: 'http', era: 'legacy' },
  tools: NAMES,
  path: '/mcp',
  rival: 'auth-none-legacy',
} as const

/** In the order of the table. */
export const PEERS: readonly Peer[] = [
  {
    name: 'mcp-proxy',
    ...OVER_STDIO,
    from: { npm: 'mcp-proxy' },
    args: ({ port, command }) => ['--host', '127.0.0.1', '--port', `${port}`, '--', ...command],
  },
  {
    name: 'mcp-proxy, modern',
    ...OVER_STDIO,
    from: { npm: 'mcp-proxy' },
    era: 'modern',
    upstream: { wire: 'stdio', era: 'modern' },
    rival: 'stdio',
    args: ({ port, command }) => [
      ...['--host', '127.0.0.1', '--port', `${port}`, '--upstreamProtocol', 'auto'],
      ...['--', ...command],
    ],
  },
  {
    name: 'supergateway',
    ...OVER_STDIO,
    from: { npm: 'supergateway' },
    heavy: true,
    args: ({ port, command }) => [
      ...['--stdio', command.join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', `${port}`, '--logLevel', 'none'],
    ],
  },
  {
    name: 'mcp-hub',
    ...OVER_HTTP,
    from: { npm: 'mcp-hub' },
    transport: 'sse',
    rival: 'HTTP+SSE in',
    args: ({ port, url, file }) => [
      ...['--port', `${port}`],
      ...['--config', file('mcp-hub.json', { mcpServers: { demo: { url } } })],
    ],
  },
  {
    name: 'agentgateway',
    ...OVER_HTTP,
    from: { path: ['agentgateway'], says: /agentgateway|gateway/i },
    args: ({ port, url, file }) => [
      '-f',
      file('agentgateway.json', {
        mcp: { port, targets: [{ name: 'demo', mcp: { host: url } }] },
      }),
    ],
  },
  {
    // npm's program of the same name is never on PATH by this script: it is told by what it says of itself.
    name: 'TBXark mcp-proxy (Go)',
    ...OVER_HTTP,
    from: { path: ['tbxark-mcp-proxy', 'mcp-proxy'], says: /-config string/ },
    path: '/demo/mcp',
    args: ({ port, url, file }) => [
      '-config',
      file('tbxark.json', {
        mcpProxy: {
          baseURL: `http://127.0.0.1:${port}`,
          addr: `127.0.0.1:${port}`,
          name: 'bench',
          version: '1.0.0',
          type: 'streamable-http',
          options: { logEnabled: false },
        },
        mcpServers: { demo: { url, transportType: 'streamable-http' } },
      }),
    ],
  },
]
