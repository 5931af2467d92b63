import {
  type Caller,
  type Clock,
  deny,
  type Maybe,
  type Outcome,
  type Target,
} from '../../sdk/index.ts'
import { repeatsNameAnywhere } from '../wire/json.ts'
import type { CatalogStore } from './catalog.ts'
import { type HookTable, isPromise, type Listener, type Step } from './hooks.ts'
import {
  ambiguous,
  cancelled,
  internal,
  notFound,
  outcomeOf,
  refused,
  traceparent,
} from './outcome.ts'
import type { CallRequest, Exchange, Servers, Vault } from './ports.ts'
import { Round } from './round.ts'
import { applyGuard, applyShape } from './verdict.ts'
import type { View, Views } from './view.ts'
import { WayBack } from './way-back.ts'

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
  readonly clock: Clock
  /** Makes the ids of calls. */
  readonly nextId: () => string
  /** Told of a throw in the gateway's own code. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/** What a `call.finished` needs to know; made only when somebody observes. */
interface Watch {
  readonly request: CallRequest
  readonly caller: Caller
  readonly exchange: Exchange
  readonly start: number
  readonly from: number
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
    const { views, hooks } = this.#parts
    const watch = hooks.on.observe === null ? undefined : this.#watch(request, caller, exchange)
    try {
      const view = views.of(caller)
      const outcome = isPromise(view)
        ? view.then((ready) => this.#open(ready, request, caller, exchange))
        : this.#open(view, request, caller, exchange)
      if (!isPromise(outcome)) return this.#finish(outcome, watch)
      return outcome.then(
        (settled) => this.#finish(settled, watch),
        (cause) => this.#finish(this.#failure(cause, exchange), watch),
      )
    } catch (cause) {
      return this.#finish(this.#failure(cause, exchange), watch)
    }
  }

  #open(view: View, request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
    const entry = this.#parts.catalog.find(request.name)
    if (entry === undefined) return notFound(request.name)
    const { candidates, refusals } = view.permit(entry)
    if (candidates.length === 0) return refused(request.name, refusals)
    const id = this.#parts.nextId()
    const round = new Round(id, request, caller, entry, candidates, exchange, this.#identify)
    exchange.round = round
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
    if (this.#parts.hooks.on.observe !== null) {
      this.#parts.hooks.emit({ type: 'call.started', call: round })
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
      ended =
        way.guards === 0 ? applyShape(round, one.plugin, verdict) : applyGuard(one.plugin, verdict)
    } catch (cause) {
      throw this.#parts.hooks.failed(one.plugin, 'beforeCall', cause, false)
    }
    if (ended?.kind !== 'result') return ended
    way.answer = ended
    return undefined
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
    if (outcome !== undefined) return outcome
    this.#parts.fault(cause, exchange.requestId)
    return internal(false)
  }

  #watch(request: CallRequest, caller: Caller, exchange: Exchange): Watch {
    const { clock } = this.#parts
    return { request, caller, exchange, start: clock.now(), from: clock.monotonic() }
  }

  #finish(outcome: Outcome, watch: Watch | undefined): Outcome {
    if (watch === undefined) return outcome
    const { request, caller, exchange, start, from } = watch
    const { round } = exchange
    const rule = outcome.kind === 'denial' ? outcome.rule : undefined
    const plugin = outcome.kind === 'denial' ? outcome.plugin : undefined
    this.#parts.hooks.emit({
      type: 'call.finished',
      id: round?.id ?? this.#parts.nextId(),
      method: request.method,
      name: request.name,
      caller,
      entry: round?.entry,
      target: round?.target,
      outcome,
      verdicts: plugin === undefined ? [] : [{ plugin, rule: rule ?? '' }],
      start,
      duration: this.#parts.clock.monotonic() - from,
      upstreamDuration: round?.upstreamDuration ?? 0,
      wire: exchange.wire,
      requestId: exchange.requestId,
      sessionId: exchange.sessionId,
      traceparent: traceparent(request, exchange),
    })
    return outcome
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
