import {
  type Call,
  type Entry,
  InvalidSettings,
  matcher,
  namesOf,
  type Principal,
  type Target,
} from 'mcp-patchbay/sdk'
import type { ClientNames } from './client-names.ts'
import { component } from './component.ts'
import type { LimitSettings } from './settings.ts'

type Matches = (name: string) => string | undefined

/** What a key says of one call, for one of the words in `per`. */
type Part = (call: Call) => string

/** One limit, ready to count. */
export class Limit {
  readonly name: string
  readonly per: LimitSettings['per']
  readonly calls: number
  readonly windowMs: number
  readonly burst: number
  /** How many calls it has refused since the start. */
  denied = 0
  readonly #tools: Matches | undefined
  readonly #upstreams: Matches | undefined
  readonly #principals: Matches | undefined
  readonly #methods: readonly Call['method'][] | undefined
  readonly #parts: readonly Part[]
  /** Whether a principal is meant: asked of a name once. */
  readonly #meant = new WeakMap<Principal, boolean>()

  /**
   * @param index where it stands in the settings
   * @throws InvalidSettings for what the schema cannot express
   */
  constructor(settings: LimitSettings, index: number, clients: ClientNames) {
    const { per, calls, window, burst = calls, match = {} } = settings
    const path = `limits[${index}]`
    if (window <= 0) {
      throw new InvalidSettings(`${path}.window`, 'must be longer than 0', 'Write "1s" or more.')
    }
    this.name = settings.name ?? [...per, `${window / 1000}s`].join('-')
    this.per = per
    this.calls = calls
    this.windowMs = window
    this.burst = burst
    this.#tools = globs(match.tools, `${path}.match.tools`)
    this.#upstreams = globs(match.upstreams, `${path}.match.upstreams`)
    this.#principals = globs(match.principals, `${path}.match.principals`)
    this.#methods = match.methods
    this.#parts = per.map((word) => partOf(word, clients))
  }

  /** Whether it counts calls of this kind to this place at all: the same for every caller. */
  concerns(method: Call['method'], entry: Entry, target: Target | undefined): boolean {
    if (this.#methods !== undefined && !this.#methods.includes(method)) return false
    const place = target?.plugin ?? target?.upstream ?? ''
    if (this.#upstreams !== undefined && this.#upstreams(place) === undefined) return false
    const matches = this.#tools
    return matches === undefined || namesOf(entry, target).some((one) => matches(one) !== undefined)
  }

  /** Whether it counts the calls of this principal. */
  means(principal: Principal): boolean {
    if (this.#principals === undefined) return true
    let meant = this.#meant.get(principal)
    if (meant === undefined) {
      meant = this.#principals(principal.subject) !== undefined
      this.#meant.set(principal, meant)
    }
    return meant
  }

  /** Under which key a call is counted. No two different combinations have the same. */
  keyOf(call: Call): string {
    let key = this.name
    for (const part of this.#parts) key += part(call)
    return key
  }
}

function partOf(word: LimitSettings['per'][number], clients: ClientNames): Part {
  switch (word) {
    case 'principal':
      return ({ caller: { principal } }) =>
        component(principal.issuer) + component(principal.subject)
    case 'client':
      return ({ caller: { principal, client } }) => clients.component(principal, client.name)
    case 'upstream':
      return ({ target }) => upstreamOf(target)
    case 'tool':
      return ({ entry, target }) => upstreamOf(target) + component(target?.name ?? entry.name)
  }
}

/** An upstream and a plugin line of the same id are two. */
function upstreamOf(target: Target | undefined): string {
  if (target?.plugin === undefined) return component(target?.upstream ?? '')
  return `${component('')}${component(target.plugin)}`
}

function globs(patterns: readonly string[] | undefined, path: string): Matches | undefined {
  if (patterns === undefined) return undefined
  const matches = patterns.map((pattern, index) => {
    try {
      return matcher([pattern])
    } catch (cause) {
      const hint = 'List what is counted.'
      throw new InvalidSettings(`${path}[${index}]`, (cause as Error).message, hint, { cause })
    }
  })
  return (name) => {
    for (const one of matches) if (one(name) !== undefined) return name
    return undefined
  }
}
