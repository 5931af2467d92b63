import { isObject } from '../wire/json.ts'
import { type Implementation, LEGACY, MODERN, NEWEST_LEGACY } from '../wire/protocol.ts'
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
  }
}

/** The request that opens a legacy session. */
export function initializeRequest(us: Implementation): Outgoing {
  const params = `"protocolVersion":"${NEWEST_LEGACY}","capabilities":{},"clientInfo":${JSON.stringify(us)}`
  return { method: 'initialize', params, meta: '', progress: false }
}

/** The facts in an answer to `initialize`. @throws ConnectError */
export function initialized(message: Message): ServerFacts {
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
  }
}
