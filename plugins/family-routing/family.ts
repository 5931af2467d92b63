/** What stands under `family` of an upstream. */
export interface Membership {
  readonly name: string
  readonly instanceArg: string
  /** The upstream's id when left out. */
  readonly instance?: string
}

/** Upstreams that do the same for different places, and are offered as one. */
export interface Family {
  readonly name: string
  /** The argument that says which member is meant. */
  readonly instanceArg: string
  /** Upstream id → what callers name it by, in config order. */
  readonly instances: ReadonlyMap<string, string>
  /** The same the other way round. */
  readonly upstreams: ReadonlyMap<string, string>
  /** Why nothing of this family is merged. */
  readonly conflict: string | undefined
}

/**
 * The families, by upstream id: members of one share one object.
 * @throws Error when two members of a family go by one name: nobody could say which is meant
 */
export function familiesOf(claims: ReadonlyMap<string, Membership>): ReadonlyMap<string, Family> {
  const members = Map.groupBy(claims, ([, { name }]) => name)
  const families = new Map<string, Family>()
  for (const [name, own] of members) {
    const family = familyOf(name, own)
    for (const [id] of own) families.set(id, family)
  }
  return families
}

type Member = readonly [id: string, membership: Membership]

function familyOf(name: string, members: readonly Member[]): Family {
  const instances = new Map(members.map(([id, { instance = id }]) => [id, instance]))
  for (const [instance, same] of Map.groupBy(instances, ([, one]) => one)) {
    if (same.length === 1) continue
    const ids = same.map(([id]) => id).join(', ')
    throw new Error(
      `the family ${name} has several instances "${instance}": ${ids}. Give each another \`instance\` under \`family\`.`,
    )
  }
  const byArgument = Map.groupBy(members, ([, { instanceArg }]) => instanceArg)
  const said = [...byArgument].map(
    ([argument, own]) => `\`${argument}\` (${own.map(([id]) => id).join(', ')})`,
  )
  return {
    name,
    instanceArg: [...byArgument.keys()].join(' or '),
    instances,
    upstreams: new Map([...instances].map(([id, instance]) => [instance, id])),
    conflict:
      said.length === 1
        ? undefined
        : `its members say different \`instanceArg\`: ${said.join(', ')}`,
  }
}
