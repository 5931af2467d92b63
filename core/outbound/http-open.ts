import { isObject } from '../wire/json.ts'
import { CODE, MODERN } from '../wire/protocol.ts'
import { discovered, discoverRequest, initialized, initializeRequest } from './handshake.ts'
import { HttpLink, type HttpShared, merged, POST_HEADERS, probeHeaders } from './http-link.ts'
import { ConnectError, type Lost, type Message, type ServerFacts } from './link.ts'
import { errorOf, readMessage, writeNotification, writeRequest } from './message.ts'

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly message: Message | undefined
}

/** How long a modern answer is waited for before the old handshake is tried instead. */
const PROBE = 3_000

/** An open link, and whether how its era was found out is worth remembering. */
export interface OpenedHttp {
  readonly link: HttpLink
  readonly certain: boolean
}

/**
 * Opens a link: asks the way a modern client would, and shakes hands the old way if the server does not
 * understand or says nothing (protocol 2026-07-28, versioning: era detection).
 * @param skipProbe the server is known to be legacy
 * @throws ConnectError
 */
export async function openHttp(
  shared: HttpShared,
  credentials: Readonly<Record<string, string>> | undefined,
  skipProbe: boolean,
  signal: AbortSignal,
): Promise<OpenedHttp> {
  const fixed = merged(shared.headers, credentials)
  const found = skipProbe ? 'legacy' : await probe(shared, fixed, signal)
  if (typeof found === 'object') {
    return { link: new HttpLink(shared, found, credentials), certain: true }
  }
  const link = await shakeHands(shared, fixed, credentials, signal)
  return { link, certain: found === 'legacy' }
}

async function probe(
  shared: HttpShared,
  fixed: readonly string[],
  signal: AbortSignal,
): Promise<ServerFacts | 'legacy' | 'silent'> {
  const body = writeRequest(1, discoverRequest(shared.us), '')
  const patience = new AbortController()
  const alarm = shared.wheel.after(PROBE, () => patience.abort())
  let reply: Reply
  try {
    const either = AbortSignal.any([signal, patience.signal])
    reply = await ask(shared, probeHeaders(fixed), body, either)
  } catch (error) {
    if (patience.signal.aborted && !signal.aborted) return 'silent'
    throw error
  } finally {
    shared.wheel.remove(alarm)
  }
  const { status, message, headers } = reply
  refuseStatus(status, headers)
  const facts = message && discovered(message)
  if (facts !== undefined) return facts
  const error = message && errorOf(message)
  const supported = isObject(error?.data) ? error.data.supported : undefined
  const modern =
    error?.code === CODE.headerMismatch ||
    error?.code === CODE.missingCapability ||
    (error?.code === CODE.version && Array.isArray(supported) && supported.includes(MODERN))
  if (modern) throw new ConnectError(`server/discover was refused: ${error?.message}`)
  return 'legacy'
}

async function shakeHands(
  shared: HttpShared,
  fixed: readonly string[],
  credentials: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<HttpLink> {
  const body = writeRequest(1, initializeRequest(shared.us), '')
  const { status, headers, message } = await ask(shared, [...POST_HEADERS, ...fixed], body, signal)
  refuseStatus(status, headers)
  if (message === undefined) {
    throw new ConnectError(
      `answered HTTP ${status} to initialize and speaks no MCP over Streamable HTTP here`,
      { httpStatus: status },
    )
  }
  const session = headers['mcp-session-id']
  const id = typeof session === 'string' ? session : undefined
  const link = new HttpLink(shared, initialized(message), credentials, id)
  // A strict server refuses requests that overtake this notification.
  const ready = writeNotification('notifications/initialized')
  await ask(shared, link.headers(credentials), ready, signal)
  return link
}

/** 401, 403 and 5xx say nothing about the era. */
function refuseStatus(status: number, headers: Reply['headers']): void {
  if (status !== 401 && status !== 403 && status < 500) return
  const challenge = headers['www-authenticate']
  const auth = status < 500 ? ': it wants other credentials; set its `headers`' : ''
  throw new ConnectError(`answered HTTP ${status}${auth}`, {
    httpStatus: status,
    challenge: Array.isArray(challenge) ? challenge.join(', ') : challenge,
  })
}

/** One POST and its JSON-RPC answer, if it has one. */
function ask(
  shared: HttpShared,
  headers: string[],
  body: string,
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let reply: Reply = { status: 0, headers: {}, message: undefined }
    const give = () => {
      signal.removeEventListener('abort', stop)
      resolve(reply)
    }
    const exchange = shared.pool.send('POST', headers, body, {
      started(status, received) {
        reply = { ...reply, status, headers: received }
      },
      data(text) {
        const message = readMessage(text)
        if (message === undefined || message.value.method !== undefined) return
        reply = { ...reply, message }
        // A server may leave the stream open behind its answer.
        give()
        exchange?.abort()
      },
      ended: give,
      failed(why: Lost) {
        signal.removeEventListener('abort', stop)
        reject(new ConnectError(why.message))
      },
    })
    const stop = () => {
      exchange.abort()
      reject(new ConnectError('did not answer in time'))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
}
