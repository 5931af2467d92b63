import type { Caller, Maybe, Outcome } from '../../sdk/index.ts'
import type { Assembly } from '../catalog/assembly.ts'
import type { CatalogStore } from '../catalog/catalog.ts'
import type { EntryMethod, ListedEntry } from '../catalog/ports.ts'
import { isPromise } from '../hooks/hooks.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { isObject } from '../wire/json.ts'
import { RelayedError, RelayedResult } from './outcome.ts'
import type { Servers } from './ports.ts'
import type { Round } from './round.ts'

/** A URI in a result is a member of one of these. Anything else is not parsed for them; escaped letters may spell it. */
const MAY_NAME = /"type"\s*:\s*"resource|\\u00[67]/

type Place = (uri: string) => string

/**
 * The upstreams, with the URIs in what they answer as clients read them: two upstreams may mean different
 * things by one URI.
 */
export class PlacedServers implements Servers {
  readonly #servers: Servers
  readonly #catalog: CatalogStore

  constructor(servers: Servers, catalog: CatalogStore) {
    this.#servers = servers
    this.#catalog = catalog
  }

  send(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome> {
    const outcome = this.#servers.send(round, headers)
    const assembly = this.#catalog.of(round.caller)
    if (!assembly.hasResources) return outcome
    return isPromise(outcome)
      ? outcome.then((settled) => placed(round, settled, assembly))
      : placed(round, outcome, assembly)
  }

  extensions(): Readonly<Record<string, unknown>> {
    return this.#servers.extensions()
  }

  instructions(): ReadonlyMap<string, string> {
    return this.#servers.instructions()
  }

  discover(
    upstream: string,
    identity: string,
    caller: Caller,
  ): Promise<readonly ListedEntry[] | undefined> {
    return this.#servers.discover(upstream, identity, caller)
  }
}

/** What cannot be placed is not passed on: its URIs could be taken for another server's. */
function placed(round: Round, outcome: Outcome, assembly: Assembly): Outcome {
  try {
    return withPlaces(round, outcome, assembly)
  } catch {
    const message = `${round.target?.upstream}: answered with what cannot be read`
    const hint = 'Check whether it was done before trying again.'
    return { kind: 'failure', code: 'UNAVAILABLE', message, hint, executed: outcome.executed }
  }
}

function withPlaces(round: Round, outcome: Outcome, assembly: Assembly): Outcome {
  const { upstream = '' } = round.target ?? {}
  const place: Place = (uri) => assembly.publicUri(upstream, uri)
  if (outcome instanceof RelayedError) {
    const { error, text } = outcome
    if (!isObject(error.data) || typeof error.data.uri !== 'string') return outcome
    const changed = { ...error, data: { ...error.data, uri: place(error.data.uri) } }
    return new RelayedError(changed, writeChanged(changed, error, text))
  }
  if (!(outcome instanceof RelayedResult)) return outcome
  const { result, text } = outcome
  if (round.method !== 'resources/read' && !MAY_NAME.test(text)) return outcome
  const changed = placedResult(round.method, result, place)
  return changed === result
    ? outcome
    : new RelayedResult(changed, writeChanged(changed, result, text))
}

function placedResult(
  method: EntryMethod,
  result: Readonly<Record<string, unknown>>,
  place: Place,
): Readonly<Record<string, unknown>> {
  switch (method) {
    case 'resources/read':
      return withMember(result, 'contents', (all) => mapped(all, (one) => withUri(one, place)))
    case 'tools/call':
      return withMember(result, 'content', (all) => mapped(all, (one) => placedBlock(one, place)))
    case 'prompts/get':
      return withMember(result, 'messages', (all) =>
        mapped(all, (message) =>
          withMember(message, 'content', (content) =>
            Array.isArray(content)
              ? mapped(content, (one) => placedBlock(one, place))
              : placedBlock(content, place),
          ),
        ),
      )
    default:
      return result
  }
}

function placedBlock(block: unknown, place: Place): unknown {
  if (!isObject(block)) return block
  if (block.type === 'resource_link') return withUri(block, place)
  if (block.type !== 'resource') return block
  return withMember(block, 'resource', (resource) => withUri(resource, place))
}

function withUri(value: unknown, place: Place): unknown {
  return withMember(value, 'uri', (uri) => (typeof uri === 'string' ? place(uri) : uri))
}

/** The object with that member changed; the same object when it is not. */
function withMember<T>(value: T, name: string, change: (member: unknown) => unknown): T {
  if (!isObject(value) || !(name in value)) return value
  const member = change(value[name])
  return member === value[name] ? value : { ...value, [name]: member }
}

/** The list with every element changed; the same list when none is. */
function mapped(list: unknown, change: (one: unknown) => unknown): unknown {
  if (!Array.isArray(list)) return list
  const changed = list.map(change)
  return changed.every((one, i) => one === list[i]) ? list : changed
}
