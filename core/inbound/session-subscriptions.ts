import type { Caller, Denial, Failure } from '../../sdk/index.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Subscriber, Subscriptions, UpdateReader } from '../kernel/subscriptions.ts'
import { CODE } from '../wire/protocol.ts'
import { failed } from './hook-failure.ts'
import type { ClientMessage } from './message.ts'
import type { Replies, Reply } from './replies.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** How long servers go on telling a session that nobody reads, in milliseconds. */
const GRACE = 5 * 60_000

/** What is needed of the wires. */
export interface SubscriptionParts {
  readonly subscriptions: Subscriptions
  readonly kernel: Kernel
  readonly replies: Replies
  readonly wheel: Wheel
}

/** Where a stream hears what it may tell of single resources. */
export interface Updates {
  /** The stream is there. */
  attach(reader: UpdateReader): void
  /** It is gone; `undefined`: it could not be opened. */
  detach(reader: UpdateReader | undefined): void
  /** Its client takes more again. */
  resume(): void
}

/** What the handshake sessions subscribed to: told on whichever stream a session has. */
export class SessionSubscriptions {
  readonly #parts: SubscriptionParts
  readonly #sessions: Pick<Sessions, 'remember'>
  readonly #updates = new Map<string, SessionUpdates>()

  constructor(parts: SubscriptionParts, sessions: Pick<Sessions, 'remember'>) {
    this.#parts = parts
    this.#sessions = sessions
  }

  /** resources/subscribe and resources/unsubscribe. Answered when that is kept. */
  async answer(
    method: 'resources/subscribe' | 'resources/unsubscribe',
    { params: { uri } }: ClientMessage,
    session: Session,
    caller: Caller,
    requestId: string,
  ): Promise<Reply> {
    const { replies, kernel } = this.#parts
    if (typeof uri !== 'string') {
      return replies.error(200, CODE.invalidParams, 'Invalid params: `uri` must be a string')
    }
    let refusal: Denial | Failure | undefined
    if (method === 'resources/subscribe') {
      try {
        refusal = await this.of(session).subscribed(caller).add(uri, caller)
      } catch (cause) {
        kernel.fault(cause, requestId)
        refusal = failed(cause)
      }
    } else this.#updates.get(session.nonce)?.subscriber?.remove(uri)
    this.#updates.get(session.nonce)?.tidy()
    if (refusal !== undefined) {
      const { era } = caller.client
      return replies.entryCall(refusal, { era, requestId, status: true }, uri)
    }
    const kept = new Set(session.state.subscriptions)
    if (method === 'resources/subscribe') kept.add(uri)
    else kept.delete(uri)
    await this.#sessions.remember(session, { subscriptions: [...kept] })
    return replies.result('legacy', '')
  }

  /** What a session's stream tells. */
  of(session: Session): SessionUpdates {
    const { nonce } = session
    let updates = this.#updates.get(nonce)
    if (updates === undefined) {
      updates = new SessionUpdates(session, this.#parts, () => this.#updates.delete(nonce))
      this.#updates.set(nonce, updates)
    }
    updates.session = session
    return updates
  }

  /** Another replica changed what is remembered of the session. */
  changed(session: Session): void {
    this.#updates.get(session.nonce)?.changed(session)
  }

  /** The session of that nonce is over. */
  ended(nonce: string): void {
    this.#updates.get(nonce)?.close()
  }
}

/** What one session is told; while it has no stream, kept for a while for the next one. */
export class SessionUpdates implements Updates {
  /** There once the session subscribed to something, or a stream wants to know of what it did before. */
  subscriber: Subscriber | undefined
  /** As it was last opened, with what is remembered of it. */
  session: Session
  readonly #parts: SubscriptionParts
  readonly #unused: () => void
  #reader: UpdateReader | undefined
  #end: Alarm | undefined

  /** @param unused called when nothing needs to be kept here */
  constructor(session: Session, parts: SubscriptionParts, unused: () => void) {
    this.session = session
    this.#parts = parts
    this.#unused = unused
  }

  /** The session's subscriber, with what it subscribed to before. */
  subscribed(caller: Caller): Subscriber {
    if (this.subscriber === undefined) {
      this.subscriber = this.#parts.subscriptions.open(caller)
      this.subscriber.restore(this.session.state.subscriptions ?? [])
      if (this.#reader === undefined) this.#endLater()
      else this.subscriber.attach(this.#reader)
    }
    return this.subscriber
  }

  attach(reader: UpdateReader): void {
    this.#reader = reader
    this.#endNot()
    if (this.subscriber !== undefined) this.subscriber.attach(reader)
    else if ((this.session.state.subscriptions ?? []).length > 0) this.subscribed(reader.caller)
  }

  detach(reader: UpdateReader | undefined): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    if (reader !== undefined) this.subscriber?.detach(reader)
    if (this.subscriber === undefined) this.#unused()
    else this.#endLater()
  }

  resume(): void {
    this.subscriber?.resume()
  }

  /** What is remembered of the session is not what it was. */
  changed(session: Session): void {
    this.session = session
    const uris = new Set(this.session.state.subscriptions)
    if (this.subscriber === undefined) {
      if (this.#reader !== undefined) this.attach(this.#reader)
      return
    }
    for (const uri of [...this.subscriber.uris]) if (!uris.has(uri)) this.subscriber.remove(uri)
    this.subscriber.restore(uris)
  }

  /** Keeps nothing for a session that is subscribed to nothing. */
  tidy(): void {
    if (this.subscriber === undefined || [...this.subscriber.uris].length > 0) return
    this.subscriber.close()
    this.subscriber = undefined
    this.#endNot()
    if (this.#reader === undefined) this.#unused()
  }

  /** Lets the servers go: what was subscribed to is remembered with the session. */
  close(): void {
    this.#endNot()
    this.subscriber?.close()
    this.subscriber = undefined
    this.#unused()
  }

  #endLater(): void {
    this.#endNot()
    this.#end = this.#parts.wheel.after(GRACE, () => this.close())
  }

  #endNot(): void {
    if (this.#end !== undefined) this.#parts.wheel.remove(this.#end)
  }
}
