import type { CatalogChanged, Entry, ToolDefinition } from '../../sdk/index.ts'
import { editMembers, isObject, writeChanged } from '../wire/json.ts'
import type { HookTable, Listener } from './hooks.ts'
import { type NameRules, publicName } from './names.ts'

/** A tool as an upstream listed it, with its source text. */
export interface ListedTool {
  readonly definition: ToolDefinition
  readonly text: string
}

/** What the config says about an upstream's names. */
export interface UpstreamNames {
  readonly id: string
  /** `""` for none. */
  readonly prefix: string
  /** Whether the tool of that original name is taken. */
  takes(name: string): boolean
  /** Original name → name to use in its place. */
  readonly rename: ReadonlyMap<string, string>
  /** Additional name → original name. */
  readonly alias: ReadonlyMap<string, string>
}

interface Source {
  entries: readonly Entry[]
  /** Grows with every update, so that a slow `onRegister` cannot overwrite a newer list. */
  turn: number
  listed: boolean
}

// Where a definition came from, so that what no plugin touched is listed as the upstream wrote it.
const sources = new WeakMap<object, { definition: ToolDefinition; text: string }>()
const texts = new WeakMap<Entry, string>()

/** The JSON text of an entry, as lists carry it. */
export function entryText(entry: Entry): string {
  let text = texts.get(entry)
  if (text === undefined) {
    const source = sources.get(entry.definition)
    const body =
      source === undefined
        ? JSON.stringify(entry.definition)
        : source.definition === entry.definition
          ? source.text
          : writeChanged(entry.definition, source.definition, source.text)
    text = editMembers(body, 0, { name: JSON.stringify(entry.name) })
    texts.set(entry, text)
  }
  return text
}

/**
 * Every entry that exists, before any caller's filter. Built from the upstreams' lists whenever one
 * changes; the order in which they arrive makes no difference.
 */
export class CatalogStore {
  revision = 0
  entries: readonly Entry[] = []
  collisions: readonly string[] = []
  /** Whether every upstream has been listed at least once, or will not be soon. */
  complete = false
  #byName: ReadonlyMap<string, Entry> = new Map()
  #print = ''
  readonly #sources: ReadonlyMap<string, Source>
  readonly #names: ReadonlyMap<string, UpstreamNames>
  readonly #rules: NameRules
  readonly #hooks: HookTable
  readonly #offered: readonly Entry[]
  readonly #changed: (real: boolean) => void

  /**
   * @param upstreams in config order: the order of lists
   * @param offered what plugins offer themselves: an upstream's entry of the same name loses
   * @param changed called after every change; not a real one if only `complete` is another
   */
  constructor(
    upstreams: readonly UpstreamNames[],
    rules: NameRules,
    hooks: HookTable,
    offered: readonly Entry[],
    changed: (real: boolean) => void,
  ) {
    this.#offered = offered
    this.#sources = new Map(
      upstreams.map(({ id }) => [id, { entries: [], turn: 0, listed: false }]),
    )
    this.#names = new Map(upstreams.map((names) => [names.id, names]))
    this.#rules = rules
    this.#hooks = hooks
    this.#changed = changed
  }

  /** Takes in what plugins offer, before any upstream has been listed. */
  begin(): void {
    if (this.#offered.length > 0) this.#rebuild()
  }

  /** The entry of that name, if there is exactly one. */
  find(name: string): Entry | undefined {
    return this.#byName.get(name)
  }

  /** Takes an upstream's whole list in place of its former one. Never rejects; failures are reported. */
  async update(upstream: string, tools: readonly ListedTool[]): Promise<void> {
    const source = this.#sources.get(upstream)
    const names = this.#names.get(upstream)
    if (source === undefined || names === undefined) return
    const turn = ++source.turn
    const arrived = tools.flatMap((tool) => this.#name(names, tool))
    const entries = this.#hooks.on.onRegister === null ? arrived : await this.#register(arrived)
    if (turn !== source.turn) return
    source.entries = entries
    source.listed = true
    this.#rebuild()
  }

  /** An upstream that has nothing to list (disabled, or down before its first list) holds nobody up. */
  settle(upstream: string): void {
    const source = this.#sources.get(upstream)
    if (source !== undefined) source.listed = true
    if (!this.complete && this.#allListed()) {
      this.complete = true
      this.#changed(false)
    }
  }

  /** The event that tells of the present state. */
  event(): CatalogChanged {
    const { revision, entries, collisions, complete } = this
    return { type: 'catalog.changed', revision, entries, collisions, complete }
  }

  /** One tool as the entries it makes: itself and its aliases. */
  #name(names: UpstreamNames, { definition, text }: ListedTool): Entry[] {
    const original = definition.name
    if (!names.takes(original)) return []
    sources.set(definition, { definition, text })
    const name = publicName(this.#rules, names.prefix, names.rename.get(original) ?? original)
    const targets = [{ upstream: names.id, name: original, publicName: name }]
    const entries: Entry[] = [{ kind: 'tool', name, definition, targets }]
    for (const [alias, of] of names.alias) {
      if (of !== original) continue
      entries.push({
        kind: 'tool',
        name: publicName(this.#rules, names.prefix, alias),
        definition,
        targets,
      })
    }
    return entries
  }

  async #register(arrived: readonly Entry[]): Promise<readonly Entry[]> {
    const kept = await Promise.all(arrived.map((entry) => this.#registerOne(entry)))
    return kept.flat()
  }

  async #registerOne(arrived: Entry): Promise<readonly Entry[]> {
    let entries: readonly Entry[] = [arrived]
    for (const one of this.#hooks.on.onRegister ?? []) {
      const next: Entry[] = []
      for (const entry of entries) {
        try {
          const kept = await this.#hooks.settle(Promise.resolve(entry).then(one.run), one)
          next.push(...this.#kept(one, entry, kept))
        } catch {
          // Reported. What a plugin could not judge is not offered, unless the operator said so.
          if (one.skip) next.push(entry)
        }
      }
      entries = next
    }
    return entries
  }

  /** What a plugin made of an entry. @throws HookError when it made something else than entries */
  #kept(one: Listener<'onRegister'>, entry: Entry, kept: unknown): readonly Entry[] {
    if (kept == null) return [entry]
    const list: unknown[] = Array.isArray(kept) ? kept : [kept]
    if (list.every(isEntry)) return list.map((out) => inherit(out, entry))
    const cause = new TypeError('returned something that is not an entry')
    throw this.#hooks.failed(one.plugin, 'onRegister', cause, one.skip)
  }

  #rebuild(): void {
    const collisions = new Set<string>()
    const arrived = [...this.#sources.values()].flatMap((source) => source.entries)
    let byName = this.#unique(arrived, collisions)
    for (const entry of this.#offered) {
      if (byName.has(entry.name)) collisions.add(entry.name)
      byName.set(entry.name, entry)
    }
    for (const one of this.#hooks.on.arrange ?? []) {
      try {
        const before = byName
        const arranged: readonly unknown[] = one.run([...before.values()])
        if (!arranged.every(isEntry)) throw new TypeError('returned something that is not entries')
        const inherited = arranged.map((entry) => inherit(entry, before.get(entry.name)))
        byName = this.#unique(inherited, collisions)
      } catch (cause) {
        this.#hooks.report(one.plugin, 'arrange', cause, one.skip)
        if (!one.skip) return
      }
    }
    const list = [...byName.values()]
    const print = JSON.stringify([
      list.map((entry) => [entryText(entry), entry.targets]),
      [...collisions],
    ])
    const real = print !== this.#print
    const complete = this.complete || this.#allListed()
    if (!real && complete === this.complete) return
    this.complete = complete
    if (real) {
      this.#print = print
      this.#byName = byName
      this.entries = list
      this.collisions = [...collisions]
      this.revision++
    }
    this.#changed(real)
  }

  /** The entries by their public names; those that claim the same one are all left out. */
  #unique(entries: readonly Entry[], collisions: Set<string>): Map<string, Entry> {
    const byName = new Map<string, Entry>()
    const twice = new Set<string>()
    for (const entry of entries) {
      const name = publicName(this.#rules, '', entry.name)
      const named = name === entry.name ? entry : inherit({ ...entry, name }, entry)
      if (byName.has(name)) twice.add(name)
      byName.set(name, named)
    }
    for (const name of twice) {
      byName.delete(name)
      collisions.add(name)
    }
    return byName
  }

  #allListed(): boolean {
    return [...this.#sources.values()].every((source) => source.listed)
  }
}

function isEntry(value: unknown): value is Entry {
  if (!isObject(value) || typeof value.name !== 'string') return false
  return isObject(value.definition) && Array.isArray(value.targets)
}

/** Lets a definition that a plugin rebuilt keep the source text of what it left alone. */
export function inherit<E extends Entry>(entry: E, from: Entry | undefined): E {
  const source = from && sources.get(from.definition)
  if (source !== undefined && !sources.has(entry.definition)) sources.set(entry.definition, source)
  return entry
}
