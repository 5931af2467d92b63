import type {
  Caller,
  CallFinished,
  CallRound,
  Clock,
  Listed,
  Maybe,
  Outcome,
} from '../../sdk/index.ts'
import { type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { outcomeOf, traceparent } from './outcome.ts'
import type { PausedOutcome } from './paused-call.ts'
import type { CallRequest, Exchange } from './ports.ts'

/** What a report of a call needs to know from its start; made only when somebody is told. */
export interface Watch {
  readonly request: CallRequest
  readonly caller: Caller
  readonly exchange: Exchange
  readonly start: number
  readonly from: number
}

/** Tells what happened: first those who must have written it down before the answer leaves, then observers. */
export class Reports {
  readonly #hooks: HookTable
  readonly #clock: Clock
  readonly #nextId: () => string
  readonly #wanted: boolean
  readonly #listsWanted: boolean

  constructor(hooks: HookTable, clock: Clock, nextId: () => string) {
    this.#hooks = hooks
    this.#clock = clock
    this.#nextId = nextId
    const { on, observers } = hooks
    this.#listsWanted = on.settle !== null || observers.list !== null
    this.#wanted =
      on.settle !== null || observers['call.finished'] !== null || observers['call.round'] !== null
  }

  /** A call begins; `undefined` when nobody wants to know. */
  watch(request: CallRequest, caller: Caller, exchange: Exchange): Watch | undefined {
    if (!this.#wanted) return undefined
    const clock = this.#clock
    return { request, caller, exchange, start: clock.now(), from: clock.monotonic() }
  }

  /** A call waits for answers. What `settle` could not write down is not asked. */
  paused(outcome: PausedOutcome, watch: Watch): Maybe<Outcome> {
    const { request, caller, exchange } = watch
    const event: CallRound = {
      type: 'call.round',
      id: outcome.paused.id,
      method: request.method,
      name: request.name,
      caller,
      entry: exchange.round?.entry,
      target: exchange.round?.target,
      plugin: outcome.plugin,
      round: outcome.paused.rounds,
      requestId: exchange.requestId,
    }
    const tell = (cause: unknown): Maybe<Outcome> => {
      const failure = cause === undefined ? undefined : outcomeOf(cause, false)
      if (failure !== undefined) return this.finished(failure, watch)
      this.#hooks.emit(event)
      return outcome
    }
    const settled = this.#settle(event)
    return isPromise(settled) ? settled.then(tell) : tell(settled)
  }

  /** A call is over. What `settle` could not write down becomes a failure: its answer must not leave. */
  finished(outcome: Outcome, watch: Watch): Maybe<Outcome> {
    return this.#finished(this.#event(outcome, watch))
  }

  /** How to tell later that nobody answered: until then neither the request nor its client's side is held. */
  unanswered(watch: Watch, executed: boolean): () => Maybe<Outcome> {
    const reason = 'nobody answered the questions'
    const event = {
      ...this.#event({ kind: 'cancelled', reason, executed }, watch),
      call: undefined,
    }
    return () => this.#finished({ ...event, duration: this.#clock.now() - event.start })
  }

  #finished(event: CallFinished): Maybe<Outcome> {
    const { outcome } = event
    const settled = this.#settle(event)
    const tell = (cause: unknown): Outcome => {
      const last = cause === undefined ? outcome : (outcomeOf(cause, outcome.executed) ?? outcome)
      this.#hooks.emit(last === outcome ? event : { ...event, outcome: last })
      return last
    }
    return isPromise(settled) ? settled.then(tell) : tell(settled)
  }

  /**
   * A list is about to be answered.
   * @throws HookError, or rejects with it, when `settle` could not write it down
   */
  listed(caller: Caller, method: string, count: number, requestId: string): Maybe<void> {
    if (!this.#listsWanted) return undefined
    const event: Listed = { type: 'list', method, caller, count, requestId }
    const tell = (cause: unknown) => {
      if (cause !== undefined) throw cause
      this.#hooks.emit(event)
    }
    const settled = this.#settle(event)
    return isPromise(settled) ? settled.then(tell) : tell(settled)
  }

  /** Returns why an auditor failed, if one did whose failure counts. The others are told all the same. */
  #settle(event: CallRound | CallFinished | Listed, from = 0): unknown {
    const listeners = this.#hooks.on.settle
    if (listeners === null) return undefined
    let failure: unknown
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as Listener<'settle'>
      const start = one.counts.begin()
      try {
        const done = one.run(event)
        if (isPromise(done)) {
          return this.#hooks
            .settle(done, one, start)
            .then(
              () => undefined,
              (cause: unknown) => (one.skip ? undefined : cause),
            )
            .then(async (cause) => failure ?? cause ?? (await this.#settle(event, i + 1)))
        }
        one.counts.end(start)
      } catch (cause) {
        const error = this.#hooks.failed(one.plugin, 'settle', cause, one.skip)
        if (!one.skip) failure ??= error
      }
    }
    return failure
  }

  #event(outcome: Outcome, watch: Watch): CallFinished {
    const { request, caller, exchange, start, from } = watch
    const { round } = exchange
    const rule = outcome.kind === 'denial' ? outcome.rule : undefined
    const plugin = outcome.kind === 'denial' ? outcome.plugin : undefined
    return {
      type: 'call.finished',
      id: round?.id ?? this.#nextId(),
      method: request.method,
      name: request.name,
      caller,
      entry: round?.entry,
      target: round?.target,
      call: round,
      outcome,
      verdicts: [
        ...(round?.shadowed ?? []),
        ...(plugin === undefined ? [] : [{ plugin, rule: rule ?? '' }]),
      ],
      start: round?.paused?.start ?? start,
      duration:
        round?.paused === undefined
          ? this.#clock.monotonic() - from
          : this.#clock.now() - round.paused.start,
      rounds: (round?.paused?.rounds ?? 0) + 1,
      upstreamDuration: round?.upstreamDuration ?? 0,
      wire: exchange.wire,
      requestId: exchange.requestId,
      sessionId: exchange.sessionId,
      traceparent: traceparent(request, exchange),
    }
  }
}
