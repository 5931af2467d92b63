import type {
  Caller,
  Clock,
  Entry,
  EntryKind,
  Maybe,
  PermittedEntry,
  Presentation,
  Principal,
} from '../../sdk/index.ts'
import { atOnce, type HookTable, isPromise } from '../hooks/hooks.ts'
import type { Assembly } from './assembly.ts'
import type { CatalogStore } from './catalog.ts'
import { entryText, inherit, sayable } from './entry-text.ts'
import { type Bound, Gathering } from './gathering.ts'
import { isUnlisted } from './uris.ts'
import type { View, Views } from './view.ts'

/** Lists are large and views may be as many as users: only so many are kept. */
const MOST = 256

/** What one caller lists of one kind. The same object while nothing that it is made of changes. */
export interface ShownKind {
  /** A JSON array of definitions. */
  readonly text: string
  /** In catalog order, unless a presentation chose another. */
  readonly entries: readonly Entry[]
}

/** What one caller lists, by kind. */
export type ShownList = Readonly<Record<EntryKind, ShownKind>>

interface Kept {
  readonly view: View
  readonly assembly: Assembly
  readonly list: ShownList
}

type Presentations = readonly Bound<Presentation>[]

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
    const { present, listFilter, identity } = hooks.on
    this.#presentations = present === null ? null : new Gathering(hooks, 'present', clock)
    this.differ = listFilter !== null || present !== null || identity !== null
  }

  /** @throws HookError, or rejects with it */
  of(caller: Caller): Maybe<ShownList> {
    return this.#gather(caller, (view, key, presentations) =>
      this.#list(view, this.#catalog.of(caller), key, presentations),
    )
  }

  /**
   * What a caller may call, shown by some of the presentations.
   * @param shows whether a plugin's presentation is one of them
   * @throws HookError, or rejects with it
   */
  entries(caller: Caller, shows: (plugin: string) => boolean): Maybe<readonly PermittedEntry[]> {
    return this.#gather(caller, (view, _, presentations) =>
      this.#show(
        view,
        this.#catalog.of(caller),
        presentations.filter(({ plugin }) => shows(plugin)),
      ),
    )
  }

  /** Forgets what was shown. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.#presentations?.invalidate(scope)
    this.#kept = new Map()
    this.#count = 0
  }

  /** @param make told no key when what it makes is not to be kept */
  #gather<T>(
    caller: Caller,
    make: (view: View, key: string | undefined, presentations: Presentations) => T,
  ): Maybe<T> {
    const view = this.#views.of(caller)
    const present = (ready: View): Maybe<T> => {
      if (this.#presentations === null) return make(ready, '', [])
      const gathered = this.#presentations.of(caller)
      if (!isPromise(gathered)) return make(ready, gathered.key, gathered.answers)
      return gathered.then(({ key, answers, stale }) =>
        make(ready, stale ? undefined : key, answers),
      )
    }
    return isPromise(view) ? view.then(present) : present(view)
  }

  #list(
    view: View,
    assembly: Assembly,
    key: string | undefined,
    presentations: Presentations,
  ): ShownList {
    if (key === undefined) return this.#make(view, assembly, presentations)
    const same = this.#kept.get(key)
    const found = same?.find((kept) => kept.view === view && kept.assembly === assembly)
    if (found !== undefined) return found.list
    const list = this.#make(view, assembly, presentations)
    if (++this.#count > MOST) {
      this.#kept.clear()
      this.#count = 1
    }
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), { view, assembly, list }])
    return list
  }

  #make(view: View, assembly: Assembly, presentations: Presentations): ShownList {
    const byKind: Record<EntryKind, Entry[]> = { tool: [], prompt: [], resource: [], template: [] }
    for (const entry of this.#show(view, assembly, presentations)) {
      if (!isUnlisted(entry)) byKind[entry.kind].push(entry)
    }
    const shown = (kind: EntryKind) => {
      const entries = byKind[kind]
      return { text: `[${entries.map(entryText).join(',')}]`, entries }
    }
    return {
      tool: shown('tool'),
      prompt: shown('prompt'),
      resource: shown('resource'),
      template: shown('template'),
    }
  }

  #show(view: View, assembly: Assembly, presentations: Presentations): readonly PermittedEntry[] {
    const permitted = assembly.entries.flatMap((entry): PermittedEntry[] => {
      const { candidates } = view.permit(entry)
      return candidates.length === 0 ? [] : [{ ...entry, candidates }]
    })
    if (presentations.length === 0) return permitted
    const origins = new Map(permitted.map((entry) => [`${entry.kind} ${entry.name}`, entry]))
    let shown: readonly PermittedEntry[] = permitted
    for (const { plugin, skip, value } of presentations) {
      try {
        // A presentation shows less or otherwise, never more: a name it made up is not listed.
        shown = atOnce(value.apply(shown)).flatMap((entry) => {
          const origin = origins.get(`${entry.kind} ${entry.name}`)
          return origin === undefined ? [] : sayable(inherit(entry, origin))
        })
      } catch (cause) {
        const error = this.#hooks.failed(plugin, 'present', cause, skip)
        if (!skip) throw error
      }
    }
    return shown
  }
}
