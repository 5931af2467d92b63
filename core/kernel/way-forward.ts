import type { Ask, Maybe, Outcome } from '../../sdk/index.ts'
import { type HookTable, isPromise, type Listener, type Step } from '../hooks/hooks.ts'
import { ambiguous, cancelled } from './outcome.ts'
import { judgedDigest } from './paused-call.ts'
import type { Pauses } from './pauses.ts'
import type { Round } from './round.ts'
import type { Shadows } from './shadows.ts'
import { applyGuard, applyShape, isAsk } from './verdict.ts'

/** How far a call came: which plugins `afterCall` belongs to. */
export interface Way {
  readonly round: Round
  shapers: number
  guards: number
  /** A shaper's answer, while the guards still judge. */
  answer: Outcome | undefined
}

/** `beforeCall` of shapers, then of guards, then the sending. Synchronous until one returns a promise. */
export class WayForward {
  readonly #hooks: HookTable
  readonly #pauses: Pauses
  readonly #shadows: Shadows | null
  readonly #send: (round: Round) => Maybe<Outcome>

  /** @param send what follows when nobody denied, asked or answered */
  constructor(
    hooks: HookTable,
    pauses: Pauses,
    shadows: Shadows | null,
    send: (round: Round) => Maybe<Outcome>,
  ) {
    this.#hooks = hooks
    this.#pauses = pauses
    this.#shadows = shadows
    this.#send = send
  }

  /** Shapers in config order, each seeing what the ones before it made of the call; then the guards. */
  run(way: Way): Maybe<Outcome> {
    const steps = this.#hooks.shapers ?? []
    while (way.shapers < steps.length && way.answer === undefined) {
      const { before, dry } = steps[way.shapers++] as Step
      if (before === null) {
        if (dry !== null) this.#shadows?.judge(dry, way.round, false)
        continue
      }
      const verdict = this.#ask(before, way.round)
      if (isPromise(verdict)) {
        return verdict.then((settled) => this.#apply(way, before, settled) ?? this.run(way))
      }
      const ended = this.#apply(way, before, verdict)
      if (ended !== undefined) return ended
    }
    const { round } = way
    if (way.answer === undefined && round.target === undefined) {
      return ambiguous(round.entry, round.candidates)
    }
    return this.#guard(way)
  }

  /** Guards in config order, all of them judging exactly what will be sent. */
  #guard(way: Way): Maybe<Outcome> {
    const steps = this.#hooks.guards ?? []
    const { round } = way
    if (
      way.guards === 0 &&
      round.paused !== undefined &&
      round.paused.judged !== judgedDigest(round)
    ) {
      // What they were asked about is not what would be sent: they ask again.
      round.forgotten = new Set(steps.map(({ plugin }) => plugin))
    }
    while (way.guards < steps.length) {
      const { before, dry } = steps[way.guards++] as Step
      if (before === null) {
        if (dry !== null) this.#shadows?.judge(dry, way.round, true)
        continue
      }
      const verdict = this.#ask(before, way.round)
      if (isPromise(verdict)) {
        return verdict.then((settled) => this.#apply(way, before, settled) ?? this.#guard(way))
      }
      const ended = this.#apply(way, before, verdict)
      if (ended !== undefined) return ended
    }
    return way.answer ?? this.#send(way.round)
  }

  #ask(one: Listener<'beforeCall'>, round: Round): unknown {
    round.current = one.plugin
    const from = one.counts.begin()
    try {
      const verdict = one.run(round)
      if (!isPromise(verdict)) {
        one.counts.end(from)
        return verdict
      }
      const settled = this.#hooks.settle(verdict, one, from)
      return one.skip ? settled.catch(() => undefined) : settled
    } catch (cause) {
      const error = this.#hooks.failed(one.plugin, 'beforeCall', cause, one.skip)
      if (one.skip) return undefined
      throw error
    }
  }

  /** Returns the outcome if the verdict ends the way forward. */
  #apply(way: Way, one: Listener<'beforeCall'>, verdict: unknown): Outcome | undefined {
    const { round } = way
    if (round.cancelled !== undefined) return cancelled(round, false)
    if (verdict === undefined || verdict === null) return undefined
    let ended: Outcome | undefined
    try {
      ended = isAsk(verdict)
        ? this.#pause(way, one.plugin, verdict)
        : way.guards === 0
          ? applyShape(round, one.plugin, verdict)
          : applyGuard(one.plugin, verdict)
    } catch (cause) {
      throw this.#hooks.failed(one.plugin, 'beforeCall', cause, false)
    }
    one.counts[(verdict as { kind: 'change' | 'answer' | 'ask' | 'denial' }).kind]++
    if (ended?.kind !== 'result') return ended
    way.answer = ended
    return undefined
  }

  /** A plugin asks: the round ends, and what the next one needs is sealed. @throws TypeError */
  #pause({ round, shapers, guards }: Way, plugin: string, verdict: Ask): Outcome {
    const hooks = this.#hooks
    const reached = [
      ...(hooks.shapers ?? []).slice(0, shapers),
      ...(hooks.guards ?? []).slice(0, guards),
    ].flatMap((step) => ((step.before ?? step.dry) === null ? [] : step.plugin))
    // The one that asks counts as reached too: it had its first time.
    const passed = [...new Set([...(round.paused?.passed ?? []), ...reached])]
    // A shaper that asks takes nothing from guards that were answered before.
    const judged = guards === 0 ? (round.paused?.judged ?? '') : judgedDigest(round)
    return this.#pauses.pause(round, plugin, verdict, judged, passed)
  }
}
