import type {
  Caller,
  Clock,
  Entry,
  Filter,
  Maybe,
  PermittedEntry,
  Presentation,
  Refusal,
  Target,
} from '../../sdk/index.ts'
import { type CatalogStore, entryText, inherit } from './catalog.ts'
import { type HookTable, isPromise } from './hooks.ts'

/** What one caller may do with one entry. */
export interface Permission {
  /** Empty when nothing is permitted. */
  readonly candidates: readonly Target[]
  readonly refusals: readonly (Refusal & { readonly plugin: string })[]
}

/** What one caller lists. */
export interface ShownList {
  /** A JSON array of MCP `Tool`. */
  readonly text: string
  readonly count: number
}

const LISTS_KEPT = 256
type Lists = Map<View, ShownList>

interface Bound<T> {
  readonly plugin: string
  readonly value: T
}

/**
 * What callers with the same filters and presentations may use and see. One decision for lists and
 * calls: both go through `permit`.
 */
export class View {
  readonly #catalog: CatalogStore
  readonly #hooks: HookTable
  readonly #filters: readonly Bound<Filter>[]
  readonly #presentations: readonly Bound<Presentation>[]
  readonly #permissions = new Map<Entry, Permission>()
  readonly #lists: Lists

  constructor(
    catalog: CatalogStore,
    hooks: HookTable,
    filters: readonly Bound<Filter>[],
    presentations: readonly Bound<Presentation>[],
    lists: Lists,
  ) {
    this.#catalog = catalog
    this.#hooks = hooks
    this.#lists = lists
    this.#filters = filters
    this.#presentations = presentations
  }

  /** The targets of `entry` that every filter agrees to. */
  permit(entry: Entry): Permission {
    let permission = this.#permissions.get(entry)
    if (permission === undefined) {
      permission = this.#judge(entry)
      this.#permissions.set(entry, permission)
    }
    return permission
  }

  /** The permitted entries as every presentation wants them shown. @throws HookError */
  list(): ShownList {
    let list = this.#lists.get(this)
    if (list === undefined) {
      list = this.#show()
      this.#lists.set(this, list)
      // Lists are large and views may be as many as users: only the newest are kept.
      if (this.#lists.size > LISTS_KEPT) this.#lists.delete(this.#lists.keys().next().value as View)
    }
    return list
  }

  #show(): ShownList {
    let shown: readonly PermittedEntry[] = this.#catalog.entries.flatMap((entry) => {
      const { candidates } = this.permit(entry)
      return candidates.length === 0 ? [] : { ...entry, candidates }
    })
    const permitted = new Map(shown.map((entry) => [entry.name, entry]))
    for (const { plugin, value } of this.#presentations) {
      try {
        // A presentation shows less or otherwise, never more: a name it made up is not listed.
        shown = value.apply(shown).filter((entry) => permitted.has(entry.name))
      } catch (cause) {
        throw this.#hooks.failed(plugin, 'present', cause, false)
      }
    }
    const parts = shown.map((entry) => entryText(inherit(entry, permitted.get(entry.name))))
    return { text: `[${parts.join(',')}]`, count: shown.length }
  }

  #judge(entry: Entry): Permission {
    const refusals: (Refusal & { plugin: string })[] = []
    const candidates = entry.targets.filter((target) =>
      this.#filters.every(({ plugin, value }) => {
        let verdict: true | Refusal
        try {
          verdict = value.test(entry, target)
        } catch (cause) {
          this.#hooks.report(plugin, 'listFilter', cause, false)
          verdict = { rule: 'failed', reason: 'the filter failed' }
        }
        // Anything but `true` refuses: a filter that answers nonsense permits nothing.
        if (verdict !== true) refusals.push({ ...verdict, plugin })
        return verdict === true
      }),
    )
    return { candidates, refusals }
  }
}

interface Kept {
  readonly view: View
  readonly until: number
  readonly epoch: number
}

/** The view of each caller, asked for once and kept until something says it may differ. */
export class Views {
  readonly #catalog: CatalogStore
  readonly #hooks: HookTable
  readonly #clock: Clock
  /** Nobody filters or presents: one view serves all. */
  readonly #open: boolean
  #epoch = 0
  #kept = new WeakMap<Caller, Kept>()
  #byKey = new Map<string, View>()
  #lists: Lists = new Map()

  constructor(catalog: CatalogStore, hooks: HookTable, clock: Clock) {
    this.#catalog = catalog
    this.#hooks = hooks
    this.#clock = clock
    this.#open = hooks.on.listFilter === null && hooks.on.present === null
  }

  /** Whether two callers may see different lists. */
  get differ(): boolean {
    return !this.#open
  }

  /** @throws HookError, or rejects with it */
  of(caller: Caller): Maybe<View> {
    if (this.#open) return this.#shared('', [], [])
    const kept = this.#kept.get(caller)
    if (kept !== undefined && kept.epoch === this.#epoch && kept.until > this.#clock.now()) {
      return kept.view
    }
    return this.#ask(caller)
  }

  /** Forgets all views: every caller is asked for again when it comes next. */
  invalidate(): void {
    this.#epoch++
    this.#byKey = new Map()
    this.#lists = new Map()
  }

  #shared(
    key: string,
    filters: readonly Bound<Filter>[],
    presentations: readonly Bound<Presentation>[],
  ): View {
    let view = this.#byKey.get(key)
    if (view === undefined) {
      view = new View(this.#catalog, this.#hooks, filters, presentations, this.#lists)
      this.#byKey.set(key, view)
    }
    return view
  }

  #ask(caller: Caller): Maybe<View> {
    const epoch = this.#epoch
    const filters = this.#gather<Filter>('listFilter', caller, 0, [])
    if (isPromise(filters)) return filters.then((all) => this.#askPresent(caller, epoch, all))
    return this.#askPresent(caller, epoch, filters)
  }

  #askPresent(caller: Caller, epoch: number, filters: readonly Bound<Filter>[]): Maybe<View> {
    const presentations = this.#gather<Presentation>('present', caller, 0, [])
    if (isPromise(presentations)) {
      return presentations.then((all) => this.#keep(caller, epoch, filters, all))
    }
    return this.#keep(caller, epoch, filters, presentations)
  }

  #keep(
    caller: Caller,
    epoch: number,
    filters: readonly Bound<Filter>[],
    presentations: readonly Bound<Presentation>[],
  ): View {
    const all = [...filters, ...presentations]
    const key = JSON.stringify(all.map(({ plugin, value }) => [plugin, value.key]))
    // Asked before an invalidation that came meanwhile: good for this request only.
    if (epoch !== this.#epoch)
      return new View(this.#catalog, this.#hooks, filters, presentations, this.#lists)
    const view = this.#shared(key, filters, presentations)
    const until = Math.min(...all.map(({ value }) => value.until ?? Number.POSITIVE_INFINITY))
    this.#kept.set(caller, { view, until, epoch })
    return view
  }

  #gather<T extends { key: string }>(
    hook: 'listFilter' | 'present',
    caller: Caller,
    from: number,
    found: Bound<T>[],
  ): Maybe<Bound<T>[]> {
    const listeners = this.#hooks.on[hook] ?? []
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as (typeof listeners)[number]
      const take = (value: unknown) => {
        if (value !== undefined) found.push({ plugin: one.plugin, value: value as T })
      }
      let value: unknown
      try {
        value = one.run(caller)
      } catch (cause) {
        if (!one.skip) throw this.#hooks.failed(one.plugin, hook, cause, false)
        this.#hooks.report(one.plugin, hook, cause, true)
        continue
      }
      if (isPromise(value)) {
        return this.#hooks
          .settle(value, one)
          .then(take, (error: unknown) => {
            if (!one.skip) throw error
          })
          .then(() => this.#gather(hook, caller, i + 1, found))
      }
      take(value)
    }
    return found
  }
}
