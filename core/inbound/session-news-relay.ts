import type { Bus } from '../../sdk/index.ts'
import { hear } from '../hooks/hooks.ts'
import type { Elsewhere } from './legacy-era.ts'
import { type ClientMessage, parseBody } from './message.ts'
import type { OpenCalls } from './open-calls.ts'
import type { Session } from './session.ts'
import type { WireParts } from './wire.ts'

const CANCELLED = 'call/cancelled'
const STREAMING = 'stream/opened'
/** Characters. A cancellation with a longer reason is not taken to another replica. */
const LONGEST = 65_536

interface Cancelled {
  readonly from: string
  /** The id of the session. */
  readonly session: string
  readonly text: string
}

interface Streaming {
  readonly from: string
  readonly nonce: string
}

/**
 * Tells other replicas what a session's client said that may be about what they hold: each connection of a client
 * may lead to another one. A word that gets lost on the way costs a call that goes on, or a stream that tells twice.
 */
export class SessionNewsRelay implements Elsewhere {
  readonly #bus: Pick<Bus, 'replica' | 'publish' | 'subscribe'>

  constructor(
    bus: Pick<Bus, 'replica' | 'publish' | 'subscribe'>,
    calls: OpenCalls,
    { streams }: Pick<WireParts, 'streams'>,
  ) {
    this.#bus = bus
    bus.subscribe(CANCELLED, (message) => {
      const { from, session, text } = message as Cancelled
      if (from === bus.replica) return
      const body = parseBody(text)
      if (body.kind === 'one') calls.cancel({ id: session, nonce: '' }, body.message)
    })
    bus.subscribe(STREAMING, (message) => {
      const { from, nonce } = message as Streaming
      if (from !== bus.replica) streams.endSession(nonce)
    })
  }

  cancelled({ id }: Session, { text }: ClientMessage): void {
    if (text.length > LONGEST) return
    this.#tell(CANCELLED, { from: this.#bus.replica, session: id, text } satisfies Cancelled)
  }

  streaming({ nonce }: Session): void {
    this.#tell(STREAMING, { from: this.#bus.replica, nonce } satisfies Streaming)
  }

  #tell(topic: string, news: object): void {
    try {
      hear(this.#bus.publish(topic, news), () => {})
    } catch {
      // As said above.
    }
  }
}
