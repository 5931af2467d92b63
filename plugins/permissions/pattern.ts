import { type Entry, InvalidSettings, matcher, namesOf, type Target } from 'mcp-patchbay/sdk'

/** A glob of the settings, ready to compare. */
export interface Pattern {
  readonly glob: string
  /** Where it stands in the settings, for messages. */
  readonly setting: string
  /** Whether it is about an entry, called at this target. */
  covers(entry: Entry, target: Target): boolean
  /** Whether it is about a URI. */
  reads(uri: string): boolean
}

/**
 * What permits: compared with the name that clients use, the public name behind it, and the names that other plugins
 * gave it for policies (a family's). Not with the upstream's own name: a server chooses that itself, and could call its tool what another server's users may use.
 * @throws InvalidSettings for a glob that cannot be read
 */
export function permitting(glob: string, setting: string): Pattern {
  const reads = compiled(glob, setting)
  const covers: Pattern['covers'] = ({ name }, { publicName, policyNames }) =>
    reads(name) || reads(publicName) || policyNames?.some(reads) === true
  return { glob, setting, covers, reads }
}

/**
 * What denies: compared with every name there is, the upstream's own included.
 * @throws InvalidSettings for a glob that cannot be read
 */
export function denying(glob: string, setting: string): Pattern {
  const reads = compiled(glob, setting)
  const covers: Pattern['covers'] = (entry, target) => namesOf(entry, target).some(reads)
  return { glob, setting, covers, reads }
}

function compiled(glob: string, setting: string): (name: string) => boolean {
  try {
    const match = matcher([glob])
    return (name) => match(name) !== undefined
  } catch (cause) {
    const hint = 'What nobody may use belongs under `deny`.'
    throw new InvalidSettings(setting, (cause as Error).message, hint, { cause })
  }
}
