import type { Entry } from 'mcp-patchbay/sdk'
import type { Family } from './family.ts'
import { apart, type Group, settle } from './group.ts'
import { withInstances } from './instance-argument.ts'
import { instancesOf, type Place, placed, placeOf } from './place.ts'

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
  #groups: ReadonlyMap<string, Group> = new Map()
  readonly #placed = new WeakMap<Entry, Entry>()

  constructor(parts: ArrangementParts) {
    this.#parts = parts
  }

  /** The catalog with what could be merged in place of what it is merged of. */
  arrange(entries: readonly Entry[]): readonly Entry[] {
    const groups = this.#group(entries)
    const grouped = new Map<Entry, Group>()
    for (const group of groups.values()) {
      for (const entry of group.entries) grouped.set(entry, group)
    }
    const hidden = settle([...groups.values()], entries, grouped)
    this.#groups = groups
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
      group.made ??= this.#merge(group)
      return group.made
    })
  }

  /** The groups by family, kind and the servers' own name; those that are as they were keep what was made of them. */
  #group(entries: readonly Entry[]): ReadonlyMap<string, Group> {
    const found = new Map<string, { readonly family: Family; readonly entries: Entry[] }>()
    for (const entry of entries) {
      const family = this.#familyOf(entry)
      if (family === undefined || isAlias(entry)) continue
      const key = `${entry.kind} ${family.name} ${entry.targets[0]?.name}`
      const group = found.get(key)
      if (group === undefined) found.set(key, { family, entries: [entry] })
      else group.entries.push(entry)
    }
    const groups = new Map<string, Group>()
    for (const [key, { family, entries: own }] of found) {
      const before = this.#groups.get(key)
      const [first] = own as [Entry]
      const { kind, targets } = first
      groups.set(
        key,
        before !== undefined && isSame(before.entries, own)
          ? before
          : {
              family,
              kind,
              merged: this.#parts.publicName(family.name, targets[0]?.name ?? ''),
              entries: own,
              apart: apart(family, own),
              reason: undefined,
              made: undefined,
            },
      )
    }
    return groups
  }

  #familyOf({ kind, targets }: Entry): Family | undefined {
    if ((kind !== 'tool' && kind !== 'prompt') || targets.length !== 1) return undefined
    return this.#parts.families.get(targets[0]?.upstream ?? '')
  }

  /** What a group's entries become: theirs is one name, and the caller says where it goes. */
  #merge({ family, kind, merged, entries }: Group): Entry {
    const place: Place = { family, merged, how: 'merged' }
    const targets = entries.flatMap((entry) => entry.targets.map((one) => placed(one, place)))
    const names = instancesOf(family, targets)
    const definition = withInstances(entries[0] as Entry, family, names, this.#parts.maxEnum)
    return { kind, name: merged, definition, targets }
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

/** An alias is listed beside the tool it stands for; so is what another plugin renamed. */
function isAlias({ name, targets }: Entry): boolean {
  return name !== targets[0]?.publicName
}

function isSame(one: readonly Entry[], other: readonly Entry[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
