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

interface Declared {
  readonly perRequest: string
  readonly once: string
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

/** The same as a handshake says it, once for a session: its calls must all come from clients of equal abilities. */
export function declaredOnce(client: Client): string {
  return of(client).once
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
    const text = JSON.stringify(Object.fromEntries(once))
    found = { perRequest: JSON.stringify(all), once: text, key: JSON.stringify(['', text]) }
    known.set(client, found)
  }
  return found
}
