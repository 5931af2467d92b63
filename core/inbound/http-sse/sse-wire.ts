import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Authenticated, type AuthRequest, type Bus, deny } from '../../../sdk/index.ts'
import type { Sealer } from '../../kernel/ports.ts'
import { CODE } from '../../wire/protocol.ts'
import { HttpAuthRequest } from '../arrival.ts'
import { readBody } from '../body.ts'
import { type Gate, sendError } from '../gate.ts'
import { parseBody } from '../message.ts'
import { PipeClient, type PipeHost } from '../pipe/pipe-client.ts'
import { PipeSession } from '../pipe/pipe-session.ts'
import type { WireParts } from '../wire.ts'
import type { SseIds } from './sse-ids.ts'
import { type Posted, type SsePost, SseRelay } from './sse-relay.ts'
import { SseStream } from './sse-stream.ts'

/** Where a request of HTTP+SSE goes, as its query says. */
const SESSION = 'session'

/** What the wire needs besides what all wires share. */
export interface SseParts
  extends Pick<WireParts, 'replies' | 'wheel' | 'now' | 'streams' | 'inFlight'> {
  readonly gate: Gate
  readonly pipes: PipeHost
  readonly ids: SseIds
  readonly sealer: Sealer
  /** Between replicas. */
  readonly bus: Pick<Bus, 'replica' | 'request' | 'answer'>
  /** Told of what made a request fail. */
  readonly fault: (cause: unknown, requestId: string) => void
  readonly bodyLimit: number
}

/** A client whose stream is open here. */
interface Connected {
  readonly client: PipeClient
  readonly stream: SseStream
  /** The endpoint it came to. */
  readonly path: string
}

/**
 * HTTP+SSE (2024-11-05), for clients of every revision with a handshake: GET opens the stream on which
 * everything comes, POSTs to the place it names are answered with 202. The session ends with its stream,
 * which nothing can resume, and so do its calls.
 */
export class SseWire {
  readonly #parts: SseParts
  readonly #relay: SseRelay
  readonly #connected = new Map<string, Connected>()

  constructor(parts: SseParts) {
    this.#parts = parts
    this.#relay = new SseRelay(parts.sealer, parts.bus, (post) => this.#take(post))
  }

  /** Serves one HTTP request. @param path of the MCP endpoint whose clients come in here */
  serve(request: IncomingMessage, response: ServerResponse, path: string, requestId: string): void {
    const { gate } = this.#parts
    const auth = new HttpAuthRequest(request, path, requestId)
    const cors = gate.knock(auth, response)
    if (cors === undefined) return
    const query = new URLSearchParams(queryOf(request))
    const id = query.get(SESSION)
    switch (request.method) {
      case 'OPTIONS':
        return gate.preflight(auth, response, cors)
      case 'GET':
        return gate.authenticate(auth, response, cors, (who) =>
          this.#open(request, response, auth, who, cors, query),
        )
      case 'POST':
        if (id === null) break
        return gate.authenticate(auth, response, cors, (who) =>
          this.#post(request, response, auth, who, cors, id),
        )
    }
    // A client that tries Streamable HTTP first takes this for a reason to GET the stream.
    const reason = `Method Not Allowed: HTTP+SSE begins with GET, and Streamable HTTP is served at ${path}`
    const wrong = this.#parts.replies.error(405, CODE.invalidRequest, reason)
    sendError(response, wrong, ['allow', 'GET, OPTIONS', ...cors])
  }

  /** Ends every stream. Resolves when what they were sent has left. */
  async end(): Promise<void> {
    await Promise.all([...this.#connected.values()].map(({ stream }) => stream.end()))
  }

  #open(
    { headers: { accept } }: IncomingMessage,
    response: ServerResponse,
    auth: AuthRequest,
    who: Authenticated,
    cors: readonly string[],
    query: URLSearchParams,
  ): void {
    // It may have left while it was found out who it is: nothing would ever end its stream.
    if (response.closed) return
    const { replies, streams, wheel, inFlight, ids, pipes } = this.#parts
    if (accept !== undefined && !/text\/(event-stream|\*)|\*\/\*/i.test(accept)) {
      const reason = 'Not Acceptable: Accept must list text/event-stream'
      return sendError(response, replies.error(406, CODE.invalidRequest, reason), cors)
    }
    const { principal } = who
    if (streams.full(principal)) {
      const hint = 'Close streams that are no longer read, then try again.'
      const reason = `You hold ${streams.most} streams open, and no more are allowed`
      const wrong = replies.door(deny('RATE_LIMITED', reason, { hint }), auth.requestId)
      return sendError(response, wrong, cors)
    }
    const id = ids.make()
    const stream = new SseStream({
      response,
      headers: cors,
      wheel,
      until: this.#until(who),
      closed: () => {
        this.#connected.delete(id)
        streams.release(principal)
        client.gone()
      },
    })
    const client = new PipeClient(pipes, stream, new PipeSession(id, principal))
    this.#connected.set(id, { client, stream, path: auth.path })
    // Counted with the others, and ended after them: answers to calls in flight go out on it.
    streams.hold(principal)
    response.on('drain', () => client.drained())
    query.set(SESSION, id)
    stream.endpoint(`?${query}`)
    if (inFlight.draining) void stream.end()
  }

  #post(
    request: IncomingMessage,
    response: ServerResponse,
    auth: AuthRequest,
    who: Authenticated,
    cors: readonly string[],
    id: string,
  ): void {
    const { replies, bodyLimit, ids, bus } = this.#parts
    readBody(request, bodyLimit, (text, problem) => {
      if (problem !== undefined) {
        const code = problem.status === 400 ? CODE.parse : CODE.invalidRequest
        return sendError(response, replies.error(problem.status, code, problem.reason), cors)
      }
      if (text === undefined) return
      const post = { id, text, who, auth }
      const fail = (cause: unknown) => this.#lost(response, cors, post, cause)
      const settle = (posted: Posted) => this.#posted(response, cors, id, posted)
      const owner = this.#connected.has(id) ? undefined : ids.replicaOf(id)
      if (owner === undefined || owner === bus.replica) settle(this.#take(post))
      else this.#relay.relay(owner, post).then(settle).catch(fail)
    })
  }

  /** Serves a POST whose stream is here. */
  #take({ id, text, who, auth }: SsePost): Posted {
    const found = this.#connected.get(id)
    if (found === undefined || !isOf(found, who, auth)) return { kind: 'unknown' }
    const { client, stream } = found
    stream.extend(this.#until(who))
    const body = parseBody(text)
    return body.kind === 'malformed' || body.kind === 'invalid'
      ? { kind: 'refused', reply: client.wrong(body) }
      : { kind: 'accepted', go: () => client.serve(body, auth, who) }
  }

  #posted(response: ServerResponse, cors: readonly string[], id: string, posted: Posted): void {
    switch (posted.kind) {
      case 'accepted':
        response.writeHead(202, ['content-type', 'text/plain', 'content-length', '8', ...cors])
        response.end('Accepted')
        return posted.go?.()
      case 'refused':
        return sendError(response, posted.reply, cors)
      default:
        return this.#unknown(response, cors, id)
    }
  }

  /** The replica that holds the stream cannot be asked: it may not be there any more. */
  #lost(
    response: ServerResponse,
    cors: readonly string[],
    { id, auth }: SsePost,
    cause: unknown,
  ): void {
    if ((cause as { code?: unknown } | null)?.code === 'NO_REPLICA') {
      return this.#posted(response, cors, id, { kind: 'unknown' })
    }
    const { fault, replies } = this.#parts
    fault(cause, auth.requestId)
    const hint = 'Send it again, or GET a stream again.'
    const reason = 'the replica that holds this stream did not take the message'
    sendError(response, replies.door(deny('UNAVAILABLE', reason, { hint }), auth.requestId), cors)
  }

  #unknown(response: ServerResponse, cors: readonly string[], id: string): void {
    const { replies, ids } = this.#parts
    const what =
      ids.replicaOf(id) === undefined
        ? 'GET the stream again, and POST to the place it names'
        : 'its stream has ended, or is open at another replica that cannot be asked: GET a stream again, or let your proxy send one client to one replica'
    const gone = replies.error(404, CODE.invalidRequest, `Session not found: ${what}`)
    sendError(response, gone, cors)
  }

  /** When the credentials end, on the wheel's clock. */
  #until({ until }: Authenticated): number {
    const { wheel, now } = this.#parts
    return until === undefined ? Number.POSITIVE_INFINITY : wheel.now() + (until - now())
  }
}

/** Whether a session is this principal's, at this endpoint. */
function isOf(
  { client: { session }, path }: Connected,
  { principal: { issuer, subject } }: Authenticated,
  auth: AuthRequest,
): boolean {
  return session.issuer === issuer && session.subject === subject && path === auth.path
}

function queryOf({ url = '' }: IncomingMessage): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}
