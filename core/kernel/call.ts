import {
  type Caller,
  type Clock,
  deny,
  type Maybe,
  type Outcome,
  type Target,
} from '../../sdk/index.ts'
import type { CatalogStore } from './catalog.ts'
import { HookError } from './errors.ts'
import { type HookTable, isPromise, type Listener, type Step } from './hooks.ts'
import { repeatsNameAnywhere } from './json.ts'
import {
  ambiguous,
  cancelled,
  keepText,
  notFound,
  readable,
  refused,
  traceparent,
} from './outcome.ts'
import type { CallRequest, Exchange, Servers, Vault } from './ports.ts'
import { Round } from './round.ts'
import { acceptOutcome, applyGuard, applyShape } from './verdict.ts'
import type { View, Views } from './view.ts'

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

  constructor(parts: Parts) {
    this.#parts = parts
    this.#plain = parts.hooks.shapers === null && parts.hooks.guards === null
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
        (cause) => this.#finish(this.#failure(cause, false, exchange), watch),
      )
    } catch (cause) {
      return this.#finish(this.#failure(cause, false, exchange), watch)
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
      if (!isPromise(outcome)) return this.#back(way, outcome)
      return outcome.then(
        (settled) => this.#back(way, settled),
        (cause) => this.#back(way, this.#failure(cause, false, exchange)),
      )
    } catch (cause) {
      return this.#back(way, this.#failure(cause, false, exchange))
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

  /** `afterCall` of every plugin the call reached: shapers in reverse, then guards. */
  #back(way: Way, outcome: Outcome): Maybe<Outcome> {
    const { hooks } = this.#parts
    if (hooks.on.afterCall === null) return outcome
    const shapers = (hooks.shapers ?? []).slice(0, way.shapers).reverse()
    const guards = (hooks.guards ?? []).slice(0, way.guards)
    const steps = [...shapers, ...guards].flatMap(({ after }) => after ?? [])
    if (steps.length === 0) return outcome
    return this.#after(way.round, steps, 0, readable(outcome), outcome)
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
      try {
        const verdict = one.run(round, outcome)
        if (isPromise(verdict)) {
          const before = outcome
          return this.#parts.hooks.settle(verdict, one).then(
            (settled) =>
              this.#after(round, steps, i + 1, acceptOutcome(one, before, settled), original),
            (cause) =>
              this.#after(
                round,
                steps,
                i + 1,
                one.skip ? before : this.#failure(cause, before.executed, round.exchange),
                original,
              ),
          )
        }
        outcome = acceptOutcome(one, outcome, verdict)
      } catch (cause) {
        const error = this.#parts.hooks.failed(one.plugin, 'afterCall', cause, one.skip)
        if (!one.skip) outcome = this.#failure(error, outcome.executed, round.exchange)
      }
    }
    return keepText(outcome, original)
  }

  /** Whose credentials the target's upstream will see. */
  readonly #identify = (round: Round): string => {
    const { identity } = this.#parts.hooks.on
    if (identity === null || round.target === undefined) return ''
    const found = this.#parts.hooks.first<{ upstream: string; caller: Caller }, string>(identity, {
      upstream: round.target.upstream,
      caller: round.caller,
    })
    if (isPromise(found)) throw new TypeError('identity must not return a promise')
    return found ?? ''
  }

  /** What a throw means for the caller. */
  #failure(cause: unknown, executed: Outcome['executed'], exchange: Exchange): Outcome {
    const hint = 'Tell the operator the request id.'
    if (cause instanceof HookError) {
      const { plugin, hook } = cause
      const message = 'a plugin of the gateway failed'
      return { kind: 'failure', code: 'PLUGIN_FAILED', message, hint, plugin, hook, executed }
    }
    this.#parts.fault(cause, exchange.requestId)
    return { kind: 'failure', code: 'INTERNAL', message: 'the gateway failed', hint, executed }
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
