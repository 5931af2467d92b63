import { type Entry, InvalidSettings, matcher, namesOf, type Target } from 'mcp-patchbay/sdk'
import { PRESETS } from './presets.ts'

/** One line of the settings, ready to judge. */
export interface Rule {
  /** As it stands in the settings. */
  readonly setting: string
  /** What matched, of any of the names; `undefined` when nothing did. */
  match(name: string): string | undefined
}

/** The rule of a preset: its names, exactly. */
export function presetRule(preset: keyof typeof PRESETS): Rule {
  const names: ReadonlySet<string> = new Set(PRESETS[preset])
  return { setting: `preset ${preset}`, match: (name) => (names.has(name) ? name : undefined) }
}

/** The rule of a name or glob. @throws InvalidSettings when the pattern cannot be read */
export function patternRule(pattern: string, index: number): Rule {
  try {
    return { setting: pattern, match: matcher([pattern]) }
  } catch (cause) {
    const hint = 'List what is denied.'
    throw new InvalidSettings(`tools[${index}]`, (cause as Error).message, hint, { cause })
  }
}

/** The pattern that denies a target, under whichever of its names. */
export function denies(rule: Rule, entry: Entry, target: Target): string | undefined {
  for (const name of namesOf(entry, target)) {
    const matched = rule.match(name)
    if (matched !== undefined) return matched
  }
  return undefined
}
