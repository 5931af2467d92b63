/**
 * Who may use what, read off the recipe's data and nothing else: none of our code decides here. Slow and plain on
 * purpose.
 */

/** One way to call an entry. */
export interface Aim {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'template'
  /** By which clients list it: empty for what is in no list. */
  readonly listed: string
  /** By which they ask for it. */
  readonly asked: string
  readonly args?: object
  /** The upstream behind it; `''` for what a plugin offers. */
  readonly upstream: string
  /** The names that the operator gave it. */
  readonly names: readonly string[]
  /** What its server calls it. */
  readonly own: string
}

/** The recipe, as far as it decides. */
export interface Recipe {
  readonly profiles: object
  readonly plugins: readonly { readonly use: string; readonly config: never }[]
}

interface Permissions {
  readonly permissions: Readonly<Record<string, readonly string[]>>
  readonly upstreams: Readonly<Record<string, readonly string[]>>
  readonly anyone: readonly string[]
  readonly deny: readonly string[]
  readonly profiles: Readonly<
    Record<string, { allow?: string[]; deny?: string[]; upstreams?: string[] }>
  >
  readonly profileClaim: string
  readonly defaultProfile: string
}

/** A caller, as the recipe's keys say. */
export interface Key {
  readonly id: string
  readonly sha256: string
  readonly scopes: readonly string[]
  readonly claims?: Readonly<Record<string, string>>
}

/** The settings of a plugin line. */
export function settingsOf<T>({ plugins }: Recipe, use: string): T {
  return plugins.find((line) => line.use === use)?.config as T
}

/** `*` and `{a,b}`, as the recipe uses them. */
function hits(globs: readonly string[], names: readonly string[]): boolean {
  return globs.some((glob) => {
    const text = glob
      .replace(/[.+^$()|[\]\\?/]/g, '\\$&')
      .replace(/\{([^}]*)\}/g, (_all, words: string) => `(${words.replaceAll(',', '|')})`)
      .replaceAll('*', '.*')
    return names.some((name) => new RegExp(`^${text}$`).test(name))
  })
}

/** Whether a caller may use it at a path. @param preset the names of the preset `infrastructure` */
export function may(recipe: Recipe, preset: readonly string[], key: Key, path: string, aim: Aim) {
  const rules = settingsOf<Permissions>(recipe, 'permissions')
  const denylist = settingsOf<{ tools: string[] }>(recipe, 'denylist')
  const all = [...aim.names, aim.own]
  if (aim.kind === 'tool' && hits([...preset, ...denylist.tools], all)) return false
  // What is asked for may be more than the entry's name says: a URI that a template reads.
  if (hits(rules.deny, [...all, aim.asked])) return false
  const held = [key.claims?.[rules.profileClaim] ?? rules.defaultProfile]
  if (path !== '/mcp') held.push(path.replace('/mcp/', ''))
  for (const name of held) {
    const profile = rules.profiles[name]
    if (profile === undefined) return false
    if (hits(profile.deny ?? [], [...all, aim.asked])) return false
    if (profile.upstreams && !profile.upstreams.includes(aim.upstream)) return false
    if (profile.allow && !hits(profile.allow, aim.names)) return false
  }
  if (hits(rules.anyone, aim.names)) return true
  const granted = Object.entries(rules.permissions).some(
    ([glob, scopes]) =>
      hits([glob], aim.names) && scopes.some((scope) => key.scopes.includes(scope)),
  )
  return granted || (rules.upstreams[aim.upstream] ?? []).some((one) => key.scopes.includes(one))
}
