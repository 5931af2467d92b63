import { createHash } from 'node:crypto'
import type { Entry } from 'mcp-patchbay/sdk'

type Definition = Entry['definition']

const digests = new WeakMap<Definition, string>()

/**
 * What tells definitions from the first of them: the names of the fields that differ, sorted. The order of an object's
 * members makes no difference, that of a list does. Every field counts but `name`, which each server may prefix.
 */
export function differences(definitions: readonly Definition[]): readonly string[] {
  const [first, ...others] = definitions
  if (first === undefined) return []
  const names = new Set<string>()
  for (const other of others) {
    if (digestOf(other) === digestOf(first)) continue
    for (const name of new Set([...Object.keys(first), ...Object.keys(other)])) {
      if (name !== 'name' && canonical(first[name]) !== canonical(other[name])) names.add(name)
    }
  }
  return [...names].sort()
}

/** Equal for equal definitions; made once of each. */
function digestOf(definition: Definition): string {
  let digest = digests.get(definition)
  if (digest === undefined) {
    const { name: _, ...compared } = definition
    digest = createHash('sha256').update(canonical(compared)).digest('base64')
    digests.set(definition, digest)
  }
  return digest
}

/** JSON text that is equal for equal values. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(JSON.stringify(value))
  const members = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, member]) =>
      member === undefined ? [] : [`${JSON.stringify(name)}:${canonical(member)}`],
    )
  return `{${members.join(',')}}`
}
