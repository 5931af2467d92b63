import { Slots, type Slotted } from '../hooks/slots.ts'
import { findMember, memberText } from '../wire/json.ts'
import type { ClientMessage } from './message.ts'

/** What a client may cancel by its request id. */
export interface OpenCall extends Slotted {
  /** Whose request ids these are. */
  readonly session: { readonly id: string; readonly nonce: string }
  readonly message: ClientMessage
  readonly exchange: { cancel(reason: string): void }
}

/** Requests in flight, as `notifications/cancelled` names them: by session and request id. */
export class OpenCalls {
  readonly #open = new Slots<OpenCall>()

  /** Keeps one until it is over. @returns what to hand to {@link over} */
  begin(
    session: OpenCall['session'],
    message: ClientMessage,
    exchange: OpenCall['exchange'],
  ): OpenCall {
    const open: OpenCall = { slot: -1, session, message, exchange }
    this.#open.add(open)
    return open
  }

  /** It needs no cancelling any more. */
  over(open: OpenCall): void {
    this.#open.delete(open)
  }

  /** The session is over, and with it what it asked for. */
  endSession(nonce: string): void {
    for (const { session, exchange } of [...this.#open.all()]) {
      if (session.nonce === nonce) exchange.cancel('the client ended its session')
    }
  }

  /** A `notifications/cancelled` of that session. @returns whether it names anything that is in flight */
  cancel(session: OpenCall['session'], { text, params, paramsMembers }: ClientMessage): boolean {
    const { requestId, reason } = params
    const at = findMember(text, paramsMembers, 'requestId')
    if (at < 0) return false
    const key = idKey(requestId, memberText(text, paramsMembers, at))
    const why = typeof reason === 'string' ? reason : 'the client cancelled'
    const named = this.#open.find(
      ({ session: { id }, message: { value, id: text } }) =>
        id === session.id && idKey(value.id, text) === key,
    )
    named?.exchange.cancel(why)
    return named !== undefined
  }
}

/** What a request is known by; a number by its source text, for those that JavaScript cannot hold. */
function idKey(id: unknown, source: string | undefined): string | undefined {
  return typeof id === 'string' ? JSON.stringify(id) : source
}
