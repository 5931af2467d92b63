import { isObject } from '../wire/json.ts'

/**
 * Extensions that need nothing of a gateway but that their URIs and `_meta` are passed on. Those with methods
 * of their own (tasks, skills) would be promised and not kept.
 */
const PASSED_ON: readonly string[] = ['io.modelcontextprotocol/ui']

/**
 * What servers declare of the extensions that are passed on. Settings that several servers have: lists are
 * put together, of anything else the first server's counts.
 * @param declared the capabilities of each server, in config order
 */
export function mergedExtensions(
  declared: readonly Readonly<Record<string, unknown>>[],
): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = {}
  for (const id of PASSED_ON) {
    const all = declared.flatMap(({ extensions }) => {
      const settings = isObject(extensions) ? extensions[id] : undefined
      return isObject(settings) ? [settings] : []
    })
    if (all.length > 0) merged[id] = all.reduce(mergedSettings)
  }
  return merged
}

type Settings = Readonly<Record<string, unknown>>

function mergedSettings(first: Settings, next: Settings): Record<string, unknown> {
  const merged = { ...next, ...first }
  for (const [name, value] of Object.entries(next)) {
    const had = first[name]
    if (Array.isArray(had) && Array.isArray(value)) merged[name] = [...new Set([...had, ...value])]
  }
  return merged
}
