import { type Entry, InvalidSettings, type Target } from 'mcp-patchbay/sdk'
import { type Pattern, permitting } from './pattern.ts'

/** The settings that permit something. */
export interface GrantSettings {
  readonly permissions?: Readonly<Record<string, readonly string[]>>
  readonly upstreams?: Readonly<Record<string, readonly string[]>>
  readonly anyone?: readonly string[]
  readonly scopeMode: 'any' | 'all'
}

/** One line that permits something to those who have its scopes. */
interface Grant {
  readonly scopes: readonly string[]
  /** How much of it is no wildcard: the narrower line says better what is missing. */
  readonly weight: number
  covers(entry: Entry, target: Target): boolean
}

/** What scopes permit. Whatever no line permits is permitted to nobody. */
export class Grants {
  /** Those of globs; what is wrong with one is that it covers nothing. */
  readonly patterns: readonly Pattern[]
  readonly #lines: readonly Grant[]
  readonly #mode: 'any' | 'all'

  /**
   * @param known the upstreams there are
   * @throws InvalidSettings for a glob that cannot be read, or an upstream there is not
   */
  constructor(settings: GrantSettings, known: readonly string[]) {
    const { permissions = {}, upstreams = {}, anyone = [], scopeMode } = settings
    this.#mode = scopeMode
    const patterns: Pattern[] = []
    const lineOf = (glob: string, setting: string, scopes: readonly string[]): Grant => {
      const pattern = permitting(glob, setting)
      patterns.push(pattern)
      const weight = glob.replaceAll(/[*?]/g, '').length
      return { scopes, weight, covers: pattern.covers }
    }
    this.#lines = [
      ...Object.entries(permissions).map(([glob, scopes]) => lineOf(glob, 'permissions', scopes)),
      ...Object.entries(upstreams).map(([id, scopes]): Grant => {
        refuseUnknown(id, `upstreams.${id}`, known)
        return { scopes, weight: 0, covers: (_entry, { upstream }) => upstream === id }
      }),
      ...anyone.map((glob, index) => lineOf(glob, `anyone[${index}]`, [])),
    ]
    this.patterns = patterns
  }

  /** How many lines there are. */
  get size(): number {
    return this.#lines.length
  }

  /** The lines that somebody with these scopes satisfies, by their places. */
  held(scopes: readonly string[]): readonly number[] {
    return this.#lines.flatMap((line, index) => (this.#satisfied(line, scopes) ? [index] : []))
  }

  /** @param held what {@link held} said */
  permits(held: readonly number[], entry: Entry, target: Target): boolean {
    return held.some((index) => this.#lines[index]?.covers(entry, target))
  }

  /** The scopes to ask for, of the narrowest line that would permit it; `undefined` when none would. */
  needed(entry: Entry, target: Target): readonly string[] | undefined {
    let narrowest: Grant | undefined
    for (const line of this.#lines) {
      if (narrowest !== undefined && line.weight <= narrowest.weight) continue
      if (line.covers(entry, target)) narrowest = line
    }
    // One of them would do, and nobody should ask for more than that.
    return this.#mode === 'all' ? narrowest?.scopes : narrowest?.scopes.slice(0, 1)
  }

  #satisfied({ scopes }: Grant, held: readonly string[]): boolean {
    if (scopes.length === 0) return true
    return this.#mode === 'all'
      ? scopes.every((scope) => held.includes(scope))
      : scopes.some((scope) => held.includes(scope))
  }
}

/** @throws InvalidSettings unless there is such an upstream */
export function refuseUnknown(id: string, setting: string, known: readonly string[]): void {
  if (known.includes(id)) return
  const hint = known.length === 0 ? 'There are none.' : `There are: ${known.join(', ')}.`
  throw new InvalidSettings(setting, `there is no upstream ${id}`, hint)
}
