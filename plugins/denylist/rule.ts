import type { Entry, Target } from 'mcp-patchbay/sdk'
import picomatch from 'picomatch'
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

/** The rule of a name or glob. @throws Error when the pattern cannot be read */
export function patternRule(pattern: string, index: number): Rule {
  const where = `tools[${index}] "${pattern}"`
  if (pattern.startsWith('!')) {
    throw new Error(`${where} begins with "!": there are no exceptions. List what is denied.`)
  }
  let matches: (name: string) => boolean
  try {
    // A tool's name is one word, slashes and leading dots included, and the same on every platform.
    const rules = { bash: true, dot: true, noextglob: true, strictBrackets: true, windows: false }
    matches = picomatch(pattern, rules)
  } catch (cause) {
    throw new Error(`${where} is no glob: ${(cause as Error).message}`, { cause })
  }
  return { setting: pattern, match: (name) => (matches(name) ? pattern : undefined) }
}

/** The pattern that denies a target, under whichever of its names. */
export function denies(rule: Rule, entry: Entry, target: Target): string | undefined {
  return rule.match(entry.name) ?? rule.match(target.publicName) ?? rule.match(target.name)
}
