import type { Bus, Question } from '../../sdk/index.ts'
import { hear } from '../hooks/hooks.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import { whenOver } from '../kernel/held-pauses.ts'
import type { PausedOutcome } from '../kernel/paused-call.ts'
import { PATIENCE } from '../kernel/pauses.ts'
import type { HeldCalls } from '../kernel/ports.ts'
import { editMembers, findMember, isObject, memberText, readMembers } from '../wire/json.ts'
import { type ClientMessage, parseBody } from './message.ts'
import type { Session } from './session.ts'

/** What replicas tell each other. */
const ANSWERED = 'question/answered'
/** Characters. Ids of ours are far shorter. */
const LONGEST_ID = 512

/** The first revision whose elicitations have a mode. */
const MODES_SINCE = '2025-11-25'

/** Where a question goes: the stream of the call that asks. */
export interface AskedExchange {
  /** Sends a message now, however slowly the client reads. @returns whether anybody is there */
  deliver(text: string): boolean
  /** Told when the client cancels the call that waits for answers. */
  waiting: { cancel(reason: string): void } | undefined
}

/** What came of questions. */
export type Asked =
  | {
      readonly kind: 'answers'
      readonly values: Readonly<Record<string, unknown>>
      /** The same as JSON, as the client wrote it. */
      readonly text: string
      /** Errors in place of answers, as the client wrote them, by question. */
      readonly refusals: Readonly<Record<string, string>>
    }
  /** The client went away, or cancelled. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'late' }
  /** The client could not do what it was asked. */
  | { readonly kind: 'refused'; readonly reason: string }

/** The questions of one round: all of them are answered before the call goes on. */
class Asking implements Alarm {
  readonly session: Session
  /** By id on the wire: the question's key, and what was asked. */
  readonly open = new Map<string, { readonly key: string; readonly method: Question['method'] }>()
  deadline: number
  slot = -1
  /** Whether the server that asks waits with its call open. */
  held = false
  readonly #done: (asked: Asked) => void
  readonly #values: Record<string, unknown> = {}
  readonly #refusals: Record<string, string> = {}
  #text = ''

  constructor(session: Session, deadline: number, done: (asked: Asked) => void) {
    this.session = session
    this.deadline = deadline
    this.#done = done
  }

  take(key: string, value: unknown, text: string): void {
    this.#values[key] = value
    this.#text += `${this.#text === '' ? '' : ','}${JSON.stringify(key)}:${text}`
    if (this.open.size === 0) this.settle()
  }

  /** The client will not say: its error goes to whoever asked. */
  refuse(key: string, error: string): void {
    this.#refusals[key] = error
    if (this.open.size === 0) this.settle()
  }

  /** Goes on with what was answered so far. */
  settle(): void {
    const refusals = this.#refusals
    this.end({ kind: 'answers', values: this.#values, text: `{${this.#text}}`, refusals })
  }

  end(asked: Asked): void {
    this.#done(asked)
  }

  ring(): void {
    this.end({ kind: 'late' })
  }

  cancel(): void {
    this.end({ kind: 'gone' })
  }
}

/** An answer that arrived at another replica than the one that asked. */
interface Elsewhere {
  readonly owner: string
  /** The id of the session that answered. */
  readonly session: string
  readonly text: string
}

/** What asking is made of. */
export interface QuestionsParts {
  readonly wheel: Wheel
  readonly nextId: () => string
  readonly holds: HeldCalls | undefined
  /** Between replicas. */
  readonly bus: Pick<Bus, 'replica' | 'publish' | 'subscribe'>
}

/**
 * What handshake clients are asked: requests on the stream of the call, answered by POSTs of the same
 * session, at whichever replica these arrive. Each is answered once; what nobody waits for is nobody's answer.
 */
export class Questions {
  readonly #wheel: Wheel
  readonly #nextId: () => string
  readonly #byId = new Map<string, Asking>()
  readonly #holds: HeldCalls | undefined
  readonly #bus: QuestionsParts['bus']

  constructor({ wheel, nextId, holds, bus }: QuestionsParts) {
    this.#wheel = wheel
    this.#nextId = nextId
    this.#holds = holds
    this.#bus = bus
    bus.subscribe(ANSWERED, (message) => {
      const { owner, session, text } = message as Elsewhere
      if (owner !== bus.replica) return
      const body = parseBody(text)
      if (body.kind === 'one') this.#take(session, body.message)
    })
  }

  /** Asks the client of a session. Never rejects. */
  async ask(paused: PausedOutcome, session: Session, exchange: AskedExchange): Promise<Asked> {
    const { promise, resolve } = Promise.withResolvers<Asked>()
    const asking = new Asking(session, this.#wheel.now() + PATIENCE, resolve)
    // A server that waits is told what the client says; one that waits no longer has something to say itself.
    asking.held = whenOver(this.#holds, paused, () => asking.settle())
    const messages = Object.entries(paused.questions).map(([key, question]) => {
      const id = `${this.#bus.replica}/${this.#nextId()}`
      asking.open.set(id, { key, method: question.method })
      this.#byId.set(id, asking)
      return write(id, question, sourceOf(paused, key), session.client.protocolVersion)
    })
    exchange.waiting = asking
    this.#wheel.add(asking)
    // A state without questions only wants to be asked again.
    if (messages.length === 0) asking.settle()
    if (!messages.every((text) => exchange.deliver(text))) asking.end({ kind: 'gone' })
    const asked = await promise
    exchange.waiting = undefined
    this.#wheel.remove(asking)
    for (const id of asking.open.keys()) {
      this.#byId.delete(id)
      const params = JSON.stringify({ requestId: id, reason: 'nobody waits for the answer' })
      exchange.deliver(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`)
    }
    return asked
  }

  /** A client answers. Passed over unless that session was asked, and has not answered yet. */
  answered({ id: session }: Session, message: ClientMessage): void {
    const { id } = message.value
    if (typeof id !== 'string') return
    const owner = id.slice(0, Math.max(id.lastIndexOf('/'), 0))
    if (owner === this.#bus.replica) return this.#take(session, message)
    // It was asked by another replica: whose session this is has been checked here.
    if (owner !== '' && id.length <= LONGEST_ID) {
      const news: Elsewhere = { owner, session, text: message.text }
      // One that gets lost on the way was not answered: the call waits, and ends in time.
      try {
        hear(this.#bus.publish(ANSWERED, news), () => {})
      } catch {
        // As said.
      }
    }
  }

  #take(session: string, { value, text, members }: ClientMessage): void {
    const { id, result, error } = value
    const asking = typeof id === 'string' ? this.#byId.get(id) : undefined
    const asked = asking?.open.get(id as string)
    if (asking === undefined || asked === undefined || asking.session.id !== session) return
    asking.open.delete(id as string)
    this.#byId.delete(id as string)
    if (error !== undefined && asking.held) {
      asking.refuse(asked.key, memberText(text, members, findMember(text, members, 'error')))
    } else if (error === undefined) {
      asking.take(asked.key, result, memberText(text, members, findMember(text, members, 'result')))
    } else if (asked.method === 'elicitation/create') {
      // Who cannot show a form has not accepted it.
      asking.take(asked.key, { action: 'cancel' }, '{"action":"cancel"}')
    } else {
      const said = isObject(error) && typeof error.message === 'string' ? `: ${error.message}` : ''
      asking.end({ kind: 'refused', reason: `${asked.method}${said}` })
    }
  }

  /** The session is over, and with it what it was asked. */
  endSession(nonce: string): void {
    for (const asking of new Set(this.#byId.values())) {
      if (asking.session.nonce === nonce) asking.cancel()
    }
  }
}

/** The source text of a question's params; `undefined` when it has none of its own. */
function sourceOf({ text }: PausedOutcome, key: string): string | undefined {
  if (text === undefined) return undefined
  const questions = readMembers(text)
  const at = findMember(text, questions, key)
  const question = readMembers(text, questions[at + 2])
  const params = findMember(text, question, 'params')
  return params < 0 ? undefined : memberText(text, question, params)
}

/** A question as a request of the client's revision. */
function write(
  id: string,
  { method, params }: Question,
  source: string | undefined,
  version: string,
): string {
  let text = source ?? (params === undefined ? undefined : JSON.stringify(params))
  if (text !== undefined && method === 'elicitation/create') {
    // Until 2026-07-28 a page has an id; before 2025-11-25 there are only forms, and they have no mode.
    const isPage = params.mode === 'url' && params.elicitationId === undefined
    if (isPage) text = editMembers(text, 0, { elicitationId: JSON.stringify(id) })
    if (version < MODES_SINCE) text = editMembers(text, 0, { mode: undefined })
  }
  const members = text === undefined ? '' : `,"params":${text}`
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}"${members}}`
}
