import type { Entry, EntryKind, Target } from 'mcp-patchbay/sdk'
import { differences } from './comparison.ts'
import type { Family } from './family.ts'
import { obstacle, withInstances } from './instance-argument.ts'

/** On every target of a family: a symbol, so that it stays when another plugin copies the target. */
export const PLACE: unique symbol = Symbol('family')

/** Where a target stands in its family. */
export interface Place {
  readonly family: Family
  /** The public name of what it is merged into, or would be. */
  readonly merged: string
  /** `merged`; `separate`, with the reason; an `alias` of a member is nobody's but the operator's. */
  readonly how: 'merged' | 'separate' | 'alias'
  readonly reason?: string
}

/** What the arrangement makes of a target of a member. */
interface PlacedTarget extends Target {
  readonly [PLACE]?: Place
}

/** The place of a target in its family; `undefined` of what is in none. */
export function placeOf(target: Target | undefined): Place | undefined {
  return (target as PlacedTarget | undefined)?.[PLACE]
}

/** The instances behind targets, sorted: one order, whoever arrived first. */
export function instancesOf({ instances }: Family, targets: readonly Target[]): readonly string[] {
  return targets.map(({ upstream }) => instances.get(upstream) as string).sort()
}

/** One tool or prompt of a family, and the members' entries for it. */
interface Group {
  readonly family: Family
  readonly kind: EntryKind
  readonly merged: string
  readonly entries: Entry[]
  reason: string | undefined
}

interface Merged {
  readonly from: readonly Entry[]
  readonly entry: Entry
}

/** What an arrangement needs to know. */
export interface ArrangementParts {
  /** By upstream id. */
  readonly families: ReadonlyMap<string, Family>
  /** How many instances an enum may tell. */
  readonly maxEnum: number
  publicName(group: string, name: string): string
  /** Told of what is left out because a family has its name; each time. */
  hide(entry: Entry): void
}

/**
 * Merges what members of a family have in common. A function of the entries alone; what it remembers only spares
 * work: the same entries give the same objects again.
 */
export class Arrangement {
  readonly #parts: ArrangementParts
  #merged = new Map<string, Merged>()
  readonly #placed = new WeakMap<Entry, Entry>()

  constructor(parts: ArrangementParts) {
    this.#parts = parts
  }

  /** The catalog with what could be merged in place of what it is merged of. */
  arrange(entries: readonly Entry[]): readonly Entry[] {
    const groups = this.#groups(entries)
    const grouped = new Map([...groups.values()].flatMap((one) => one.entries.map((e) => [e, one])))
    const hidden = settle(entries, grouped, [...groups.values()])
    const kept = this.#merged
    this.#merged = new Map()
    return entries.flatMap((entry) => {
      if (hidden.has(entry)) {
        this.#parts.hide(entry)
        return []
      }
      const group = grouped.get(entry)
      if (group === undefined) return this.#alias(entry)
      const { family, merged, reason } = group
      if (reason !== undefined) {
        return this.#place(entry, { family, merged, how: 'separate', reason })
      }
      if (entry !== group.entries[0]) return []
      const key = keyOf(group.kind, merged)
      const before = kept.get(key)
      const made =
        before !== undefined && isSame(before.from, group.entries) ? before : this.#merge(group)
      this.#merged.set(key, made)
      return made.entry
    })
  }

  #groups(entries: readonly Entry[]): ReadonlyMap<string, Group> {
    const groups = new Map<string, Group>()
    for (const entry of entries) {
      const { kind, targets } = entry
      const [target] = targets
      const family = this.#familyOf(entry)
      if (family === undefined || target === undefined || isAlias(entry)) continue
      const key = `${kind} ${family.name} ${target.name}`
      const group = groups.get(key)
      if (group !== undefined) group.entries.push(entry)
      else {
        const merged = this.#parts.publicName(family.name, target.name)
        groups.set(key, { family, kind, merged, entries: [entry], reason: family.conflict })
      }
    }
    return groups
  }

  #familyOf({ kind, targets }: Entry): Family | undefined {
    if ((kind !== 'tool' && kind !== 'prompt') || targets.length !== 1) return undefined
    return this.#parts.families.get(targets[0]?.upstream ?? '')
  }

  /** What a group's entries become: theirs is one name, and the caller says where it goes. */
  #merge(group: Group): Merged {
    const { family, kind, merged, entries } = group
    const place: Place = { family, merged, how: 'merged' }
    const targets = entries.flatMap((entry) => entry.targets.map((one) => placed(one, place)))
    const names = instancesOf(family, targets)
    const first = entries[0] as Entry
    const definition = withInstances(first, family, names, this.#parts.maxEnum)
    return { from: entries, entry: { kind, name: merged, definition, targets } }
  }

  #alias(entry: Entry): Entry {
    const family = this.#familyOf(entry)
    if (family === undefined) return entry
    const merged = this.#parts.publicName(family.name, entry.targets[0]?.name ?? '')
    return this.#place(entry, { family, merged, how: 'alias' })
  }

  #place(entry: Entry, place: Place): Entry {
    const before = this.#placed.get(entry)
    const old = placeOf(before?.targets[0])
    if (before !== undefined && old?.how === place.how && old.reason === place.reason) return before
    const now = { ...entry, targets: entry.targets.map((one) => placed(one, place)) }
    this.#placed.set(entry, now)
    return now
  }
}

/**
 * Says of every group why it cannot be merged, if it cannot, and finds what must go. A family's names are its own also
 * while it is not merged: a client that remembers one must not reach something else by it. Only what a plugin offers
 * has a better right.
 * @returns entries of upstreams under a name of a family
 */
function settle(
  entries: readonly Entry[],
  grouped: ReadonlyMap<Entry, Group>,
  groups: readonly Group[],
): ReadonlySet<Entry> {
  const owners = Map.groupBy(groups, ({ kind, merged }) => keyOf(kind, merged))
  for (const same of owners.values()) {
    for (const group of same) {
      group.reason ??= same.length > 1 ? `another family has \`${group.merged}\`` : apart(group)
    }
  }
  const rivals = entries.filter(({ kind, name }) => owners.has(keyOf(kind, name)))
  for (const { kind, name, targets } of rivals) {
    if (targets[0]?.plugin === undefined) continue
    for (const group of owners.get(keyOf(kind, name)) ?? []) {
      group.reason = `a plugin offers \`${name}\``
    }
  }
  const hidden = rivals.filter((entry) => {
    const group = grouped.get(entry)
    const isLeft = group === undefined || group.reason !== undefined
    return isLeft && entry.targets[0]?.plugin === undefined
  })
  return new Set(hidden)
}

/** Why the members' own entries cannot be one. */
function apart({ family, entries }: Group): string | undefined {
  for (const entry of entries) {
    const reason = obstacle(entry, family.instanceArg)
    if (reason !== undefined) return reason
  }
  const fields = differences(entries.map(({ definition }) => definition))
  return fields.length === 0 ? undefined : `its members differ in ${fields.join(', ')}`
}

/** An alias is listed beside the tool it stands for; so is what another plugin renamed. */
function isAlias({ name, targets }: Entry): boolean {
  return name !== targets[0]?.publicName
}

function placed(target: Target, place: Place): PlacedTarget {
  // A policy for the family's name holds for every way there is to a member: its alias, and its own name as well.
  const policyNames = [...(target.policyNames ?? []), place.merged]
  return { ...target, policyNames, [PLACE]: place }
}

function keyOf(kind: EntryKind, name: string): string {
  return `${kind} ${name}`
}

function isSame(one: readonly Entry[], other: readonly Entry[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
