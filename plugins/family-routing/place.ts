import type { Target } from 'mcp-patchbay/sdk'
import type { Family } from './family.ts'

// A symbol on the target, so that it stays when another plugin copies the target.
const PLACE: unique symbol = Symbol('family')

/** Where a target stands in its family. */
export interface Place {
  readonly family: Family
  /** The public name of what it is merged into, or would be. */
  readonly merged: string
  /** `merged`; `separate`, with the reason; an `alias` of a member is nobody's but the operator's. */
  readonly how: 'merged' | 'separate' | 'alias'
  readonly reason?: string
}

interface PlacedTarget extends Target {
  readonly [PLACE]?: Place
}

/** The place of a target in its family; `undefined` of what is in none. */
export function placeOf(target: Target | undefined): Place | undefined {
  return (target as PlacedTarget | undefined)?.[PLACE]
}

/**
 * A target that knows its place. A policy for the family's name holds for every way there is to a member: an alias, and
 * the name it keeps where it is not merged.
 */
export function placed(target: Target, place: Place): Target {
  const policyNames = [...(target.policyNames ?? []), place.merged]
  const made: PlacedTarget = { ...target, policyNames, [PLACE]: place }
  return made
}

/** The instances behind targets, sorted: one order, whoever arrived first. */
export function instancesOf({ instances }: Family, targets: readonly Target[]): readonly string[] {
  return targets.map(({ upstream }) => instances.get(upstream) as string).sort()
}
