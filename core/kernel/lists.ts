import type {
  Caller,
  Clock,
  Maybe,
  PermittedEntry,
  Presentation,
  Principal,
} from '../../sdk/index.ts'
import { type CatalogStore, entryText, inherit } from './catalog.ts'
import { type Bound, Gathering } from './gathering.ts'
import { type HookTable, isPromise } from './hooks.ts'
import type { View, Views } from './view.ts'

/** Lists are large and views may be as many as users: only so many are kept. */
const MOST = 256

/** What one caller lists. */
export interface ShownList {
  /** A JSON array of MCP `Tool`. */
  readonly text: string
  readonly count: number
}

interface Kept {
  readonly view: View
  readonly list: ShownList
}

/** What callers list: what their view permits, as every presentation wants it shown. */
export class Lists {
  /** Whether two callers may see different lists. */
  readonly differ: boolean
  readonly #catalog: CatalogStore
  readonly #views: Views
  readonly #hooks: HookTable
  readonly #presentations: Gathering<'present'> | null
  #kept = new Map<string, Kept[]>()
  #count = 0

  constructor(catalog: CatalogStore, views: Views, hooks: HookTable, clock: Clock) {
    this.#catalog = catalog
    this.#views = views
    this.#hooks = hooks
    this.#presentations = hooks.on.present === null ? null : new Gathering(hooks, 'present', clock)
    this.differ = hooks.on.listFilter !== null || hooks.on.present !== null
  }

  /** @throws HookError, or rejects with it */
  of(caller: Caller): Maybe<ShownList> {
    const view = this.#views.of(caller)
    if (isPromise(view)) return view.then((ready) => this.#present(ready, caller))
    return this.#present(view, caller)
  }

  /** Forgets what was shown. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.#presentations?.invalidate(scope)
    this.#kept = new Map()
    this.#count = 0
  }

  #present(view: View, caller: Caller): Maybe<ShownList> {
    if (this.#presentations === null) return this.#list(view, '', [])
    const gathered = this.#presentations.of(caller)
    if (isPromise(gathered)) {
      return gathered.then(({ key, answers, stale }) =>
        stale ? this.#make(view, answers) : this.#list(view, key, answers),
      )
    }
    return this.#list(view, gathered.key, gathered.answers)
  }

  #list(view: View, key: string, presentations: readonly Bound<Presentation>[]): ShownList {
    const same = this.#kept.get(key)
    const found = same?.find((kept) => kept.view === view)
    if (found !== undefined) return found.list
    const list = this.#make(view, presentations)
    if (++this.#count > MOST) {
      this.#kept.clear()
      this.#count = 1
    }
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), { view, list }])
    return list
  }

  #make(view: View, presentations: readonly Bound<Presentation>[]): ShownList {
    let shown: readonly PermittedEntry[] = this.#catalog.entries.flatMap((entry) => {
      const { candidates } = view.permit(entry)
      return candidates.length === 0 ? [] : { ...entry, candidates }
    })
    const permitted = new Map(shown.map((entry) => [entry.name, entry]))
    for (const { plugin, skip, value } of presentations) {
      try {
        // A presentation shows less or otherwise, never more: a name it made up is not listed.
        shown = value.apply(shown).filter((entry) => permitted.has(entry.name))
      } catch (cause) {
        const error = this.#hooks.failed(plugin, 'present', cause, skip)
        if (!skip) throw error
      }
    }
    const parts = shown.map((entry) => entryText(inherit(entry, permitted.get(entry.name))))
    return { text: `[${parts.join(',')}]`, count: shown.length }
  }
}
