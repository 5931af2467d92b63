import { type Caller, deny, type Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Subscriptions } from '../kernel/subscriptions.ts'
import type { Arrival, OpenExchange } from './arrival.ts'
import type { InFlight } from './in-flight.ts'
import { type ListGroup, ListStream, type StreamWords } from './list-stream.ts'
import type { ClientMessage } from './message.ts'
import type { OpenStreams } from './open-streams.ts'
import type { Operations } from './operations.ts'
import type { Replies, Reply } from './replies.ts'
import type { ResumableStreams } from './resumable-streams.ts'
import type { Session } from './session.ts'
import type { Updates } from './session-subscriptions.ts'

/** What the wires share. */
export interface WireParts {
  readonly kernel: Kernel
  readonly operations: Operations
  readonly replies: Replies
  readonly wheel: Wheel
  /** Subscriptions to single resources. */
  readonly subscriptions: Subscriptions
  /** Calls being answered. */
  readonly inFlight: InFlight
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Every open stream, so that a stop can end them. */
  readonly streams: OpenStreams
  /** Streams that clients of sessions can come back to. */
  readonly resumables: ResumableStreams
  /** Answers after a throw in our own code, and tells the log. */
  readonly crashed: (arrival: Arrival, message: Pick<ClientMessage, 'id'>, cause: unknown) => void
}

/** What answers go to that belong to no request. */
export const NO_ID = { id: undefined }

/** A JSON-RPC response with the id as the client wrote it. */
export function respond({ id }: Pick<ClientMessage, 'id'>, { body }: Reply): string {
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},${body}}`
}

/** What a stream says, to whom, and of which session. */
export interface StreamOrder {
  readonly caller: Caller
  readonly words: StreamWords
  /** What the caller wants to be told of. */
  readonly wanted: readonly ListGroup[]
  /** The legacy session it ends with. */
  readonly session?: Session
  /** Asked with every sign of life: a stream of what is over ends. */
  readonly alive?: () => boolean
  /** What it tells of single resources. */
  readonly updates?: Updates | undefined
}

/**
 * Opens a stream that lasts no longer than the caller's credentials, its session and the gateway. The
 * newest stream of a session replaces the one before: two would tell everything twice. A caller that
 * holds too many is refused with 429.
 * @param message what asked for it
 */
export function openStream(
  { kernel, wheel, now, streams, resumables, inFlight, replies }: WireParts,
  arrival: Arrival,
  message: Pick<ClientMessage, 'id'>,
  order: StreamOrder,
): void {
  const { principal, requestId } = arrival
  const { session } = order
  if (session !== undefined) streams.endSession(session.nonce)
  // What the principal has lost and could come back to gives way to what it wants now.
  if (streams.full(principal)) resumables.release(principal)
  if (streams.full(principal)) {
    order.updates?.detach(undefined)
    const hint = 'Close streams that are no longer read, then try again.'
    const reason = `You hold ${streams.most} streams open, and no more are allowed`
    const reply = replies.door(deny('RATE_LIMITED', reason, { hint }), requestId)
    return arrival.send(reply.status, respond(message, reply))
  }
  const stream = new ListStream({
    ...order,
    session: session?.nonce,
    outlet: arrival.outlet(session),
    kernel,
    wheel,
    lifetime: lifetimeOf(arrival, now),
    closed: (closed) => streams.closed(closed),
  })
  streams.add(stream)
  if (inFlight.draining) void stream.end()
}

/** How long the caller's credentials last, in milliseconds. */
export function lifetimeOf({ until }: Pick<Arrival, 'until'>, now: () => number): number {
  return until === undefined ? Number.POSITIVE_INFINITY : until - now()
}

/**
 * Answers with what `run` gives now or later. A throw on the way is a bug of ours: the client gets an
 * internal error, or a broken stream once headers are out, and never waits for ever.
 * @param exchange what would answer, had nothing been thrown
 */
export function proceed<T>(
  { crashed }: Pick<WireParts, 'crashed'>,
  arrival: Arrival,
  message: Pick<ClientMessage, 'id'>,
  run: () => Maybe<T>,
  go: (value: T) => void,
  exchange?: OpenExchange,
): void {
  const crash = (cause: unknown) => {
    exchange?.drop()
    crashed(arrival, message, cause)
  }
  try {
    const value = run()
    if (isPromise(value)) value.then(go).catch(crash)
    else go(value)
  } catch (cause) {
    crash(cause)
  }
}
