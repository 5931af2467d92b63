import { isObject } from '../wire/json.ts'
import type { ServerFacts } from './link.ts'

const GROUPS = ['tools', 'prompts', 'resources'] as const
const CHANGED: ReadonlySet<unknown> = new Set(
  GROUPS.map((group) => `notifications/${group}/list_changed`),
)

/** Whether a message says that one of the server's lists has changed. */
export function tellsOfLists(method: unknown): boolean {
  return CHANGED.has(method)
}

/** The `params` of a request to be told of the lists that a server says may change; `undefined` for none. */
export function listenParams({ capabilities }: ServerFacts): string | undefined {
  const wanted = GROUPS.filter((group) => {
    const capability = capabilities[group]
    return isObject(capability) && capability.listChanged === true
  })
  if (wanted.length === 0) return undefined
  return `"notifications":{${wanted.map((group) => `"${group}ListChanged":true`).join(',')}}`
}
