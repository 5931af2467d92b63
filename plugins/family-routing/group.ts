import type { Entry, EntryKind } from 'mcp-patchbay/sdk'
import { differences } from './comparison.ts'
import type { Family } from './family.ts'
import { obstacle } from './instance-argument.ts'

/** One tool or prompt of a family, and the members' entries for it. */
export interface Group {
  readonly family: Family
  readonly kind: EntryKind
  /** The public name of what it is merged into, or would be. */
  readonly merged: string
  readonly entries: readonly Entry[]
  /** Why the entries cannot be one, whatever else there is. */
  readonly apart: string | undefined
  /** Why they are not. */
  reason: string | undefined
  /** What they were merged into. */
  made: Entry | undefined
}

/** Why entries of members cannot be one; `undefined` when they can. */
export function apart(family: Family, entries: readonly Entry[]): string | undefined {
  if (family.conflict !== undefined) return family.conflict
  for (const entry of entries) {
    const reason = obstacle(entry, family.instanceArg)
    if (reason !== undefined) return reason
  }
  const fields = differences(entries.map(({ definition }) => definition))
  return fields.length === 0 ? undefined : `its members differ in ${fields.join(', ')}`
}

/**
 * Says of every group why it is not merged, if it is not, and finds what must go. A family's names are its own also
 * while it is not merged: a client that remembers one must not reach something else by it. Only what a plugin offers
 * has a better right.
 * @param grouped the group of each entry that is in one
 * @returns entries of upstreams under a name of a family
 */
export function settle(
  groups: readonly Group[],
  entries: readonly Entry[],
  grouped: ReadonlyMap<Entry, Group>,
): ReadonlySet<Entry> {
  const owners = Map.groupBy(groups, ({ kind, merged }) => keyOf(kind, merged))
  for (const same of owners.values()) {
    for (const group of same) {
      group.reason =
        group.apart ?? (same.length > 1 ? `another family has \`${group.merged}\`` : undefined)
    }
  }
  const names = new Set(groups.map(({ merged }) => merged))
  const rivals = entries.flatMap((entry) => {
    // Nearly none: a key is made for few.
    const rivalled = names.has(entry.name) ? owners.get(keyOf(entry.kind, entry.name)) : undefined
    return rivalled === undefined ? [] : [{ entry, rivalled, own: isOffered(entry) }]
  })
  for (const { entry, rivalled, own } of rivals) {
    if (!own) continue
    for (const group of rivalled) group.reason = `a plugin offers \`${entry.name}\``
  }
  const hidden = rivals.filter(({ entry, own }) => {
    const group = grouped.get(entry)
    return !own && (group === undefined || group.reason !== undefined)
  })
  return new Set(hidden.map(({ entry }) => entry))
}

function isOffered({ targets: [target] }: Entry): boolean {
  return target?.plugin !== undefined
}

function keyOf(kind: EntryKind, name: string): string {
  return `${kind} ${name}`
}
