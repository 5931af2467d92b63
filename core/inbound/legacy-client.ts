import type { Client } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'
import { LEGACY, NEWEST_LEGACY } from '../wire/protocol.ts'
import type { ClientMessage } from './message.ts'

/** Bytes. A session's id holds what the client said about itself, and ids travel in headers. */
const MOST_FACTS = 4_096

/** The client of an `initialize` request, in the revision it gets; a string says what is wrong with it. */
export function initializing({ params }: ClientMessage): Client | string {
  const { protocolVersion, capabilities, clientInfo } = params
  if (
    typeof protocolVersion !== 'string' ||
    (capabilities !== undefined && !isObject(capabilities))
  ) {
    return '`protocolVersion` must be a string and `capabilities` an object'
  }
  const info = isObject(clientInfo) ? clientInfo : {}
  const client: Client = {
    name: typeof info.name === 'string' ? info.name : 'unknown',
    version: typeof info.version === 'string' ? info.version : '',
    protocolVersion: LEGACY.includes(protocolVersion) ? protocolVersion : NEWEST_LEGACY,
    era: 'legacy',
    capabilities: capabilities ?? {},
  }
  return Buffer.byteLength(JSON.stringify(client)) > MOST_FACTS
    ? `\`clientInfo\` and \`capabilities\` are larger than ${MOST_FACTS} bytes`
    : client
}
