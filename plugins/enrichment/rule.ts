import type { Entry, Target } from 'mcp-patchbay/sdk'
import { InvalidSettings, type Maybe, matcher, namesOf } from 'mcp-patchbay/sdk'
import { type HttpPorts, HttpSource } from './http-source.ts'
import { type Path, parsePath } from './path.ts'
import { type Predicate, pathAt, predicateOf, SCOPE_ROOTS } from './predicate.ts'
import type { Scope } from './scope.ts'
import type { RuleSettings } from './settings.ts'
import { type Source, TableSource } from './source.ts'
import { type ToolPorts, ToolSource } from './tool-source.ts'
import { UrlTemplate } from './url-template.ts'

/** What sources are made with. */
export type Ports = HttpPorts & ToolPorts

/** How often a rule came to which end. */
export interface Tally {
  added: number
  /** Nothing was there to add, and the rule says that this is no failure. */
  skipped: number
  failed: number
}

/** One rule of the settings, with everything compiled that can be. */
export class Rule {
  readonly name: string
  /** Where the value goes in the result's JSON; nowhere when only text is added. */
  readonly at: Path | undefined
  readonly asText: boolean
  readonly onErrors: boolean
  readonly quiet: boolean
  readonly tally: Tally = { added: 0, skipped: 0, failed: 0 }
  readonly timeout: number
  readonly #tools: (name: string) => string | undefined
  readonly #upstreams: ((name: string) => string | undefined) | undefined
  readonly #when: readonly Predicate[]
  readonly #source: Source

  /** @param at where it stands in the settings @throws InvalidSettings */
  constructor(settings: RuleSettings, ports: Ports, at: string) {
    const { name, match, merge, errors, onMissing, timeout } = settings
    this.name = name
    this.timeout = timeout
    this.onErrors = errors
    this.quiet = onMissing === 'skip'
    this.asText = merge?.text === true
    this.at = placeOf(settings, at)
    this.#tools = globsAt(match.tools, `${at}.match.tools`)
    this.#upstreams = match.upstreams && globsAt(match.upstreams, `${at}.match.upstreams`)
    this.#when = settings.when.map((one, index) => predicateOf(one, `${at}.when[${index}]`))
    this.#source = sourceOf(settings, ports, at)
  }

  /** Whether it is for the calls of an entry that go there; decided once for each. */
  covers(entry: Entry, target: Target | undefined): boolean {
    if (entry.kind !== 'tool') return false
    if (this.#upstreams !== undefined && !this.#upstreams(target?.upstream ?? '')) return false
    return namesOf(entry, target).some((name) => this.#tools(name) !== undefined)
  }

  /** Whether its conditions hold. @throws RuleFailure */
  applies(scope: Scope): boolean {
    return this.#when.every((holds) => holds(scope))
  }

  /** What it adds. @throws RuleFailure, or rejects with it */
  find(scope: Scope, ms: number): Maybe<unknown> {
    return this.#source.find(scope, ms)
  }
}

function placeOf({ name, merge }: RuleSettings, at: string): Path | undefined {
  if (merge?.at === undefined) {
    return merge?.text === true ? undefined : parsePath(`result.enrichment['${name}']`, ['result'])
  }
  const path = pathAt(merge.at, ['result'], `${at}.merge.at`)
  if (path.steps.length > 0) return path
  const hint = 'Name a member: `result.owner`.'
  throw new InvalidSettings(`${at}.merge.at`, 'would replace the whole result', hint)
}

function sourceOf(settings: RuleSettings, ports: Ports, at: string): Source {
  const { name, tool, http, table, timeout, maxBytes } = settings
  const given = [tool, http, table].filter((one) => one !== undefined)
  if (given.length !== 1) {
    const hint = 'Write one of tool, http and table; a second source is a second rule.'
    throw new InvalidSettings(at, `has ${given.length} sources`, hint)
  }
  const take = pathAt(settings.take, ['answer'], `${at}.take`)
  if (tool !== undefined) {
    const options = { rule: name, name: tool.name, args: tool.args, take, maxBytes }
    return new ToolSource(options, ports, `${at}.tool`)
  }
  if (http !== undefined) {
    const url = new UrlTemplate(http.url, `${at}.http.url`)
    const { headers, keep } = http
    return new HttpSource({ url, headers, keep, take, timeout, maxBytes }, ports)
  }
  const { key = '', rows = {} } = table ?? {}
  return new TableSource(pathAt(key, SCOPE_ROOTS, `${at}.table.key`), rows, take)
}

function globsAt(globs: readonly string[], at: string): (name: string) => string | undefined {
  try {
    return matcher(globs)
  } catch (cause) {
    throw new InvalidSettings(at, (cause as Error).message, 'List what is meant.', { cause })
  }
}
