import type { Client } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'

/** Tasks are not passed on: a server that is not told of them answers with results. */
const TASKS = 'io.modelcontextprotocol/tasks'

/** What a session may be told of its client; the rest is each hop's own, or passed on by nobody. */
const OF_SESSIONS = ['elicitation', 'sampling', 'roots', 'extensions', 'experimental']

/** What a session is told that can ask nothing. */
export const NOTHING = '{}'

/** What may be asked of anybody: what a session is told in which nobody calls, so that it lists all it has. */
export const ANYTHING = '{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}'

/** What clients say of user interfaces (MCP Apps), and the one type there is. */
const INTERFACES = 'io.modelcontextprotocol/ui'
const INTERFACE_TYPE = 'text/html;profile=mcp-app'

interface Declared {
  readonly perRequest: string
  readonly ofOne: string
  readonly shared: string
  /** What the link of a session is known by that serves all who can be asked that. */
  readonly key: string
}

const known = new WeakMap<Client, Declared>()

/**
 * What the caller's own client can be asked, as JSON: a server may ask it that and nothing else. Without
 * what this gateway does not pass on.
 */
export function declared(client: Client): string {
  return of(client).perRequest
}

/** The same as a handshake says it, once for a session of this client's own. */
export function declaredOnce(client: Client): string {
  return of(client).ofOne
}

/**
 * The same for a session that is shared by all clients of equal abilities: in the protocol's own words only, so that
 * nobody can make up more sessions than there are abilities.
 */
export function declaredShared(client: Client): string {
  return of(client).shared
}

/** Equal for clients that one shared session may ask the same. */
export function sessionKey(client: Client): string {
  return of(client).key
}

function of(client: Client): Declared {
  let found = known.get(client)
  if (found === undefined) {
    // Tasks are an extension in one revision and a capability in the other.
    const { extensions, tasks: _, ...rest } = client.capabilities
    const others = Object.entries(isObject(extensions) ? extensions : {})
    const kept = others.filter(([id]) => id !== TASKS)
    const all = kept.length === 0 ? rest : { ...rest, extensions: Object.fromEntries(kept) }
    const entries = Object.entries(all).filter(([name]) => OF_SESSIONS.includes(name))
    // Changed roots are nothing that this gateway tells.
    const once = entries.map(([name, value]) => [name, name === 'roots' ? {} : value])
    const shared = JSON.stringify(plain(client.capabilities))
    found = {
      perRequest: JSON.stringify(all),
      ofOne: JSON.stringify(Object.fromEntries(once)),
      shared,
      key: JSON.stringify(['', shared]),
    }
    known.set(client, found)
  }
  return found
}

/** Capabilities without anything that is not the protocol's own. */
function plain({ elicitation, sampling, roots, extensions }: Client['capabilities']): object {
  const ui = isObject(extensions) ? extensions[INTERFACES] : undefined
  const types = isObject(ui) && Array.isArray(ui.mimeTypes) ? ui.mimeTypes : []
  const shown = types.includes(INTERFACE_TYPE) ? { mimeTypes: [INTERFACE_TYPE] } : {}
  return {
    ...(isObject(elicitation) ? { elicitation: parts(elicitation, ['form', 'url']) } : {}),
    ...(isObject(sampling) ? { sampling: parts(sampling, ['context', 'tools']) } : {}),
    ...(isObject(roots) ? { roots: {} } : {}),
    ...(isObject(ui) ? { extensions: { [INTERFACES]: shown } } : {}),
  }
}

function parts(capability: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const said = names.filter((name) => isObject(capability[name]))
  return Object.fromEntries(said.map((name) => [name, {}]))
}
