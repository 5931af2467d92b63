import type { Wheel } from '../hooks/wheel.ts'
import type { InFlight } from './in-flight.ts'
import { ResumableStream, type StreamKeeper } from './resumable-stream.ts'
import type { Session } from './session.ts'
import type { SseSink } from './sse.ts'

/** How long a stream is kept after its answer was given, or after its client was last there, in milliseconds. */
const KEPT = 5 * 60_000
// Workers divide the three below among them.
/** Streams without a client, of one principal; the oldest are forgotten first. */
const MOST_STREAMS = 64
/** Characters of one principal's streams without a client. */
const MOST_OF_PRINCIPAL = 16 * 1024 * 1024
/** Characters of all streams, with a client or without. */
const MOST_OF_ALL = 128 * 1024 * 1024

/** What streams of sessions have in common. */
export interface ResumableHost {
  readonly wheel: Wheel
  readonly inFlight: InFlight
  /** How many processes divide what may be remembered. */
  readonly workers: number
  /** This replica's id, where there may be others: ids of events begin with it, so that these know whom to ask. */
  readonly owner: string | undefined
}

/** The streams that clients of sessions can come back to: bounded per stream, per principal and in all. */
export class ResumableStreams implements StreamKeeper {
  readonly #host: ResumableHost
  readonly #byKey = new Map<string, ResumableStream>()
  /** Without a client, by principal; the oldest first. */
  readonly #lost = new Map<string, Set<ResumableStream>>()
  readonly #owner: string
  #size = 0

  constructor(host: ResumableHost) {
    this.#host = host
    this.#owner = host.owner === undefined ? '' : `${encodeURIComponent(host.owner)}.`
  }

  /** How many are remembered. */
  get count(): number {
    return this.#byKey.size
  }

  /** Begins a stream. @param answers whether it answers a call */
  begin(
    session: Session,
    answers: boolean,
    response: SseSink,
    headers: readonly string[],
  ): ResumableStream {
    const stream = new ResumableStream(this, session, answers, this.#owner)
    this.#byKey.set(stream.key, stream)
    this.grown(stream)
    stream.connect(response, headers, undefined)
    return stream
  }

  /**
   * Connects a client that comes back with `Last-Event-ID`.
   * @returns the stream it goes on with; `undefined` when there is none of that id in its session
   */
  resume(
    id: string,
    session: Pick<Session, 'nonce'>,
    response: SseSink,
    headers: readonly string[],
  ): ResumableStream | undefined {
    const cut = id.lastIndexOf('-')
    const stream = this.#byKey.get(id.slice(0, cut))
    const after = id.slice(cut + 1)
    if (stream?.session.nonce !== session.nonce || !/^\d{1,9}$/.test(after)) return undefined
    this.#host.wheel.remove(stream)
    const { inFlight } = this.#host
    if (stream.answers) {
      // The rest of an answer is waited for by a stop, like the answer itself.
      inFlight.begin()
      response.on('close', () => inFlight.end())
    }
    if (!stream.ended) this.#find(stream)
    stream.connect(response, headers, Number(after))
    return stream
  }

  /** Ends all streams of a session: nobody can come back to any. */
  endSession(nonce: string): void {
    for (const stream of [...this.#byKey.values()]) {
      if (stream.session.nonce === nonce) void stream.end()
    }
  }

  /** Lets go of what a principal has lost and could come back to, besides answers to calls. */
  release({ issuer, subject }: { readonly issuer: string; readonly subject: string }): void {
    for (const stream of [...(this.#lost.get(keyOf({ issuer, subject })) ?? [])]) {
      if (!stream.answers) this.drop(stream)
    }
  }

  /** Its client went away. */
  left(stream: ResumableStream): void {
    if (stream.ended || !stream.answers) this.#wait(stream)
    this.#lose(stream)
  }

  /** Its last event was given. */
  over(stream: ResumableStream): void {
    if (stream.dropped) return
    this.grown(stream)
    this.#wait(stream)
    this.#lose(stream)
  }

  /** It holds more, or less, than before. */
  grown(stream: ResumableStream): void {
    if (stream.dropped) return
    this.#size += stream.size - stream.counted
    stream.counted = stream.size
    if (stream.lost) this.#bound(stream)
    while (this.#size > MOST_OF_ALL / this.#host.workers) {
      const [first] = this.#lost.values().next().value ?? this.#byKey.values()
      if (first === undefined) return
      this.drop(first)
    }
  }

  /** Nobody can come back to it from now on. Idempotent. */
  drop(stream: ResumableStream): void {
    if (!this.#byKey.delete(stream.key)) return
    this.#size -= stream.counted
    this.#host.wheel.remove(stream)
    this.#find(stream)
    stream.forget()
  }

  /** It is no longer among those without a client. */
  #find(stream: ResumableStream): void {
    if (!stream.lost) return
    stream.lost = false
    const key = keyOf(stream.session)
    const lost = this.#lost.get(key)
    if (lost?.delete(stream) && lost.size === 0) this.#lost.delete(key)
  }

  #wait(stream: ResumableStream): void {
    const { wheel } = this.#host
    wheel.remove(stream)
    stream.deadline = wheel.now() + KEPT
    wheel.add(stream)
  }

  #lose(stream: ResumableStream): void {
    if (!stream.lost) {
      stream.lost = true
      const key = keyOf(stream.session)
      const lost = this.#lost.get(key)
      if (lost === undefined) this.#lost.set(key, new Set([stream]))
      else lost.add(stream)
    }
    this.#bound(stream)
  }

  #bound({ session }: ResumableStream): void {
    const lost = this.#lost.get(keyOf(session))
    if (lost === undefined) return
    const { workers } = this.#host
    let size = 0
    for (const one of lost) size += one.size
    for (const one of lost) {
      if (lost.size <= MOST_STREAMS / workers && size <= MOST_OF_PRINCIPAL / workers) return
      size -= one.size
      this.drop(one)
    }
  }
}

/** The replica that remembers the stream of an event's id; `undefined` when the id does not say. */
export function ownerOf(id: string): string | undefined {
  const cut = id.lastIndexOf('.')
  try {
    return cut < 1 ? undefined : decodeURIComponent(id.slice(0, cut))
  } catch {
    return undefined
  }
}

function keyOf({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return JSON.stringify([issuer, subject])
}
