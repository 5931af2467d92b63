import type { Caller, Clock, Entry, Filter, Maybe, Principal } from '../../../sdk/index.ts'
import { isFilter } from '../../catalog/gathering.ts'
import { type View, Views } from '../../catalog/view.ts'
import { type HookTable, isPromise, type Listener } from '../../hooks/hooks.ts'
import type { Round } from '../../kernel/round.ts'
import type { Shadows } from '../../kernel/shadows.ts'
import { applyGuard, applyShape, isAsk } from '../../kernel/verdict.ts'
import { DryCall } from './dry-call.ts'
import type { DryRun, DryRuns } from './dry-runs.ts'

/** What a plugin in shadow said. `pass`, `refuse`: its filter, of a call; `show`, `hide`: of a list's entry. */
export type ShadowKind =
  | 'none'
  | 'change'
  | 'answer'
  | 'ask'
  | 'deny'
  | 'failed'
  | 'pass'
  | 'refuse'
  | 'show'
  | 'hide'

/** One verdict that was not applied. */
export interface ShadowVerdict {
  readonly plugin: string
  readonly verdict: ShadowKind
  /** The rule that decided; for a denial its code before it, `''` where there is none. */
  readonly rule: string
}

/** Who counts what plugins in shadow say. */
export interface ShadowReport {
  /** @param times how often the same was said */
  count(verdict: ShadowVerdict, principal: Principal, times: number): void
}

/** What plugins in shadow are asked with. */
export interface ShadowParts {
  readonly runs: DryRuns
  readonly report: ShadowReport
}

interface ShadowFilter {
  readonly run: DryRun
  readonly views: Views
}

/** What stands in for a filter that failed: its plugin is asked again next time. */
const FAILED: Filter = {
  key: '\u0000failed',
  until: 0,
  test: () => ({ rule: 'failed', reason: 'the filter failed' }),
}

/** Asks plugins in shadow what they would say, and has it counted. Nothing of it reaches a call or a list. */
export class ShadowPlugins implements Shadows {
  readonly #hooks: HookTable
  readonly #runs: DryRuns
  readonly #report: ShadowReport
  readonly #filters: readonly ShadowFilter[]

  constructor(hooks: HookTable, clock: Clock, { runs, report }: ShadowParts) {
    this.#hooks = hooks
    this.#runs = runs
    this.#report = report
    this.#filters = (hooks.shadowFilters ?? []).map((one) => {
      const run = { plugin: one.plugin, scratch: false }
      return { run, views: new Views(hooks, clock, [this.#dryFilter(one, run)]) }
    })
  }

  /** What `beforeCall` would say here. It is waited for by nobody. */
  judge(one: Listener<'beforeCall'>, round: Round, guards: boolean): void {
    const { plugin, counts } = one
    const run = { plugin, scratch: false }
    const from = counts.begin()
    let verdict: unknown
    try {
      verdict = this.#runs.enter(run, one.run, new DryCall(round, this.#runs, run))
    } catch (cause) {
      this.#hooks.report(plugin, 'beforeCall', cause, true)
      this.#count(round, { plugin, verdict: 'failed', rule: '' })
      return
    }
    if (!isPromise(verdict)) {
      counts.end(from)
      this.#take(one, round, guards, verdict)
      return
    }
    this.#hooks.settle(verdict, one, from).then(
      (settled) => this.#take(one, round, guards, settled),
      // `settle` has reported it.
      () => this.#count(round, { plugin, verdict: 'failed', rule: '' }),
    )
  }

  /** What filters would say to a call that the others permit. */
  permitted(round: Round): void {
    if (round.paused !== undefined) return
    const { caller, entry, candidates } = round
    for (const one of this.#filters) {
      const { plugin } = one.run
      this.#with(one, caller, (view) => {
        const refusals = this.#refusals(one, view, entry)
        // The call could still go where it does not refuse.
        const passes = candidates.some((target) => !refusals.has(target))
        const rule = passes ? '' : (refusals.values().next().value ?? '')
        this.#report.count(
          { plugin, verdict: passes ? 'pass' : 'refuse', rule },
          caller.principal,
          1,
        )
        if (!passes) this.#note(round, plugin, rule)
      })
    }
  }

  /** What filters would leave out of a list. @param entries those that the others permit */
  listed(caller: Caller, entries: () => readonly Entry[]): void {
    for (const one of this.#filters) {
      this.#with(one, caller, (view) => {
        const hidden = new Map<string | undefined, number>()
        for (const entry of entries()) {
          const refusals = this.#refusals(one, view, entry)
          const isHidden = entry.targets.every((target) => refusals.has(target))
          const rule = isHidden ? (refusals.values().next().value ?? '') : undefined
          hidden.set(rule, (hidden.get(rule) ?? 0) + 1)
        }
        for (const [rule, times] of hidden) {
          const verdict = rule === undefined ? 'show' : 'hide'
          const said = { plugin: one.run.plugin, verdict, rule: rule ?? '' } as const
          this.#report.count(said, caller.principal, times)
        }
      })
    }
  }

  /** Forgets what filters said, of all or of one principal. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    for (const { views } of this.#filters) views.invalidate(scope)
  }

  #take(one: Listener<'beforeCall'>, round: Round, guards: boolean, verdict: unknown): void {
    const { plugin } = one
    try {
      const said = verdictOf(plugin, round, guards, verdict)
      if (said.verdict !== 'none') {
        one.counts[(verdict as { kind: 'change' | 'answer' | 'ask' | 'denial' }).kind]++
      }
      this.#count(round, said)
      if (said.verdict === 'deny') this.#note(round, plugin, said.rule)
    } catch (cause) {
      this.#hooks.report(plugin, 'beforeCall', cause, true)
      this.#count(round, { plugin, verdict: 'failed', rule: '' })
    }
  }

  /** A call counts once, in the round in which the plugin is first reached. */
  #count(round: Round, said: ShadowVerdict): void {
    if (round.isFirst(said.plugin)) this.#report.count(said, round.caller.principal, 1)
  }

  #note(round: Round, plugin: string, rule: string): void {
    round.shadowed ??= []
    round.shadowed.push({ plugin, rule, shadow: true })
  }

  #dryFilter(one: Listener<'listFilter'>, run: DryRun): Listener<'listFilter'> {
    const failed = (cause: unknown): Filter => {
      this.#hooks.report(one.plugin, 'listFilter', cause, true)
      return FAILED
    }
    const checked = (value: Filter | undefined): Filter | undefined =>
      value == null || isFilter(value) ? value : failed(new TypeError('returned no {key, test}'))
    return {
      ...one,
      // It is told here that the plugin is late, before whoever gathers the answers would say so.
      limit: one.limit + 1_000,
      run: (caller): Maybe<Filter | undefined> => {
        try {
          const value = this.#runs.enter(run, one.run, caller)
          if (!isPromise(value)) return checked(value)
          return this.#hooks.settle(value, one).then(checked, () => FAILED)
        } catch (cause) {
          return failed(cause)
        }
      },
    }
  }

  #with({ views }: ShadowFilter, caller: Caller, work: (view: View) => void): void {
    const view = views.of(caller)
    if (isPromise(view)) void view.then(work)
    else work(view)
  }

  /** The targets that a filter refuses, with the rule. */
  #refusals({ run }: ShadowFilter, view: View, entry: Entry): ReadonlyMap<object, string> {
    const { refusals } = this.#runs.enter(run, (one: Entry) => view.permit(one), entry)
    return new Map(refusals.map(({ target, rule }) => [target, rule ?? '']))
  }
}

/** What a verdict would have meant. @throws TypeError for anything the plugin may not return */
export function verdictOf(
  plugin: string,
  { method, candidates }: Pick<Round, 'method' | 'candidates'>,
  guards: boolean,
  verdict: unknown,
): ShadowVerdict {
  if (verdict == null) return { plugin, verdict: 'none', rule: '' }
  if (isAsk(verdict)) return { plugin, verdict: 'ask', rule: '' }
  const nowhere = { method, candidates, args: {}, retarget() {} }
  const ended = guards ? applyGuard(plugin, verdict) : applyShape(nowhere, plugin, verdict)
  if (ended === undefined) return { plugin, verdict: 'change', rule: '' }
  if (ended.kind !== 'denial') return { plugin, verdict: 'answer', rule: '' }
  const { code, rule = '' } = ended
  return { plugin, verdict: 'deny', rule: rule === '' ? code : `${code} ${rule}` }
}
