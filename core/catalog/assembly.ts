import { type Entry, type EntryKind, UriTemplate } from '../../sdk/index.ts'
import { atOnce, type HookTable } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'
import { entryText, inherit, sayable } from './entry-text.ts'
import { placeInterface } from './interfaces.ts'
import { type NameRules, publicName } from './names.ts'
import type { EntryMethod } from './ports.ts'
import { isUnlisted, placedUri, readPlaced, unlistedName } from './uris.ts'

const KINDS: ReadonlySet<unknown> = new Set(['tool', 'prompt', 'resource', 'template'])
/** Kinds that clients ask for by a name that the name rules shape; the others by what is a URI. */
const NAMED: ReadonlySet<EntryKind> = new Set(['tool', 'prompt'])
const RESOURCES: ReadonlySet<EntryKind> = new Set(['resource', 'template'])

/** One whole catalog: the entries that some callers' identities see, each kind's names unique. */
export class Assembly {
  readonly entries: readonly Entry[]
  /** Names that two upstreams claim; neither is listed nor callable. */
  readonly collisions: readonly string[]
  /** Whether upstreams have resources: then their results may name some. */
  readonly hasResources: boolean
  readonly #byKey: ReadonlyMap<string, Entry>
  readonly #tools: ReadonlyMap<string, Entry>
  readonly #templates: readonly Shape[]
  /** Resources by upstream and the upstream's own URI. */
  readonly #own: ReadonlyMap<string, Entry>

  constructor(byKey: ReadonlyMap<string, Entry>, collisions: readonly string[]) {
    this.entries = [...byKey.values()]
    this.collisions = collisions
    this.#byKey = byKey
    // What nearly every call asks for is found without making a key.
    this.#tools = new Map(
      this.entries.flatMap((entry) => (entry.kind === 'tool' ? [[entry.name, entry]] : [])),
    )
    this.#templates = this.entries.flatMap((entry) =>
      entry.kind === 'template' && !isUnlisted(entry) ? shapeOf(entry) : [],
    )
    this.hasResources = this.entries.some(
      ({ kind, targets }) => RESOURCES.has(kind) && targets.some(({ upstream }) => upstream !== ''),
    )
    this.#own = new Map(
      this.entries.flatMap((entry) =>
        entry.kind === 'resource'
          ? entry.targets.map(({ upstream, name }) => [`${upstream} ${name}`, entry] as const)
          : [],
      ),
    )
  }

  /** The entry that a request of that method is aimed at, if there is exactly one. */
  find(method: EntryMethod, name: string): Entry | undefined {
    switch (method) {
      case 'tools/call':
        return this.#tools.get(name)
      case 'prompts/get':
        return this.#byKey.get(keyOf('prompt', name))
      case 'resources/read':
        return this.#resource(name)
      case 'completion/complete':
        return (
          this.#byKey.get(keyOf('prompt', name)) ??
          this.#byKey.get(keyOf('template', name)) ??
          this.#resource(name)
        )
    }
  }

  /** What clients read an upstream's own URI by, wherever it stands in what that upstream says. */
  publicUri(upstream: string, own: string): string {
    if (this.#resource(own)?.targets.some((target) => target.upstream === upstream)) return own
    const placed = placedUri(upstream, own)
    return this.#resource(placed) === undefined ? own : placed
  }

  #resource(uri: string): Entry | undefined {
    const listed = this.#byKey.get(keyOf('resource', uri))
    if (listed !== undefined) return listed
    const placed = readPlaced(uri)
    if (placed !== undefined) return this.#placed(placed.upstream, placed.own)
    return this.#templates.find(({ shape }) => shape.matches(uri))?.entry
  }

  /** One resource has one entry, whatever it is asked for by: what refuses it is not to be walked round. */
  #placed(upstream: string, own: string): Entry | undefined {
    const shaped = ({ targets }: Shape) =>
      targets.some((target) => target.upstream === upstream && target.shape.matches(own))
    return (
      this.#own.get(`${upstream} ${own}`) ??
      this.#templates.find(shaped)?.entry ??
      this.#byKey.get(keyOf('template', unlistedName(upstream)))
    )
  }

  /** Equal for assemblies that read and call the same. */
  print(): string {
    return JSON.stringify([printOf(this.entries), this.collisions])
  }
}

interface Shape {
  readonly entry: Entry
  readonly shape: UriTemplate
  /** The same by the upstreams' own URIs. */
  readonly targets: readonly { readonly upstream: string; readonly shape: UriTemplate }[]
}

function shapeOf(entry: Entry): Shape {
  const shape = new UriTemplate(entry.name)
  const targets = entry.targets.map(({ upstream, name }) => {
    return { upstream, shape: name === entry.name ? shape : new UriTemplate(name) }
  })
  return { entry, shape, targets }
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
        const arranged: readonly unknown[] = atOnce(one.run([...before.values()]))
        if (!arranged.every(isEntry)) throw new TypeError('returned something that is not entries')
        // What has a new name is made of what its first target was.
        const origin = ({ kind, name, targets: [target] }: Entry) =>
          before.get(keyOf(kind, name)) ?? before.get(keyOf(kind, target?.publicName ?? name))
        const inherited = arranged.map((entry) => sayable(inherit(entry, origin(entry))))
        const twice = new Set<string>()
        byKey = this.#unique(inherited, twice)
        if (twice.size === 0) continue
        for (const name of twice) collisions.add(name)
        const names = [...twice].join(', ')
        const cause = new TypeError(`returned two entries of one kind and name: ${names}`)
        // Both are left out; everything else it arranged stands.
        this.#hooks.report(one.plugin, 'arrange', cause, true)
      } catch (cause) {
        this.#hooks.report(one.plugin, 'arrange', cause, one.skip)
        if (!one.skip) return undefined
      }
    }
    const assembly = new Assembly(byKey, [...collisions])
    if (!assembly.hasResources) return assembly
    // Where a tool's user interface is read is known once everything has its name.
    const place = (upstream: string, uri: string) => assembly.publicUri(upstream, uri)
    const shown = new Map([...byKey].map(([key, entry]) => [key, placeInterface(entry, place)]))
    const isSame = [...shown].every(([key, entry]) => byKey.get(key) === entry)
    return isSame ? assembly : new Assembly(shown, assembly.collisions)
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
      const other = byKey.get(key)
      const moved = other === undefined || NAMED.has(kind) ? undefined : placed(named, other)
      if (moved !== undefined) {
        byKey.set(keyOf(kind, moved.name), moved)
        continue
      }
      if (other !== undefined) twice.set(key, name)
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
  return isObject(value.definition) && Array.isArray(value.targets) && value.targets.every(isTarget)
}

function isTarget(value: unknown): boolean {
  if (!isObject(value)) return false
  const { upstream, name, publicName, policyNames = [] } = value
  if (!Array.isArray(policyNames)) return false
  return [upstream, name, publicName, ...policyNames].every((one) => typeof one === 'string')
}

/** An upstream's resource under a URI of its own, beside another upstream's of the same URI. */
function placed(entry: Entry, other: Entry): Entry | undefined {
  const [target] = entry.targets
  if (target === undefined || target.upstream === '') return undefined
  if (other.targets.some(({ upstream }) => upstream === target.upstream)) return undefined
  const name = placedUri(target.upstream, target.name)
  const targets = entry.targets.map((one) => ({ ...one, publicName: name }))
  return inherit({ ...entry, name, targets }, entry)
}

function keyOf(kind: EntryKind, name: string): string {
  return `${kind} ${name}`
}
