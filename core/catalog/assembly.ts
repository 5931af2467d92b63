import type { Entry, EntryKind } from '../../sdk/index.ts'
import type { HookTable } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'
import { entryText, inherit } from './entry-text.ts'
import { type NameRules, publicName } from './names.ts'
import type { EntryMethod } from './ports.ts'
import { UriTemplate } from './uri-template.ts'

const KINDS: ReadonlySet<unknown> = new Set(['tool', 'prompt', 'resource', 'template'])
/** Kinds that clients ask for by a name that the name rules shape; the others by what is a URI. */
const NAMED: ReadonlySet<EntryKind> = new Set(['tool', 'prompt'])
const KIND_OF = { 'tools/call': 'tool', 'prompts/get': 'prompt' } as const

/** One whole catalog: the entries that some callers' identities see, each kind's names unique. */
export class Assembly {
  readonly entries: readonly Entry[]
  /** Names that two upstreams claim; neither is listed nor callable. */
  readonly collisions: readonly string[]
  readonly #byKey: ReadonlyMap<string, Entry>
  readonly #tools: ReadonlyMap<string, Entry>
  readonly #templates: readonly (readonly [UriTemplate, Entry])[]

  constructor(byKey: ReadonlyMap<string, Entry>, collisions: readonly string[]) {
    this.entries = [...byKey.values()]
    this.collisions = collisions
    this.#byKey = byKey
    // What nearly every call asks for is found without making a key.
    this.#tools = new Map(
      this.entries.flatMap((entry) => (entry.kind === 'tool' ? [[entry.name, entry]] : [])),
    )
    this.#templates = this.entries.flatMap((entry) =>
      entry.kind === 'template' ? [[new UriTemplate(entry.name), entry] as const] : [],
    )
  }

  /** The entry that a request of that method is aimed at, if there is exactly one. */
  find(method: EntryMethod, name: string): Entry | undefined {
    if (method === 'tools/call') return this.#tools.get(name)
    if (method !== 'resources/read') return this.#byKey.get(keyOf(KIND_OF[method], name))
    return (
      this.#byKey.get(keyOf('resource', name)) ??
      this.#templates.find(([template]) => template.matches(name))?.[1]
    )
  }

  /** Equal for assemblies that read and call the same. */
  print(): string {
    return JSON.stringify([printOf(this.entries), this.collisions])
  }
}

/** Equal for lists of entries that read and call the same. */
export function printOf(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map((entry) => [entry.kind, entryText(entry), entry.targets]))
}

/** Puts entries together: unique names, what plugins offer, and every `arrange`. */
export class Assembler {
  readonly #rules: NameRules
  readonly #hooks: HookTable
  readonly #offered: readonly Entry[]

  /** @param offered what plugins offer themselves: an upstream's entry of the same name loses */
  constructor(rules: NameRules, hooks: HookTable, offered: readonly Entry[]) {
    this.#rules = rules
    this.#hooks = hooks
    this.#offered = offered
  }

  /** @returns `undefined` when a plugin failed to arrange them, which has been reported */
  assemble(arrived: readonly Entry[]): Assembly | undefined {
    const collisions = new Set<string>()
    let byKey = this.#unique(arrived, collisions)
    for (const entry of this.#offered) {
      const key = keyOf(entry.kind, entry.name)
      if (byKey.has(key)) collisions.add(entry.name)
      byKey.set(key, entry)
    }
    for (const one of this.#hooks.on.arrange ?? []) {
      try {
        const before = byKey
        const arranged: readonly unknown[] = one.run([...before.values()])
        if (!arranged.every(isEntry)) throw new TypeError('returned something that is not entries')
        const inherited = arranged.map((entry) =>
          inherit(entry, before.get(keyOf(entry.kind, entry.name))),
        )
        byKey = this.#unique(inherited, collisions)
      } catch (cause) {
        this.#hooks.report(one.plugin, 'arrange', cause, one.skip)
        if (!one.skip) return undefined
      }
    }
    return new Assembly(byKey, [...collisions])
  }

  /** The entries by kind and public name; those that claim the same one are all left out. */
  #unique(entries: readonly Entry[], collisions: Set<string>): Map<string, Entry> {
    const byKey = new Map<string, Entry>()
    const twice = new Map<string, string>()
    for (const entry of entries) {
      const { kind } = entry
      const name = NAMED.has(kind) ? publicName(this.#rules, '', entry.name) : entry.name
      const named = name === entry.name ? entry : inherit({ ...entry, name }, entry)
      const key = keyOf(kind, name)
      if (byKey.has(key)) twice.set(key, name)
      byKey.set(key, named)
    }
    for (const [key, name] of twice) {
      byKey.delete(key)
      collisions.add(name)
    }
    return byKey
  }
}

/** Whether a plugin made an entry. */
export function isEntry(value: unknown): value is Entry {
  if (!isObject(value) || typeof value.name !== 'string' || !KINDS.has(value.kind)) return false
  return isObject(value.definition) && Array.isArray(value.targets)
}

function keyOf(kind: EntryKind, name: string): string {
  return `${kind} ${name}`
}
