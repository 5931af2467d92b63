import { EventEmitter } from 'node:events'
import type { Bus, Principal, Stream } from '../../sdk/index.ts'
import type { Sealer } from '../kernel/ports.ts'
import type { HttpArrival } from './http-arrival.ts'
import type { LegacyEra } from './legacy-era.ts'
import { ownerOf, type ResumableStreams } from './resumable-streams.ts'
import type { Session } from './session.ts'
import { type SseSink, startStream } from './sse.ts'
import type { WireParts } from './wire.ts'

const TOPIC = 'stream/resume'
const PURPOSE = 'stream-resume'
/** Bytes that wait for a client; one that reads more slowly is cut off, and can come back for the rest. */
const MOST_UNREAD = 8 * 1024 * 1024

/** Whoever came back, and for what; sealed on its way, so that nobody else on the bus can come back for it. */
interface Travelling {
  readonly id: string
  readonly nonce: string
  readonly principal: Principal
  readonly path: string
  readonly until: number | undefined
}

/** What became of it: `unknown` says that the owner has no such stream. */
type Outcome = 'ended' | 'unknown'

/** Lets a client come back with `Last-Event-ID` at another replica than the one that remembers its stream. */
export class ResumeRelay {
  readonly #bus: Pick<Bus, 'replica' | 'stream' | 'serve'>
  readonly #sealer: Sealer
  readonly #inFlight: WireParts['inFlight']
  /** Streams whose owner is elsewhere. */
  readonly #open = new Set<{ end(): void }>()

  /** @param era told of a client that came back to what tells of changes */
  constructor(
    bus: Pick<Bus, 'replica' | 'stream' | 'serve'>,
    sealer: Sealer,
    { resumables, inFlight }: Pick<WireParts, 'resumables' | 'inFlight'>,
    era: Pick<LegacyEra, 'resumed'>,
  ) {
    this.#bus = bus
    this.#sealer = sealer
    this.#inFlight = inFlight
    bus.serve(TOPIC, (message, stream): Promise<Outcome> | Outcome => {
      const sealed = (message as { sealed?: unknown } | null)?.sealed
      const facts = typeof sealed === 'string' ? sealer.open(sealed, PURPOSE) : undefined
      if (facts === undefined || inFlight.draining) return 'unknown'
      return serve(JSON.parse(facts) as Travelling, stream, resumables, era)
    })
  }

  /**
   * Goes on with a stream that another replica remembers, if the id says so.
   * @param open called when that one does not, or is gone
   */
  resume(id: string, arrival: HttpArrival, session: Session, open: () => void): boolean {
    const owner = ownerOf(id)
    if (owner === undefined || owner === this.#bus.replica) return false
    const { principal, path, until, response, cors } = arrival
    const facts: Travelling = { id, nonce: session.nonce, principal, path, until }
    const sealed = this.#sealer.seal(JSON.stringify(facts), PURPOSE)
    const left = new AbortController()
    const one = { end: () => response.end() }
    this.#open.add(one)
    response.on('close', () => {
      this.#open.delete(one)
      left.abort(new Error('the client went away'))
    })
    let begun = false
    const onMessage = (text: unknown) => {
      if (!begun) startStream(response, cors)
      begun = true
      if (text !== '') response.write(text as string)
      if (response.writableLength > MOST_UNREAD) response.destroy()
    }
    const ask = async () =>
      this.#bus.stream(owner, TOPIC, { sealed }, { signal: left.signal, onMessage })
    const over = (outcome: unknown) => {
      if (begun) response.end()
      else if (outcome !== 'unknown' || response.closed || this.#inFlight.draining)
        response.destroy()
      else {
        this.#open.delete(one)
        open()
      }
    }
    // Whoever cannot be asked does not remember either.
    ask().then(over, () => (begun ? response.destroy() : over('unknown')))
    return true
  }

  /** Ends what others' streams tell here: their clients can come back elsewhere. */
  end(): void {
    for (const one of this.#open) one.end()
  }
}

/** What a client that came back elsewhere is sent. */
class RelayedSink extends EventEmitter implements SseSink {
  readonly writableLength = 0
  closed = false
  readonly #stream: Stream

  constructor(stream: Stream) {
    super()
    this.#stream = stream
    stream.signal.addEventListener('abort', () => this.#close())
  }

  /** The first word says only that there is a stream. */
  writeHead(): void {
    this.#stream.send('')
  }

  flushHeaders(): void {}

  write(text: string): void {
    if (!this.closed) this.#stream.send(text)
  }

  end(text = ''): void {
    if (text !== '') this.write(text)
    this.#close()
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    this.emit('close')
  }
}

function serve(
  { id, nonce, principal, path, until }: Travelling,
  stream: Stream,
  resumables: ResumableStreams,
  era: Pick<LegacyEra, 'resumed'>,
): Promise<Outcome> | Outcome {
  const sink = new RelayedSink(stream)
  const ended = new Promise<Outcome>((resolve) => sink.on('close', () => resolve('ended')))
  const resumed = resumables.resume(id, { nonce }, sink, [])
  if (resumed === undefined) return 'unknown'
  if (!resumed.answers) era.resumed({ principal, path, until }, resumed.session)
  return ended
}
