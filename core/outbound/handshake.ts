import { isObject } from '../wire/json.ts'
import { type Implementation, LEGACY, META, MODERN, NEWEST_LEGACY } from '../wire/protocol.ts'
import { ConnectError, type Message, type Outgoing, type ServerFacts } from './link.ts'
import { envelope, errorOf } from './message.ts'

/** The request that asks a modern server who it is. */
export function discoverRequest(us: Implementation): Outgoing {
  return { method: 'server/discover', params: '', meta: envelope(us), progress: false }
}

/** The facts in an answer to `server/discover`; `undefined` when it is none of a modern server. */
export function discovered(message: Message): ServerFacts | undefined {
  const { result } = message.value
  if (!isObject(result) || !Array.isArray(result.supportedVersions)) return undefined
  if (!result.supportedVersions.includes(MODERN)) return undefined
  return {
    era: 'modern',
    protocolVersion: MODERN,
    capabilities: isObject(result.capabilities) ? result.capabilities : {},
    instructions: typeof result.instructions === 'string' ? result.instructions : '',
    ...named(isObject(result._meta) ? result._meta[META.serverInfo] : undefined),
    found: 'server/discover answered',
  }
}

/** What an answer to `server/discover` came to that is none of a modern server. @param status of HTTP, if not 200 */
export function refusedProbe(message: Message | undefined, status?: number): string {
  const error = message && errorOf(message)
  const said = error === undefined ? '' : `error ${error.code}`
  const answer = [status === undefined ? '' : `HTTP ${status}`, said].filter(Boolean).join(', ')
  return `server/discover brought ${answer === '' ? 'no result of its kind' : answer}`
}

/** The same where there was no answer within so many milliseconds. */
export function silentProbe(ms: number): string {
  return `server/discover had no answer in ${ms / 1_000} s`
}

const LONGEST_NAME = 200

/** What a server calls itself: for people to read, never to decide by. */
function named(info: unknown): Pick<ServerFacts, 'server'> {
  if (!isObject(info) || typeof info.name !== 'string') return {}
  const plain = (text: unknown) =>
    String(text ?? '')
      .replace(/\p{Cc}/gu, ' ')
      .slice(0, LONGEST_NAME)
  return { server: { name: plain(info.name), version: plain(info.version) } }
}

/** The config says modern, and the server is not. @param found what the probe came to */
export function notModern(found: string): ConnectError {
  return new ConnectError(`is no server of 2026-07-28 (${found}): take out its \`era: modern\``)
}

/** The request that opens a legacy session. @param capabilities what those it serves can be asked, as JSON */
export function initializeRequest(us: Implementation, capabilities: string): Outgoing {
  const params = `"protocolVersion":"${NEWEST_LEGACY}","capabilities":${capabilities},"clientInfo":${JSON.stringify(us)}`
  return { method: 'initialize', params, meta: '', progress: false }
}

/** The facts in an answer to `initialize`. @param found how it was found that this is to be sent. @throws ConnectError */
export function initialized(message: Message, found: string): ServerFacts {
  const error = errorOf(message)
  if (error !== undefined)
    throw new ConnectError(`refused to initialize: ${error.message} (${error.code})`)
  const { result } = message.value
  if (!isObject(result) || typeof result.protocolVersion !== 'string') {
    throw new ConnectError('answered initialize with something else than its result')
  }
  if (!LEGACY.includes(result.protocolVersion)) {
    throw new ConnectError(
      `speaks protocol ${result.protocolVersion}, which this gateway does not know`,
    )
  }
  return {
    era: 'legacy',
    protocolVersion: result.protocolVersion,
    capabilities: isObject(result.capabilities) ? result.capabilities : {},
    instructions: typeof result.instructions === 'string' ? result.instructions : '',
    ...named(result.serverInfo),
    found,
  }
}
