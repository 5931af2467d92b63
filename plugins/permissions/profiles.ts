import { type Caller, type Entry, InvalidSettings, type Target } from 'mcp-patchbay/sdk'
import { refuseUnknown } from './grants.ts'
import { denying, type Pattern, permitting } from './pattern.ts'

/** One profile of the settings. Of lists: missing is all, empty is none. */
export interface ProfileSettings {
  readonly allow?: readonly string[]
  readonly upstreams?: readonly string[]
  readonly deny: readonly string[]
}

/** The settings that tell profiles apart. */
export interface ProfilesSettings {
  readonly profiles?: Readonly<Record<string, ProfileSettings>>
  readonly profileClaim?: string
  readonly defaultProfile?: string
}

/** A profile, ready to judge. */
export class Profile {
  readonly name: string
  readonly patterns: readonly Pattern[]
  readonly #allow: readonly Pattern[] | undefined
  readonly #deny: readonly Pattern[]
  readonly #upstreams: readonly string[] | undefined

  /** @throws InvalidSettings for a glob that cannot be read, or an upstream there is not */
  constructor(name: string, settings: ProfileSettings, known: readonly string[]) {
    const at = `profiles.${name}`
    this.name = name
    this.#allow = settings.allow?.map((glob, i) => permitting(glob, `${at}.allow[${i}]`))
    this.#deny = settings.deny.map((glob, i) => denying(glob, `${at}.deny[${i}]`))
    this.#upstreams = settings.upstreams
    this.patterns = [...(this.#allow ?? []), ...this.#deny]
    settings.upstreams?.forEach((id, i) => {
      refuseUnknown(id, `${at}.upstreams[${i}]`, known)
    })
  }

  /** Whether an entry is in it, called at this target. */
  holds(entry: Entry, target: Target): boolean {
    if (this.#deny.some((one) => one.covers(entry, target))) return false
    if (this.#upstreams?.includes(target.upstream) === false) return false
    return this.#allow?.some((one) => one.covers(entry, target)) ?? true
  }

  /** Whether it denies any of these spellings of one URI. */
  denies(spellings: readonly string[]): boolean {
    return this.#deny.some((one) => spellings.some(one.reads))
  }
}

/**
 * What narrows a caller: of each choice one profile must hold an entry. A choice without profiles holds nothing:
 * it is that of an unknown profile.
 */
export type Choice = readonly Profile[]

/** Which profiles a caller is held to. */
export class Profiles {
  readonly all: readonly Profile[]
  readonly #byName: ReadonlyMap<string, Profile> | undefined
  readonly #claim: string | undefined
  readonly #fallback: string | undefined

  /**
   * @param upstreams those there are
   * @param served the profiles that have an endpoint
   * @throws InvalidSettings for what cannot be meant
   */
  constructor(
    { profiles, profileClaim, defaultProfile }: ProfilesSettings,
    { upstreams, served }: { upstreams: readonly string[]; served: readonly string[] },
  ) {
    const entries = Object.entries(profiles ?? {})
    this.all = entries.map(([name, one]) => new Profile(name, one, upstreams))
    this.#byName = profiles && new Map(this.all.map((one) => [one.name, one]))
    this.#claim = profileClaim
    this.#fallback = defaultProfile
    const known = this.all.map(({ name }) => name)
    if (profileClaim !== undefined && profiles === undefined) {
      const reason = 'needs profiles to choose from: everybody would get nothing'
      throw new InvalidSettings('profileClaim', reason, 'Name them under `profiles`.')
    }
    if (defaultProfile !== undefined) {
      if (profileClaim === undefined) {
        const reason = 'is for callers without the claim, and no claim is named'
        throw new InvalidSettings('defaultProfile', reason, 'Name it under `profileClaim`.')
      }
      if (!known.includes(defaultProfile)) {
        const hint = `There are: ${known.join(', ') || 'none'}.`
        throw new InvalidSettings('defaultProfile', `there is no profile ${defaultProfile}`, hint)
      }
    }
    if (profiles === undefined) return
    const nowhere = served.find((name) => !known.includes(name))
    if (nowhere !== undefined) {
      const reason = `the gateway serves /mcp/${nowhere}, and here is no profile ${nowhere}: everybody would get nothing there`
      const hint = "Add it here, or take it out of the gateway's `profiles`."
      throw new InvalidSettings('profiles', reason, hint)
    }
    const idle = known.find((name) => !served.includes(name))
    if (idle !== undefined && profileClaim === undefined) {
      const reason = `nobody can have it: the gateway serves no /mcp/${idle}, and no claim chooses profiles`
      const hint = `Add \`profiles: { ${idle}: {} }\` at the top of the config, or name a \`profileClaim\`.`
      throw new InvalidSettings(`profiles.${idle}`, reason, hint)
    }
  }

  /** What a caller is narrowed by: the profile of the path, and those of the claim. */
  of({ path, principal }: Caller): readonly Choice[] {
    if (this.#byName === undefined) return []
    const choices: Choice[] = []
    const [, name] = /^\/mcp\/(.*)$/s.exec(path) ?? []
    if (name !== undefined) choices.push(this.#named([name]))
    if (this.#claim !== undefined) {
      const claimed = Object.hasOwn(principal.claims, this.#claim)
        ? principal.claims[this.#claim]
        : this.#fallback
      choices.push(this.#named(Array.isArray(claimed) ? claimed : [claimed]))
    }
    return choices
  }

  /** Those there are, in the order of the settings. */
  #named(names: readonly unknown[]): Choice {
    return this.all.filter(({ name }) => names.includes(name))
  }
}
