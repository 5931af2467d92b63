import type {
  Caller,
  Clock,
  Entry,
  Filter,
  Maybe,
  Principal,
  Refusal,
  Target,
} from '../../sdk/index.ts'
import { atOnce, type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { type Bound, Gathering } from './gathering.ts'

/** There may be as many views as users: only so many are kept. */
const MOST = 4_096

/** What one caller may do with one entry. */
export interface Permission {
  /** Empty when nothing is permitted. */
  readonly candidates: readonly Target[]
  /** Per target: who refused it, up to the first whom scopes would not change. */
  readonly refusals: readonly (Refusal & { readonly plugin: string; readonly target: Target })[]
}

/** What callers with the same filters may use. One decision for lists and calls: both ask `permit`. */
export class View {
  readonly #hooks: HookTable
  readonly #filters: readonly Bound<Filter>[]
  /** Weak: catalogs come and go while a view stays. */
  readonly #judged = new WeakMap<Entry, Permission>()

  constructor(hooks: HookTable, filters: readonly Bound<Filter>[]) {
    this.#hooks = hooks
    this.#filters = filters
  }

  /** The targets of `entry` that every filter agrees to. */
  permit(entry: Entry): Permission {
    let permission = this.#judged.get(entry)
    if (permission === undefined) {
      permission = this.#judge(entry)
      this.#judged.set(entry, permission)
    }
    return permission
  }

  #judge(entry: Entry): Permission {
    const refusals: (Refusal & { plugin: string; target: Target })[] = []
    const candidates = entry.targets.filter((target) => {
      const before = refusals.length
      for (const { plugin, skip, counts, value } of this.#filters) {
        let verdict: true | Refusal
        try {
          verdict = atOnce(value.test(entry, target))
        } catch (cause) {
          this.#hooks.report(plugin, 'listFilter', cause, skip)
          verdict = { rule: 'failed', reason: 'the filter failed' }
        }
        // Anything but `true` refuses: a filter that answers nonsense permits nothing.
        if (verdict === true) continue
        counts.denial++
        refusals.push({ ...verdict, plugin, target })
        // Scopes would not help against this one, so what others would grant for scopes is not asked.
        if (!Array.isArray(verdict?.scopes)) break
      }
      return refusals.length === before
    })
    return { candidates, refusals }
  }
}

/** The view of each caller, kept until something says it may differ. */
export class Views {
  readonly #hooks: HookTable
  readonly #filters: Gathering<'listFilter'> | null
  #byKey = new Map<string, View>()
  /** Serves everybody where nobody filters. */
  #open: View

  /** @param listeners whose filters count; `null`: nobody filters */
  constructor(
    hooks: HookTable,
    clock: Clock,
    listeners: readonly Listener<'listFilter'>[] | null = hooks.on.listFilter,
  ) {
    this.#hooks = hooks
    this.#filters = listeners === null ? null : new Gathering(hooks, 'listFilter', clock, listeners)
    this.#open = new View(hooks, [])
  }

  /** @throws HookError, or rejects with it */
  of(caller: Caller): Maybe<View> {
    if (this.#filters === null) return this.#open
    const gathered = this.#filters.of(caller)
    return isPromise(gathered) ? gathered.then((all) => this.#view(all)) : this.#view(gathered)
  }

  /** Forgets the views, all or those of one principal: whoever comes next is asked for again. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.#filters?.invalidate(scope)
    // Also after an invalidation of one: its new answers may come under an old key.
    this.#byKey = new Map()
    this.#open = new View(this.#hooks, [])
  }

  #view({
    key,
    answers,
    stale,
  }: {
    key: string
    answers: readonly Bound<Filter>[]
    stale: boolean
  }): View {
    if (stale) return new View(this.#hooks, answers)
    let view = this.#byKey.get(key)
    if (view === undefined) {
      view = new View(this.#hooks, answers)
      if (this.#byKey.size >= MOST) this.#byKey.clear()
      this.#byKey.set(key, view)
    }
    return view
  }
}
