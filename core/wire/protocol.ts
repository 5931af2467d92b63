/** The stateless revision: every request describes itself. */
export const MODERN = '2026-07-28'

/** Revisions with a handshake, newest first. */
export const LEGACY: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']

/** The newest handshake revision. */
export const NEWEST_LEGACY = '2025-11-25'

/** Keys of a modern request's envelope (2026-07-28, basic: `_meta`). */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const

/** Levels of log messages, from the most verbose (RFC 5424, as MCP names them). */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

/** What every reserved `_meta` key starts with. */
export const RESERVED = 'io.modelcontextprotocol/'

/** JSON-RPC error codes: JSON-RPC 2.0, then MCP 2026-07-28, then this gateway's own (outside the reserved range). */
export const CODE = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Until 2025-11-25. */
  resourceNotFound: -32002,
  /** 2025-11-25 only: the user has to open URLs first. */
  urlsRequired: -32042,
  headerMismatch: -32020,
  missingCapability: -32021,
  version: -32022,
  unauthenticated: 40100,
  loginRequired: 40101,
  forbidden: 40301,
  insufficientScope: 40302,
  rateLimited: 42901,
  unavailable: 50301,
  timeout: 50401,
} as const

/** How this gateway names itself to clients and upstreams. */
export interface Implementation {
  readonly name: string
  readonly version: string
}

/** A header value as SEP-2243 wants it: plain where it can be, else a Base64 sentinel. */
export function encodeHeaderValue(value: string): string {
  return /^[!-~]([ -~\t]*[!-~])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value)
    ? value
    : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** Undoes {@link encodeHeaderValue}; `undefined` when the Base64 is broken. */
export function decodeHeaderValue(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  if (encoded === undefined) return value
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)
    ? Buffer.from(encoded, 'base64').toString('utf8')
    : undefined
}
