import type { Caller, Question } from '../../sdk/index.ts'
import type { Alarm } from '../hooks/wheel.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import type { HeldAnswers, HeldCall, HeldEnd, HeldSide } from '../kernel/ports.ts'
import { lateness } from './answer.ts'
import type { CallHost, CallLimits } from './call-host.ts'
import type { Link, Lost, Message, Ticket, Waiter } from './link.ts'
import { REFUSED, textOf } from './message.ts'
import { mayAsk } from './upstream-ask.ts'

/** Questions of one call that wait at the same time. */
const MOST_QUESTIONS = 16
/** Log messages that wait while nobody listens; the newest are dropped. */
const MOST_LOGS = 100
/** Characters of them. */
const MOST_LOGGED = 1024 * 1024
/** Outside the range that JSON-RPC reserves. */
const TOO_MANY =
  '"error":{"code":50301,"message":"too many calls wait for answers at this gateway: ask again later"}'

interface Asked {
  readonly question: Message
  readonly answer: (members: string) => void
}

/** What a held request is taken over from. */
export interface HeldParts {
  readonly host: CallHost
  readonly caller: Caller
  readonly link: Link
  readonly ticket: Ticket
  readonly limits: CallLimits
  /** When the call's whole time ends, in the wheel's milliseconds. */
  readonly end: number
}

/**
 * The request of a call whose handshake server has asked: it stays open at the server while rounds come and go.
 * Questions that wait are not held against its time.
 */
export class HeldRequest implements Waiter, HeldCall, Alarm {
  deadline = Number.POSITIVE_INFINITY
  slot = -1
  readonly #parts: HeldParts
  #side: HeldSide | undefined
  /** What is not answered, by the key that clients know it by. */
  readonly #open = new Map<string, Asked>()
  #asked = 0
  /** When nobody listened any more. */
  #since = 0
  #end: number
  #progress: string | undefined
  readonly #logs: string[] = []
  #logged = 0
  /** How it ended while nobody listened. */
  #last: HeldEnd | undefined
  #over = false

  constructor(parts: HeldParts) {
    this.#parts = parts
    this.#end = parts.end
  }

  /** Takes the first question. @returns what goes to the client's side; `undefined` when too many calls are held, which the server was told */
  begin(question: Message, answer: (members: string) => void): UpstreamAsk | undefined {
    this.#keep(question, answer)
    const ask = this.#hold()
    if (ask === undefined) answer(TOO_MANY)
    else this.#parts.ticket.handOver(this)
    return ask
  }

  resume(answers: HeldAnswers, side: HeldSide): void {
    for (const [key, members] of Object.entries(answers)) {
      const asked = this.#open.get(key)
      if (asked === undefined || this.#over) continue
      this.#open.delete(key)
      asked.answer(members)
    }
    if (this.#progress !== undefined) side.message(this.#progress)
    this.#progress = undefined
    for (const text of this.#logs.splice(0)) side.message(text)
    this.#logged = 0
    if (this.#last !== undefined) return side.ended(this.#last)
    const { wheel } = this.#parts.host
    this.#end += wheel.now() - this.#since
    this.#side = side
    this.#alive()
    wheel.add(this)
    // What it asked meanwhile, or was not answered.
    if (this.#open.size > 0) this.#ask()
  }

  cancel(reason: string): void {
    if (this.#over) return
    this.#stop()
    this.#side = undefined
    this.#parts.ticket.cancel(reason)
  }

  asked(question: Message, answer: (members: string) => void): void {
    if (!mayAsk(this.#parts.caller.client, question)) return answer(REFUSED)
    if (this.#over || this.#open.size >= MOST_QUESTIONS) return answer(TOO_MANY)
    this.#keep(question, answer)
    if (this.#side !== undefined) this.#ask()
  }

  notified(message: Message): void {
    if (this.#over) return
    if (this.#side !== undefined) {
      this.#alive()
      this.#side.message(message.text)
    } else if (message.value.method === 'notifications/progress') this.#progress = message.text
    else if (this.#logs.length < MOST_LOGS && this.#logged + message.text.length <= MOST_LOGGED) {
      this.#logged += message.text.length
      this.#logs.push(message.text)
    }
  }

  answered(message: Message): void {
    const kind = message.value.error === undefined ? 'result' : 'error'
    this.#finish({ kind, text: textOf(message, kind) ?? 'null' })
  }

  lost(why: Lost): void {
    this.#parts.host.linkFailed(this.#parts.link, why)
    // It has asked, so it has begun: it is not sent again.
    const executed = why.executed === false ? 'unknown' : why.executed
    this.#finish({ kind: 'lost', message: why.message, executed })
  }

  ring(): void {
    const { limits, ticket, host } = this.#parts
    ticket.cancel('timeout')
    this.#finish({ kind: 'late', message: lateness(limits, host.wheel.now() >= this.#end) })
  }

  #keep(question: Message, answer: (members: string) => void): void {
    this.#open.set(`question-${++this.#asked}`, { question, answer })
  }

  /** Everything that is not answered goes to the client's side, and with it ends the round. */
  #ask(): void {
    const side = this.#side as HeldSide
    const ask = this.#hold()
    if (ask === undefined) {
      for (const { answer } of this.#open.values()) answer(TOO_MANY)
      this.#open.clear()
      return
    }
    this.#side = undefined
    this.#parts.host.wheel.remove(this)
    side.ended({ kind: 'asked', ask })
  }

  #hold(): UpstreamAsk | undefined {
    const { host, caller } = this.#parts
    const held = host.holds.hold(this, caller.principal)
    if (held === undefined) return undefined
    this.#since = host.wheel.now()
    const questions: Record<string, Question> = {}
    const texts: string[] = []
    for (const [key, { question }] of this.#open) {
      const { method, params } = question.value as unknown as Question
      questions[key] = { method, params: params ?? {} }
      const source = textOf(question, 'params')
      const members = source === undefined ? '' : `,"params":${source}`
      texts.push(`"${key}":{"method":"${method}"${members}}`)
    }
    return { questions, text: `{${texts.join(',')}}`, state: undefined, held }
  }

  #alive(): void {
    this.deadline = Math.min(this.#parts.host.wheel.now() + this.#parts.limits.timeout, this.#end)
  }

  #finish(end: HeldEnd): void {
    if (this.#over) return
    this.#stop()
    const side = this.#side
    this.#side = undefined
    if (side !== undefined) side.ended(end)
    else {
      this.#last = end
      this.#parts.host.holds.over(this)
    }
  }

  #stop(): void {
    this.#over = true
    this.#open.clear()
    this.#parts.host.wheel.remove(this)
  }
}
