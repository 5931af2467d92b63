import { createHash } from 'node:crypto'
import type { Entry } from 'mcp-patchbay/sdk'

type Definition = Entry['definition']

const digests = new WeakMap<Definition, ReadonlyMap<string, string>>()

/**
 * What tells definitions from the first of them: the names of the fields that differ, sorted. The order of an object's
 * members makes no difference, that of a list does. Every field counts but `name`, which each server may prefix.
 */
export function differences(definitions: readonly Definition[]): readonly string[] {
  const [first, ...others] = definitions.map(digestsOf)
  if (first === undefined) return []
  const names = new Set<string>()
  for (const other of others) {
    if (other === first) continue
    for (const name of new Set([...first.keys(), ...other.keys()])) {
      if (first.get(name) !== other.get(name)) names.add(name)
    }
  }
  return [...names].sort()
}

/** Each field's digest; made once per definition. */
function digestsOf(definition: Definition): ReadonlyMap<string, string> {
  let found = digests.get(definition)
  if (found === undefined) {
    found = new Map(
      Object.entries(definition).flatMap(([name, value]) =>
        name === 'name' || value === undefined ? [] : [[name, digest(canonical(value))]],
      ),
    )
    digests.set(definition, found)
  }
  return found
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** JSON text that is equal for equal values. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
  return `{${members.join(',')}}`
}
