import {
  type Ask,
  type Caller,
  type Denial,
  deny,
  type Maybe,
  type Outcome,
  type Target,
} from '../../sdk/index.ts'
import { repeatsNameAnywhere } from '../wire/json.ts'
import type { CatalogStore } from './catalog.ts'
import { Refused } from './errors.ts'
import { type HookTable, isPromise, type Listener, type Step } from './hooks.ts'
import { FilteredExchange } from './messages.ts'
import { ambiguous, cancelled, internal, notFound, outcomeOf, refused } from './outcome.ts'
import { judgedDigest, PATIENCE, type PausedCall, PausedOutcome, type Pauses } from './pauses.ts'
import type { CallRequest, Exchange, Servers, Vault } from './ports.ts'
import type { Reports, Watch } from './reports.ts'
import { Round } from './round.ts'
import { applyGuard, applyShape, isAsk } from './verdict.ts'
import type { View, Views } from './view.ts'
import { WayBack } from './way-back.ts'
import type { Wheel } from './wheel.ts'

/** How far a call came: which plugins `afterCall` belongs to. */
interface Way {
  readonly round: Round
  shapers: number
  guards: number
  /** A shaper's answer, while the guards still judge. */
  answer: Outcome | undefined
}

interface Parts {
  readonly catalog: CatalogStore
  readonly views: Views
  readonly hooks: HookTable
  readonly servers: Servers
  readonly vault: Vault
  readonly reports: Reports
  readonly pauses: Pauses
  readonly wheel: Wheel
  /** Makes the ids of calls. */
  readonly nextId: () => string
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/**
 * The way of a call: view, shapers, guards, upstream, shapers back, guards. Synchronous until a plugin
 * or the upstream returns a promise. Never throws, never rejects.
 */
export class CallPath {
  readonly #parts: Parts
  readonly #plain: boolean
  readonly #back: WayBack

  constructor(parts: Parts) {
    this.#parts = parts
    this.#plain = parts.hooks.shapers === null && parts.hooks.guards === null
    this.#back = new WayBack(parts.hooks, parts.fault)
  }

  /** Runs one call to its end. */
  call(request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
    const watch = this.#parts.reports.watch(request, caller, exchange)
    try {
      const outcome =
        request.state === undefined
          ? this.#look(undefined, request, caller, exchange)
          : this.#resume(request.state, request, caller, exchange)
      if (!isPromise(outcome)) return this.#finish(outcome, exchange, watch)
      return outcome.then(
        (settled) => this.#finish(settled, exchange, watch),
        (cause) => this.#finish(this.#failure(cause, exchange), exchange, watch),
      )
    } catch (cause) {
      return this.#finish(this.#failure(cause, exchange), exchange, watch)
    }
  }

  /** A call that asked goes on: its state is spent before any hook runs. */
  #resume(state: string, request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
    const paused = this.#parts.pauses.resume(request, caller, state)
    const go = (found: PausedCall | Denial): Maybe<Outcome> =>
      'nonce' in found ? this.#look(found, request, caller, exchange) : found
    return isPromise(paused) ? paused.then(go) : go(paused)
  }

  #look(
    paused: PausedCall | undefined,
    request: CallRequest,
    caller: Caller,
    exchange: Exchange,
  ): Maybe<Outcome> {
    const view = this.#parts.views.of(caller)
    return isPromise(view)
      ? view.then((ready) => this.#open(ready, paused, request, caller, exchange))
      : this.#open(view, paused, request, caller, exchange)
  }

  #open(
    view: View,
    paused: PausedCall | undefined,
    request: CallRequest,
    caller: Caller,
    exchange: Exchange,
  ): Maybe<Outcome> {
    const entry = this.#parts.catalog.find(request.name)
    if (entry === undefined) return notFound(request.name)
    const { candidates, refusals } = view.permit(entry)
    if (candidates.length === 0) return refused(request.name, refusals)
    const id = paused?.id ?? this.#parts.nextId()
    const { messages } = this.#parts.hooks
    const side =
      messages === null
        ? exchange
        : new FilteredExchange(exchange, caller, this.#parts.hooks, messages)
    const round = new Round(id, request, caller, entry, candidates, side, paused, this.#identify)
    exchange.round = round
    side.round = round
    if (this.#parts.hooks.on.observe !== null) {
      this.#parts.hooks.emit({ type: 'call.started', call: round })
    }
    if (this.#plain) {
      const { target } = round
      return target === undefined ? ambiguous(entry, candidates) : this.#send(round)
    }
    // Plugins may read the arguments: they must read what the upstream will.
    if (request.argsAt >= 0 && repeatsNameAnywhere(request.text, request.argsAt)) {
      return deny('INVALID', 'the arguments name a member twice', {
        hint: 'Send each member of an object once.',
      })
    }
    const way: Way = { round, shapers: 0, guards: 0, answer: undefined }
    try {
      const outcome = this.#shape(way)
      if (!isPromise(outcome)) return this.#back.run(way, outcome)
      return outcome.then(
        (settled) => this.#back.run(way, settled),
        (cause) => this.#back.run(way, this.#failure(cause, exchange)),
      )
    } catch (cause) {
      return this.#back.run(way, this.#failure(cause, exchange))
    }
  }

  /** Shapers in config order, each seeing what the ones before it made of the call. */
  #shape(way: Way): Maybe<Outcome> {
    const steps = this.#parts.hooks.shapers ?? []
    while (way.shapers < steps.length && way.answer === undefined) {
      const { before } = steps[way.shapers++] as Step
      if (before === null) continue
      const verdict = this.#ask(before, way.round)
      if (isPromise(verdict)) {
        return verdict.then((settled) => this.#apply(way, before, settled) ?? this.#shape(way))
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
    const steps = this.#parts.hooks.guards ?? []
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
      const { before } = steps[way.guards++] as Step
      if (before === null) continue
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
    try {
      const verdict = one.run(round)
      if (!isPromise(verdict)) return verdict
      const settled = this.#parts.hooks.settle(verdict, one)
      return one.skip ? settled.catch(() => undefined) : settled
    } catch (cause) {
      const error = this.#parts.hooks.failed(one.plugin, 'beforeCall', cause, one.skip)
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
      throw this.#parts.hooks.failed(one.plugin, 'beforeCall', cause, false)
    }
    if (ended?.kind !== 'result') return ended
    way.answer = ended
    return undefined
  }

  /** A plugin asks: the round ends, and what the next one needs is sealed. @throws TypeError */
  #pause({ round, shapers, guards }: Way, plugin: string, verdict: Ask): Outcome {
    const { hooks, pauses } = this.#parts
    const reached = [
      ...(hooks.shapers ?? []).slice(0, shapers),
      ...(hooks.guards ?? []).slice(0, guards),
    ].flatMap((step) => (step.before === null ? [] : step.plugin))
    // The one that asks counts as reached too: it had its first time.
    const passed = [...new Set([...(round.paused?.passed ?? []), ...reached])]
    // A shaper that asks takes nothing from guards that were answered before.
    const judged = guards === 0 ? (round.paused?.judged ?? '') : judgedDigest(round)
    return pauses.pause(round, plugin, verdict, judged, passed)
  }

  #send(round: Round): Maybe<Outcome> {
    if (round.cancelled !== undefined) return cancelled(round, false)
    const { hooks, servers, vault } = this.#parts
    if (hooks.on.credentials === null) return servers.send(round, undefined)
    const { upstream } = round.target as Target
    const headers = vault.credentials({
      upstream,
      purpose: 'call',
      caller: round.caller,
      call: round,
    })
    if (!isPromise(headers)) return servers.send(round, headers)
    return headers.then((ready) =>
      round.cancelled === undefined ? servers.send(round, ready) : cancelled(round, false),
    )
  }

  /** Whose credentials the target's upstream will see. */
  readonly #identify = (round: Round): string => {
    const { identity } = this.#parts.hooks.on
    if (identity === null || round.target === undefined) return ''
    const query = { upstream: round.target.upstream, caller: round.caller }
    return this.#parts.hooks.firstNow<typeof query, string>(identity, query, isText) ?? ''
  }

  /** What a throw on the way forward means for the caller: nothing was sent. */
  #failure(cause: unknown, exchange: Exchange): Outcome {
    const outcome = outcomeOf(cause, false)
    // A refusal by `credentials` comes as a throw and is nobody's failure.
    if (!(cause instanceof Refused)) this.#parts.fault(cause, exchange.requestId)
    if (outcome !== undefined) return outcome
    return internal(false)
  }

  /** A call whose questions nobody answers is over when its state expires. */
  #expect({ paused }: PausedOutcome, watch: Watch): void {
    const { wheel, pauses, reports } = this.#parts
    wheel.after(PATIENCE, async () => {
      const reason = 'nobody answered the questions'
      if (!(await pauses.abandon(paused))) return
      await reports.finished({ kind: 'cancelled', reason, executed: false }, watch)
    })
  }

  /** Everything a call must not end without: messages delivered, `onEnd` run, reports made. */
  #finish(outcome: Outcome, exchange: Exchange, watch: Watch | undefined): Maybe<Outcome> {
    const { round } = exchange
    const end = (): Maybe<Outcome> => {
      round?.end((cause) => this.#parts.fault(cause, exchange.requestId))
      if (watch === undefined) return outcome
      if (!(outcome instanceof PausedOutcome)) return this.#parts.reports.finished(outcome, watch)
      this.#expect(outcome, watch)
      return this.#parts.reports.paused(outcome, watch)
    }
    const pending = round?.exchange instanceof FilteredExchange ? round.exchange.pending : undefined
    return pending === undefined ? end() : pending.then(end, end)
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
