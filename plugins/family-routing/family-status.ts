import type { Entry } from 'mcp-patchbay/sdk'
import type { Family } from './family.ts'
import { instancesOf, placeOf } from './place.ts'

/** How one family is doing. */
interface FamilyStatus {
  readonly instanceArg: string
  /** Instance → upstream id. */
  readonly instances: Readonly<Record<string, string>>
  /** Name of a merged tool or prompt → the instances that have it. */
  readonly merged: Record<string, readonly string[]>
  /** Name that it would have → why its members keep their own names. */
  readonly separate: Record<string, string>
}

/** What is merged and what is not, and why, by family. */
export function statusOf(families: Iterable<Family>, entries: readonly Entry[]): object {
  const byFamily = new Map<Family, FamilyStatus>()
  for (const family of families) {
    const { instanceArg, instances } = family
    const named = [...instances].map(([id, instance]) => [instance, id])
    byFamily.set(family, {
      instanceArg,
      instances: Object.fromEntries(named),
      merged: {},
      separate: {},
    })
  }
  for (const { name, targets } of entries) {
    const place = placeOf(targets[0])
    const status = place === undefined ? undefined : byFamily.get(place.family)
    if (place === undefined || status === undefined) continue
    if (place.how === 'merged') status.merged[name] = instancesOf(place.family, targets)
    else if (place.reason !== undefined) status.separate[place.merged] = place.reason
  }
  return { families: Object.fromEntries([...byFamily].map(([{ name }, one]) => [name, one])) }
}
