import type { Maybe, Outcome } from '../../sdk/index.ts'
import { type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { internal, keepText, outcomeOf, readable } from './outcome.ts'
import type { Exchange } from './ports.ts'
import type { Round } from './round.ts'
import { acceptOutcome } from './verdict.ts'

/** How far a call came: which plugins `afterCall` belongs to. */
export interface Reached {
  readonly round: Round
  readonly shapers: number
  readonly guards: number
}

/** `afterCall` of every plugin that a call reached: shapers in reverse, then guards. Never throws. */
export class WayBack {
  readonly #hooks: HookTable
  readonly #fault: (cause: unknown, requestId: string) => void

  /** @param fault told of a throw in the gateway's own code */
  constructor(hooks: HookTable, fault: (cause: unknown, requestId: string) => void) {
    this.#hooks = hooks
    this.#fault = fault
  }

  /** What the plugins make of an outcome. */
  run({ round, shapers, guards }: Reached, outcome: Outcome): Maybe<Outcome> {
    const hooks = this.#hooks
    if (hooks.on.afterCall === null) return outcome
    const steps = hooks.backward(shapers, guards)
    if (steps.length === 0) return outcome
    const first = readable(outcome)
    round.returning = true
    return this.#after(round, steps, 0, first, first)
  }

  #after(
    round: Round,
    steps: readonly Listener<'afterCall'>[],
    from: number,
    first: Outcome,
    original: Outcome,
  ): Maybe<Outcome> {
    let outcome = first
    for (let i = from; i < steps.length; i++) {
      const one = steps[i] as Listener<'afterCall'>
      const start = one.counts.begin()
      let verdict: Maybe<Outcome | undefined>
      try {
        round.current = one.plugin
        verdict = one.run(round, outcome)
      } catch (cause) {
        outcome = this.#failed(round, one, outcome, cause)
        continue
      }
      if (isPromise(verdict)) {
        const before = outcome
        return this.#hooks.settle(verdict, one, start).then(
          (settled) =>
            this.#after(round, steps, i + 1, this.#accept(round, one, before, settled), original),
          (cause) => {
            // `settle` has reported it.
            const next = one.skip ? before : this.#outcome(cause, before, round.exchange)
            return this.#after(round, steps, i + 1, next, original)
          },
        )
      }
      one.counts.end(start)
      outcome = this.#accept(round, one, outcome, verdict)
    }
    try {
      return keepText(outcome, original)
    } catch (cause) {
      // A plugin's result that JSON cannot say.
      return this.#outcome(cause, outcome, round.exchange)
    }
  }

  #accept(
    round: Round,
    one: Listener<'afterCall'>,
    before: Outcome,
    verdict: Outcome | undefined,
  ): Outcome {
    try {
      const next = acceptOutcome(one, before, verdict)
      if (next !== before) one.counts[next.kind === 'denial' ? 'denial' : 'change']++
      return next
    } catch (cause) {
      return this.#failed(round, one, before, cause)
    }
  }

  #failed(round: Round, one: Listener<'afterCall'>, before: Outcome, cause: unknown): Outcome {
    const error = this.#hooks.failed(one.plugin, 'afterCall', cause, one.skip)
    return one.skip ? before : this.#outcome(error, before, round.exchange)
  }

  #outcome(cause: unknown, { executed }: Outcome, exchange: Exchange): Outcome {
    this.#fault(cause, exchange.requestId)
    const outcome = outcomeOf(cause, executed)
    if (outcome !== undefined) return outcome
    return internal(executed)
  }
}
