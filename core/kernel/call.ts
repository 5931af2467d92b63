import {
  type Caller,
  type Denial,
  deny,
  type Maybe,
  type Outcome,
  type Target,
} from '../../sdk/index.ts'
import type { CatalogStore } from '../catalog/catalog.ts'
import type { View, Views } from '../catalog/view.ts'
import { Refused } from '../hooks/errors.ts'
import { type HookTable, isPromise } from '../hooks/hooks.ts'
import type { Wheel } from '../hooks/wheel.ts'
import { repeatsNameAnywhere } from '../wire/json.ts'
import { letGo } from './held-pauses.ts'
import { identifier } from './identifier.ts'
import { FilteredExchange } from './messages.ts'
import { NestedExchange } from './nested.ts'
import type { Offers } from './offers.ts'
import { ambiguous, cancelled, internal, notFound, outcomeOf, refused } from './outcome.ts'
import {
  heldIn,
  judgedDigest,
  type PausedCall,
  PausedOutcome,
  type RelayedRound,
} from './paused-call.ts'
import { PATIENCE, type Pauses } from './pauses.ts'
import type { CallRequest, Exchange, HeldCalls, Servers, Traces, Vault } from './ports.ts'
import { QuestionFilter } from './question-filter.ts'
import type { Reports, Watch } from './reports.ts'
import { type Identify, Round } from './round.ts'
import type { Shadows } from './shadows.ts'
import { WayBack } from './way-back.ts'
import { type Way, WayForward } from './way-forward.ts'

interface Parts {
  readonly catalog: CatalogStore
  readonly views: Views
  readonly hooks: HookTable
  readonly servers: Servers
  readonly vault: Vault
  readonly traces: Traces | null
  readonly holds: HeldCalls | undefined
  readonly reports: Reports
  readonly pauses: Pauses
  readonly offers: Offers
  /** `null`: no line is in shadow. */
  readonly shadows: Shadows | null
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
  readonly #identify: Identify
  readonly #forward: WayForward
  readonly #back: WayBack
  /** `null`: no plugin wants to read what upstreams are answered. */
  readonly #answers: QuestionFilter | null

  constructor(parts: Parts) {
    this.#parts = parts
    this.#plain = parts.hooks.shapers === null && parts.hooks.guards === null
    this.#identify = identifier(parts.hooks)
    const send = (round: Round) => this.#send(round)
    this.#forward = new WayForward(parts.hooks, parts.pauses, parts.shadows, send)
    this.#back = new WayBack(parts.hooks, parts.fault)
    this.#answers = parts.hooks.messages === null ? null : new QuestionFilter(parts.hooks)
  }

  /** Runs one call to its end. */
  call(request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
    const { traces } = this.#parts
    if (traces === null) return this.#call(request, caller, exchange)
    return traces.around(request, caller, exchange, () => this.#call(request, caller, exchange))
  }

  #call(request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
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
    const go = (found: PausedCall | Denial): Maybe<Outcome> => {
      if (!('nonce' in found)) return found
      const held = heldIn(found)
      if (held.length === 0) return this.#look(found, request, caller, exchange)
      return letGo(this.#parts.holds, held, () => this.#look(found, request, caller, exchange))
    }
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
    resumed: PausedCall | undefined,
    request: CallRequest,
    caller: Caller,
    exchange: Exchange,
  ): Maybe<Outcome> {
    const { catalog } = this.#parts
    const entry = catalog.of(caller).find(request.method, request.name)
    if (entry === undefined) {
      // It may be in a list of the caller's own that nobody has read yet.
      const waiting = catalog.waiting(caller)
      if (waiting === undefined) return notFound(request)
      return waiting.then(() => this.#open(view, resumed, request, caller, exchange))
    }
    const { candidates, refusals } = view.permit(entry)
    if (candidates.length === 0) {
      const executed = resumed?.relayed !== undefined
      return { ...refused(request, refusals), executed }
    }
    const parent = exchange instanceof NestedExchange ? exchange.parent : undefined
    const paused =
      parent === undefined ? resumed : this.#parts.pauses.inner(parent, request, caller)
    const id = paused?.id ?? this.#parts.nextId()
    const { messages } = this.#parts.hooks
    const side: Exchange =
      messages === null ? exchange : new FilteredExchange(exchange, caller, this.#parts.hooks)
    const round = new Round(
      id,
      request,
      caller,
      entry,
      candidates,
      side,
      paused,
      parent,
      this.#identify,
    )
    exchange.round = round
    side.round = round
    if (this.#parts.traces !== null) side.operation = exchange.operation
    if (this.#parts.hooks.observers['call.started'] !== null) {
      this.#parts.hooks.emit({ type: 'call.started', call: round })
    }
    if (this.#parts.shadows !== null) this.#parts.shadows.permitted(round)
    const relayed = round.paused?.relayed
    if (relayed !== undefined) return this.#goOn(round, relayed, exchange)
    if (this.#plain) {
      const { target } = round
      return target === undefined ? ambiguous(entry, candidates) : this.#send(round)
    }
    // Plugins may read the arguments: they must read what the upstream will.
    if (
      this.#parts.hooks.judges &&
      request.argsAt >= 0 &&
      repeatsNameAnywhere(request.text, request.argsAt)
    ) {
      return deny('INVALID', 'the arguments name a member twice', {
        hint: 'Send each member of an object once.',
      })
    }
    return this.#walk({ round, shapers: 0, guards: 0, answer: undefined }, exchange)
  }

  /** Back to the upstream that asked: the plugins have had their say, and nobody's word is asked twice. */
  #goOn(round: Round, { upstream, name, args }: RelayedRound, exchange: Exchange): Maybe<Outcome> {
    const target = round.candidates.find((one) => one.upstream === upstream && one.name === name)
    if (target === undefined) return { ...notFound(round.request), executed: true }
    round.retarget(target)
    if (args !== undefined) round.args = args
    const { shapers, guards } = this.#parts.hooks
    const reached = { round, shapers: shapers?.length ?? 0, guards: guards?.length ?? 0 }
    const go = (kept: Denial | undefined) =>
      kept === undefined
        ? this.#walk({ ...reached, answer: undefined }, exchange)
        : this.#back.run(reached, kept)
    const kept = this.#answers?.answers(round)
    return isPromise(kept) ? kept.then(go) : go(kept)
  }

  #walk(way: Way, exchange: Exchange): Maybe<Outcome> {
    try {
      const outcome = this.#forward.run(way)
      if (!isPromise(outcome)) return this.#back.run(way, outcome)
      return outcome.then(
        (settled) => this.#back.run(way, settled),
        (cause) => this.#back.run(way, this.#failure(cause, exchange)),
      )
    } catch (cause) {
      return this.#back.run(way, this.#failure(cause, exchange))
    }
  }

  #send(round: Round): Maybe<Outcome> {
    if (round.cancelled !== undefined) return cancelled(round, false)
    const { hooks, servers, vault, offers } = this.#parts
    if (round.target?.plugin !== undefined) return this.#passOn(round, offers.call(round))
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

  /** What an offered tool made of its call: an inner question becomes this call's own, to come back here. */
  #passOn(round: Round, outcome: Maybe<Outcome>): Maybe<Outcome> {
    if (isPromise(outcome))
      return outcome.then((settled) => this.#passOn(round, settled) as Outcome)
    if (!(outcome instanceof PausedOutcome)) return outcome
    const { pauses, hooks } = this.#parts
    return pauses.around(round, outcome, judgedDigest(round), hooks.askedBefore)
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
  #expect(outcome: Outcome, watch: Watch): Outcome {
    if (!(outcome instanceof PausedOutcome)) return outcome
    const { wheel, pauses, reports, fault } = this.#parts
    const { nonce } = outcome.paused
    const { requestId } = watch.exchange
    const tell = reports.unanswered(watch, outcome.executed)
    wheel.after(PATIENCE, async () => {
      try {
        if (!(await pauses.abandon(nonce))) return
      } catch (cause) {
        // Whether somebody answered elsewhere is not known; told twice is better than never.
        fault(cause, requestId)
      }
      await tell()
    })
    return outcome
  }

  /** Everything a call must not end without: messages delivered, `onEnd` run, reports made. */
  #finish(outcome: Outcome, exchange: Exchange, watch: Watch | undefined): Maybe<Outcome> {
    const { round } = exchange
    const end = (): Maybe<Outcome> => {
      round?.end((cause) => this.#parts.fault(cause, exchange.requestId))
      if (watch === undefined) return outcome
      if (!(outcome instanceof PausedOutcome)) return this.#parts.reports.finished(outcome, watch)
      const told = this.#parts.reports.paused(outcome, watch)
      // What could not be written down was not asked: that call is over already.
      return isPromise(told)
        ? told.then((last) => this.#expect(last, watch))
        : this.#expect(told, watch)
    }
    const pending = round?.exchange instanceof FilteredExchange ? round.exchange.pending : undefined
    return pending === undefined ? end() : pending.then(end, end)
  }
}
