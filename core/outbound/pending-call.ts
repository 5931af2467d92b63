import type { AttemptSpan, Failure, Maybe, Outcome } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import { isPromise } from '../hooks/hooks.ts'
import type { Alarm } from '../hooks/wheel.ts'
import { outcomeOf, RelayedError, RelayedResult } from '../kernel/outcome.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import type { OpenCall, Round } from '../kernel/round.ts'
import { isObject } from '../wire/json.ts'
import { CODE } from '../wire/protocol.ts'
import { failure, lateness, relayMessage, resultOf } from './answer.ts'
import type { CallHost, CallLimits, FlatHeaders } from './call-host.ts'
import { type HeldParts, HeldRequest } from './held-request.ts'
import { asked } from './held-round.ts'
import type { Link, Lost, Message, Ticket, Waiter } from './link.ts'
import { errorOf, REFUSED, textOf } from './message.ts'
import { outgoing } from './outgoing.ts'
import { mayAsk, missing, readAsk, readUrlsAsk } from './upstream-ask.ts'

/** What a server that completes nothing would say. */
const NO_COMPLETION = { completion: { values: [] } }
const UNTRACED: { headers?: undefined; meta?: undefined } = {}

/** One call at an upstream, from sending to its outcome: sent at most once more, and once more for a lost session. */
export class PendingCall implements Waiter, Alarm, OpenCall {
  deadline = Number.POSITIVE_INFINITY
  slot = -1
  readonly #host: CallHost
  readonly #round: Round
  readonly #resolve: (outcome: Outcome) => void
  readonly #start: number
  readonly #end: number
  readonly #limits: CallLimits
  #link: Link | undefined
  #ticket: Ticket | undefined
  #credentials: FlatHeaders
  /** Whether it may have reached the upstream by now. */
  #executed: Outcome['executed'] = false
  #sendings = 0
  #attempt: AttemptSpan | undefined
  #again = false
  #renewed = false
  /** Whether an earlier sending may have been executed. */
  #doubtful = false
  #over = false

  constructor(host: CallHost, round: Round, resolve: (outcome: Outcome) => void) {
    this.#host = host
    this.#round = round
    this.#resolve = resolve
    this.#start = host.wheel.now()
    this.#limits = host.terms.limits(round)
    this.#end = this.#start + (this.#limits.totalTimeout ?? Number.POSITIVE_INFINITY)
    round.open = this
    this.#alive()
    host.wheel.add(this)
  }

  /** Sends it, as soon as there is a link and credentials. */
  send(credentials: Maybe<FlatHeaders>): void {
    try {
      const link = this.#host.link(this.#round)
      if (isPromise(link) || isPromise(credentials)) {
        Promise.all([link, credentials])
          .then(([opened, prepared]) => this.#dispatch(opened, prepared))
          .catch((error: unknown) => this.#unopened(error))
      } else this.#dispatch(link, credentials)
    } catch (error) {
      this.#unopened(error)
    }
  }

  answered(message: Message): void {
    try {
      this.#take(message)
    } catch (error) {
      // What cannot be taken in, for example for its depth: nobody above a link's data would catch it.
      this.#executed = true
      this.#unopened(error)
    }
  }

  #take(message: Message): void {
    const error = errorOf(message)
    if (error !== undefined) {
      this.#error(error, textOf(message, 'error') ?? '{}')
      return
    }
    const { result } = message.value
    const text = textOf(message, 'result')
    if (isObject(result) && text !== undefined && result.resultType === 'input_required') {
      this.#ask(result, text)
    } else this.#settle(resultOf(this.#host.id, result, text))
  }

  /** The upstream wants to know something first (2026-07-28, multi round-trip requests). */
  #ask(result: Readonly<Record<string, unknown>>, text: string): void {
    const ask = readAsk(result, text)
    if (typeof ask === 'string') this.#fail('UNAVAILABLE', ask, true)
    else this.#pause(ask)
  }

  notified(message: Message): void {
    this.#alive()
    relayMessage(this.#round, message)
  }

  /** It waits for the answer with its request open: that outlives this round. */
  asked(question: Message, answer: (members: string) => void): void {
    const { caller, returning } = this.#round
    // Nobody can be asked from inside a way back.
    if (this.#over || returning || !mayAsk(caller.client, question)) return answer(REFUSED)
    const parts: HeldParts = {
      host: this.#host,
      caller,
      link: this.#link as Link,
      ticket: this.#ticket as Ticket,
      limits: this.#limits,
      end: this.#end,
    }
    const ask = new HeldRequest(parts).begin(question, answer)
    if (ask !== undefined) this.#pause(ask)
  }

  /** The round ends with what the upstream asks. */
  #pause(ask: UpstreamAsk): void {
    // Whatever else comes is not this round's.
    this.#host.wheel.remove(this)
    this.#ticket = undefined
    const outcome = asked(this.#host, this.#round, ask)
    if (isPromise(outcome)) outcome.then((settled) => this.#settle(settled))
    else this.#settle(outcome)
  }

  lost(why: Lost): void {
    if (this.#over) return
    if (this.#attempt !== undefined) {
      this.#endAttempt(failure(this.#host.id, 'UNAVAILABLE', why.message, why.executed))
    }
    if (this.#link !== undefined) this.#host.linkFailed(this.#link, why)
    if (why.sessionLost === true && !this.#renewed) {
      this.#renewed = true
      this.#retry(why, false)
      return
    }
    if (this.#again) {
      this.#lost(why)
      return
    }
    const refused = why.httpStatus === 401 || why.httpStatus === 403
    if (refused) {
      this.#askRefused(why)
      return
    }
    if (why.executed === 'unknown' && this.#host.terms.repeatable(this.#round)) {
      this.#again = true
      this.#doubtful = true
      this.#retry(why, false)
      return
    }
    this.#lost(why)
  }

  /** Too long without a sign of life, or too long in all. */
  ring(): void {
    if (this.#over) return
    this.#ticket?.cancel('timeout')
    const isOver = this.#host.wheel.now() >= this.#end
    this.#fail('TIMEOUT', lateness(this.#limits, isOver), this.#executed)
  }

  #dispatch(link: Link, credentials: FlatHeaders): void {
    if (this.#over) return
    const { method } = this.#round.request
    if (method === 'completion/complete' && !isObject(link.facts.capabilities.completions)) {
      this.#settle(new RelayedResult(NO_COMPLETION, JSON.stringify(NO_COMPLETION)))
      return
    }
    const { logLevel } = this.#round.request
    const raising =
      logLevel === undefined ? undefined : this.#host.levels.raise(link, logLevel, credentials)
    if (raising === undefined) this.#transmit(link, credentials)
    else {
      raising
        .then(() => this.#transmit(link, credentials))
        .catch((error: unknown) => this.#unopened(error))
    }
  }

  #transmit(link: Link, credentials: FlatHeaders): void {
    if (this.#over) return
    const { traces } = this.#host
    if (traces !== null) this.#attempt = traces.attempt(this.#round, ++this.#sendings)
    const { headers: traced, meta } = this.#attempt ?? UNTRACED
    const headers = this.#host.terms.headers(this.#round, credentials, traced)
    this.#link = link
    this.#credentials = credentials
    const modern = link.facts.era === 'modern'
    const mirrored = modern ? this.#host.mirrored(this.#round) : undefined
    const request = outgoing(this.#round, modern, headers, mirrored, meta)
    this.#executed = 'unknown'
    this.#ticket = link.send(request, this)
  }

  #unopened(error: unknown): void {
    if (this.#over) return
    const outcome = outcomeOf(error, this.#executed)
    if (outcome !== undefined) this.#settle(outcome)
    else this.#fail('UNAVAILABLE', messageOf(error), this.#executed)
  }

  #error(error: NonNullable<Failure['error']>, text: string): void {
    if (error.code === CODE.headerMismatch || error.code === CODE.version) {
      // About our own hop, never the client's: a fresh link and list may know better.
      const link = this.#link
      const sessionLost = !this.#renewed && link !== undefined && this.#cures(link, error.code)
      this.lost({ message: error.message, executed: false, sessionLost })
      return
    }
    if (error.code === CODE.missingCapability) {
      this.#settle(missing(error.data))
      return
    }
    const ask = readUrlsAsk(this.#round, error)
    if (ask !== undefined) this.#pause(ask)
    else this.#settle(new RelayedError(error, text))
  }

  /** A handshake server that knows no version of ours has become one of 2026-07-28. */
  #cures(link: Link, code: number): boolean {
    if (code === CODE.version && link.facts.era === 'legacy') return true
    return this.#host.renews(link, this.#round)
  }

  #askRefused(why: Lost): void {
    const act = (verdict: 'retry' | Outcome | undefined) => {
      if (this.#over) return
      if (verdict === 'retry') {
        this.#again = true
        this.#retry(why, true)
      } else if (verdict === undefined) this.#lost(why)
      else if (verdict.kind !== 'denial') this.#settle(verdict)
      else this.#settle({ ...verdict, executed: why.executed })
    }
    this.#executed = why.executed
    try {
      const verdict = this.#host.vault.refused(this.#round, why, this.#credentials)
      if (isPromise(verdict)) verdict.then(act).catch((error: unknown) => this.#unopened(error))
      else act(verdict)
    } catch (error) {
      this.#unopened(error)
    }
  }

  #retry({ executed }: Lost, freshCredentials: boolean): void {
    this.#executed = executed
    this.#link = undefined
    this.#ticket = undefined
    try {
      this.send(freshCredentials ? this.#host.vault.credentials(this.#round) : this.#credentials)
    } catch (error) {
      this.#unopened(error)
    }
  }

  #lost({ message, executed }: Lost): void {
    this.#fail('UNAVAILABLE', message, this.#doubtful ? 'unknown' : executed)
  }

  #fail(code: 'UNAVAILABLE' | 'TIMEOUT', message: string, executed: Outcome['executed']): void {
    this.#settle(failure(this.#host.id, code, message, executed))
  }

  #endAttempt(outcome: Outcome): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    attempt?.end(outcome)
  }

  /** The caller wants it no longer: the upstream is told, if it knows. */
  cancel(reason: string): void {
    if (this.#over) return
    this.#ticket?.cancel(reason)
    this.#settle({ kind: 'cancelled', reason, executed: this.#executed })
  }

  #alive(): void {
    this.deadline = Math.min(this.#host.wheel.now() + this.#limits.timeout, this.#end)
  }

  #settle(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    if (this.#attempt !== undefined) this.#endAttempt(outcome)
    const { wheel } = this.#host
    wheel.remove(this)
    this.#round.open = undefined
    this.#round.upstreamDuration += wheel.now() - this.#start
    this.#resolve(outcome)
  }
}
