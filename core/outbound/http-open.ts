import { isObject } from '../wire/json.ts'
import { CODE, MODERN } from '../wire/protocol.ts'
import { NOTHING } from './declared.ts'
import {
  discovered,
  discoverRequest,
  initialized,
  initializeRequest,
  notModern,
  refusedProbe,
  silentProbe,
} from './handshake.ts'
import { HttpLink, type HttpShared } from './http-link.ts'
import { ConnectError, type Link, type Lost, type Message, type ServerFacts } from './link.ts'
import { errorOf, readMessage, writeNotification, writeRequest } from './message.ts'
import { type AnswerHeaders, refusedOpening } from './refused-status.ts'
import { merged, POST_HEADERS } from './sent-headers.ts'
import { openSse } from './sse-open.ts'
import type { Approach } from './verdicts.ts'

interface Reply {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly message: Message | undefined
}

/** How long a modern answer is waited for before the old handshake is tried instead, and a stream's first event. */
const PROBE = 3_000
/** What a server of HTTP+SSE answers to a POST where its stream is (2025-11-25, transports: backwards compatibility). */
const NOT_HERE: readonly unknown[] = [400, 404, 405]

/** An open link, and whether how its era was found out is worth remembering. */
export interface OpenedHttp {
  readonly link: Link
  readonly certain: boolean
}

/**
 * Opens a link: asks the way a modern client would, shakes hands the old way if the server does not understand
 * or says nothing (protocol 2026-07-28, versioning: era detection), and looks for the oldest transport where
 * it refuses that too.
 * @param capabilities what those it serves can be asked, as JSON; a legacy session is told once
 * @throws ConnectError
 */
export async function openHttp(
  shared: HttpShared,
  credentials: Readonly<Record<string, string>> | undefined,
  capabilities: string,
  { era, transport, found: known }: Approach,
  signal: AbortSignal,
): Promise<OpenedHttp> {
  const fixed = merged(shared.headers, credentials)
  let found = known
  let certain = true
  if (transport === 'sse') {
    const link = await openSse(
      shared,
      credentials,
      capabilities,
      found,
      Number.MAX_SAFE_INTEGER,
      signal,
    )
    if (link !== undefined) return { link, certain }
    throw new ConnectError('answered GET without a stream: it speaks no HTTP+SSE here')
  }
  if (era !== 'legacy') {
    const probed = await probe(shared, fixed, signal)
    if (typeof probed.facts === 'object') {
      return { link: new HttpLink(shared, probed.facts, credentials), certain }
    }
    if (era === 'modern') throw notModern(probed.found)
    found = `initialize, after ${probed.found}`
    certain = !probed.silent
  }
  try {
    const link = await shakeHands(shared, fixed, credentials, capabilities, found, signal)
    if (capabilities !== NOTHING) await link.attend()
    return { link, certain }
  } catch (error) {
    const status = error instanceof ConnectError ? error.httpStatus : undefined
    if (transport !== 'auto' || !NOT_HERE.includes(status)) throw error
    const seen = `GET named an endpoint, after initialize brought HTTP ${status}`
    const link = await openSse(shared, credentials, capabilities, seen, PROBE, signal)
    if (link === undefined) throw error
    return { link, certain: true }
  }
}

interface Probed {
  /** Of a modern server. */
  readonly facts?: ServerFacts
  /** What it came to otherwise. */
  readonly found: string
  readonly silent: boolean
}

async function probe(
  shared: HttpShared,
  fixed: readonly string[],
  signal: AbortSignal,
): Promise<Probed> {
  const body = writeRequest(1, discoverRequest(shared.us), '')
  const patience = new AbortController()
  const alarm = shared.wheel.after(PROBE, () => patience.abort())
  let reply: Reply
  try {
    const either = AbortSignal.any([signal, patience.signal])
    const modern = ['mcp-protocol-version', MODERN, 'mcp-method', 'server/discover']
    reply = await ask(shared, [...POST_HEADERS, ...fixed, ...modern], body, either)
  } catch (error) {
    if (patience.signal.aborted && !signal.aborted)
      return { found: silentProbe(PROBE), silent: true }
    throw error
  } finally {
    shared.wheel.remove(alarm)
  }
  const { status, message, headers } = reply
  const refused = refusedOpening(status, headers, shared.pool.url)
  if (refused !== undefined) throw refused
  const facts = message && discovered(message)
  if (facts !== undefined) return { facts, found: '', silent: false }
  const error = message && errorOf(message)
  const supported = isObject(error?.data) ? error.data.supported : undefined
  const modern =
    error?.code === CODE.headerMismatch ||
    error?.code === CODE.missingCapability ||
    (error?.code === CODE.version && Array.isArray(supported) && supported.includes(MODERN))
  if (modern) throw new ConnectError(`server/discover was refused: ${error?.message}`)
  return { found: refusedProbe(message, status), silent: false }
}

async function shakeHands(
  shared: HttpShared,
  fixed: readonly string[],
  credentials: Readonly<Record<string, string>> | undefined,
  capabilities: string,
  found: string,
  signal: AbortSignal,
): Promise<HttpLink> {
  const body = writeRequest(1, initializeRequest(shared.us, capabilities), '')
  const { status, headers, message } = await ask(shared, [...POST_HEADERS, ...fixed], body, signal)
  const refused = refusedOpening(status, headers, shared.pool.url)
  if (refused !== undefined) throw refused
  if (message === undefined) {
    throw new ConnectError(
      `answered HTTP ${status} to initialize and speaks no MCP over Streamable HTTP here`,
      { httpStatus: status },
    )
  }
  const error = errorOf(message)
  if (error !== undefined) {
    const why = `refused to initialize: ${error.message} (${error.code})`
    throw new ConnectError(why, status < 300 ? undefined : { httpStatus: status })
  }
  const session = headers['mcp-session-id']
  const id = typeof session === 'string' ? session : undefined
  const link = new HttpLink(shared, initialized(message, found), credentials, id)
  // A strict server refuses requests that overtake this notification.
  const ready = writeNotification('notifications/initialized')
  await ask(shared, link.headers(credentials), ready, signal)
  return link
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
