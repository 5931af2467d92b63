import { isObject } from '../kernel/json.ts'
import { CODE, MODERN } from '../kernel/protocol.ts'
import { discovered, discoverRequest, initialized, initializeRequest } from './handshake.ts'
import { HttpLink, type HttpShared, POST_HEADERS, probeHeaders } from './http-link.ts'
import { ConnectError, type Lost, type Message, type ServerFacts } from './link.ts'
import { errorOf, readMessage, writeNotification, writeRequest } from './message.ts'

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly message: Message | undefined
}

/**
 * Opens a link: asks the way a modern client would, and shakes hands the old way if the server does not
 * understand (protocol 2026-07-28, versioning: era detection).
 * @param skipProbe the server is known to be legacy
 * @throws ConnectError
 */
export async function openHttp(
  shared: HttpShared,
  credentials: Readonly<Record<string, string>> | undefined,
  skipProbe: boolean,
  signal: AbortSignal,
): Promise<HttpLink> {
  const fixed = [...shared.headers, ...Object.entries(credentials ?? {}).flat()]
  if (!skipProbe) {
    const facts = await probe(shared, fixed, signal)
    if (facts !== undefined) return new HttpLink(shared, facts, credentials)
  }
  return shakeHands(shared, fixed, credentials, signal)
}

async function probe(
  shared: HttpShared,
  fixed: readonly string[],
  signal: AbortSignal,
): Promise<ServerFacts | undefined> {
  const body = writeRequest(1, discoverRequest(shared.us), '')
  const { status, message, headers } = await ask(shared, probeHeaders(fixed), body, signal)
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
  return undefined
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
      {
        httpStatus: status,
      },
    )
  }
  const facts = initialized(message)
  const session = headers['mcp-session-id']
  const link = new HttpLink(
    shared,
    facts,
    credentials,
    typeof session === 'string' ? session : undefined,
  )
  link.notify(writeNotification('notifications/initialized'))
  return link
}

/** 401, 403 and 5xx say nothing about the era. */
function refuseStatus(status: number, headers: Reply['headers']): void {
  if (status !== 401 && status !== 403 && status < 500) return
  const challenge = headers['www-authenticate']
  throw new ConnectError(`answered HTTP ${status}`, {
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
        exchange.abort()
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
