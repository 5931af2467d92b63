import type { Outcome } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import { isPromise } from '../hooks/hooks.ts'
import { outcomeOf, RelayedError } from '../kernel/outcome.ts'
import { PausedOutcome } from '../kernel/paused-call.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import type { HeldAnswers, HeldEnd, HeldSide } from '../kernel/ports.ts'
import { type OpenCall, type Round, refusalsOf } from '../kernel/round.ts'
import { isObject, memberName, memberText, readMembers } from '../wire/json.ts'
import { failure, relayMessage, resultOf } from './answer.ts'
import type { CallHost } from './call-host.ts'
import { readMessage } from './message.ts'

/** A later round of a call that its server holds open: brings the answers, and waits for what comes next. */
export class HeldRound implements HeldSide, OpenCall {
  readonly #host: CallHost
  readonly #round: Round
  readonly #resolve: (outcome: Outcome) => void
  readonly #start: number
  #call: OpenCall | undefined
  #over = false

  constructor(host: CallHost, round: Round, resolve: (outcome: Outcome) => void) {
    this.#host = host
    this.#round = round
    this.#resolve = resolve
    this.#start = host.wheel.now()
    round.open = this
  }

  /** @param handle of the held call */
  start(handle: string): void {
    this.#call = this.#host.holds.resume(handle, answersOf(this.#round), this)
  }

  message(text: string): void {
    const message = this.#over ? undefined : readMessage(text)
    if (message !== undefined) relayMessage(this.#round, message)
  }

  ended(end: HeldEnd): void {
    if (this.#over) return
    try {
      const outcome = this.#outcome(end)
      if (!isPromise(outcome)) this.#settle(outcome)
      else outcome.then((settled) => this.#settle(settled))
    } catch {
      this.#settle(failure(this.#host.id, 'UNAVAILABLE', 'answered with what cannot be read', true))
    }
  }

  cancel(reason: string): void {
    if (this.#over) return
    this.#call?.cancel(reason)
    this.#settle({ kind: 'cancelled', reason, executed: true })
  }

  #outcome(end: HeldEnd): Outcome | Promise<Outcome> {
    const { id } = this.#host
    switch (end.kind) {
      case 'asked':
        return asked(this.#host, this.#round, end.ask)
      case 'result':
        return resultOf(id, JSON.parse(end.text), end.text)
      case 'error':
        return new RelayedError(JSON.parse(end.text), end.text)
      case 'late':
        return failure(id, 'TIMEOUT', end.message, true)
      case 'lost':
        return failure(id, 'UNAVAILABLE', end.message, end.executed)
    }
  }

  #settle(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    this.#round.open = undefined
    this.#round.upstreamDuration += this.#host.wheel.now() - this.#start
    this.#resolve(outcome)
  }
}

/**
 * What becomes of a round whose server asks and holds its call. What is not asked holds nothing. Never throws and
 * never rejects: nobody above what a server says would catch it.
 */
export function asked(host: CallHost, round: Round, ask: UpstreamAsk): Outcome | Promise<Outcome> {
  const check = (outcome: Outcome) => {
    if (!(outcome instanceof PausedOutcome) && ask.held !== undefined) {
      host.holds.release(ask.held, 'the question was not asked')
    }
    return outcome
  }
  // For example arguments too deep to be written down for the next round.
  const fail = (cause: unknown) => {
    const message = `asked something, and its call cannot be paused: ${messageOf(cause)}`
    return check(outcomeOf(cause, true) ?? failure(host.id, 'UNAVAILABLE', message, true))
  }
  try {
    const outcome = host.vault.asked(round, ask)
    return isPromise(outcome) ? outcome.then(check).catch(fail) : check(outcome)
  } catch (cause) {
    return fail(cause)
  }
}

function answersOf(round: Round): HeldAnswers {
  const { text = '{}' } = round.answering ?? {}
  const members = readMembers(text)
  const values: Record<string, unknown> = JSON.parse(text)
  const answers: Record<string, string> = {}
  for (let i = 0; i < members.length; i += 4) {
    const key = memberName(text, members, i)
    if (isObject(values[key])) answers[key] = `"result":${memberText(text, members, i)}`
  }
  for (const [key, error] of Object.entries(refusalsOf(round))) answers[key] = `"error":${error}`
  return answers
}
