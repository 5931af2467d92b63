import type { Caller, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../kernel/hooks.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Wheel } from '../kernel/wheel.ts'
import type { Arrival } from './arrival.ts'
import type { InFlight } from './in-flight.ts'
import { ListStream, type StreamWords } from './list-stream.ts'
import type { ClientMessage } from './message.ts'
import type { Operations } from './operations.ts'
import type { Replies, Reply } from './replies.ts'

/** What the wires share. */
export interface WireParts {
  readonly kernel: Kernel
  readonly operations: Operations
  readonly replies: Replies
  readonly wheel: Wheel
  /** Calls being answered. */
  readonly inFlight: InFlight
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Every open stream, so that a stop can end them. */
  readonly streams: Set<ListStream>
  /** Answers after a throw in our own code, and tells the log. */
  readonly crashed: (arrival: Arrival, message: Pick<ClientMessage, 'id'>, cause: unknown) => void
}

/** A JSON-RPC response with the id as the client wrote it. */
export function respond({ id }: Pick<ClientMessage, 'id'>, { body }: Reply): string {
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},${body}}`
}

/** Opens a stream that lasts no longer than the caller's credentials. */
export function openStream(
  { kernel, wheel, now, streams }: WireParts,
  { response, cors, until }: Arrival,
  caller: Caller,
  words: StreamWords,
  wanted: boolean,
): void {
  streams.add(
    new ListStream({
      response,
      headers: cors,
      kernel,
      wheel,
      caller,
      lifetime: until === undefined ? Number.POSITIVE_INFINITY : until - now(),
      words,
      wanted,
      closed: (stream) => streams.delete(stream),
    }),
  )
}

/**
 * Goes on with what is there now or comes later. A throw on the way is a bug of ours: the client gets an
 * internal error, or a broken stream once headers are out, and never waits for ever.
 */
export function proceed<T>(
  { crashed }: Pick<WireParts, 'crashed'>,
  arrival: Arrival,
  message: Pick<ClientMessage, 'id'>,
  value: Maybe<T>,
  go: (value: T) => void,
): void {
  if (isPromise(value)) value.then(go).catch((cause: unknown) => crashed(arrival, message, cause))
  else go(value)
}
