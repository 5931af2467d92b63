import type { ToolDefinition } from '../../sdk/index.ts'
import { writeChanged } from '../wire/changed-json.ts'
import {
  editMembers,
  findMember,
  isObject,
  memberText,
  readMembers,
  repeatsNameAnywhere,
} from '../wire/json.ts'

/** Where what was wrapped stands now, as a JSON pointer. */
const PLACE = '/properties/result'

/** Keywords whose values are data and no schemas: what looks like a reference there is none. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])
/** Keywords whose members are schemas by names of their own, which may be spelt like keywords. */
const MAPS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
])
const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef'])

/** Deeper schemas are wrapped with their references as they are: nobody reads one that deep. */
const DEEPEST = 500

/** Whether revisions until 2025-11-25 would refuse that output schema: they know those of objects only. */
export function needsWrapping(schema: unknown): boolean {
  if (schema === undefined || schema === null) return false
  return !isObject(schema) || schema.type !== 'object'
}

/**
 * A tool's definition with its output schema as that of `{"result": …}`. Local references are moved along
 * with what they name; numbers keep their source text.
 * @param text of the definition
 */
export function wrapOutputSchema({ outputSchema: schema }: ToolDefinition, text: string): string {
  const source = sourceOf(text, 'outputSchema', schema)
  const moved = isBase(schema) ? schema : movedRefs(schema, 0)
  const inner = moved === schema ? source : writeChanged(moved, schema, source)
  const dialect =
    isObject(schema) && typeof schema.$schema === 'string'
      ? `"$schema":${JSON.stringify(schema.$schema)},`
      : ''
  // A schema that is no resource of its own must not say which dialect it is in.
  const own =
    dialect === '' || isBase(schema) ? inner : editMembers(inner, 0, { $schema: undefined })
  const wrapped = `{${dialect}"type":"object","properties":{"result":${own}},"required":["result"]}`
  return editMembers(text, 0, { outputSchema: wrapped })
}

/** The source of a member in an object's text; written anew where parsers may disagree about it. */
export function sourceOf(text: string, name: string, value: unknown): string {
  const members = readMembers(text)
  const at = findMember(text, members, name)
  const source = at < 0 ? '' : memberText(text, members, at)
  // The last of two is what was parsed.
  const repeats = at >= 0 && findMember(text, members.slice(at + 4), name) >= 0
  return source === '' || repeats || repeatsNameAnywhere(source, 0) ? JSON.stringify(value) : source
}

/** Whether references inside it are relative to itself, wherever it stands. */
function isBase(schema: unknown): boolean {
  return isObject(schema) && typeof schema.$id === 'string' && !schema.$id.startsWith('#')
}

/** The same schema when nothing in it had to move. */
function movedRefs(schema: unknown, depth: number): unknown {
  if (depth > DEEPEST) return schema
  if (Array.isArray(schema)) return mapped(schema, (one) => movedSchema(one, depth))
  if (!isObject(schema)) return schema
  return mappedMembers(schema, (name, value) => {
    if (REFERENCES.has(name) && typeof value === 'string') return movedRef(value)
    if (DATA.has(name)) return value
    if (MAPS.has(name) && isObject(value)) {
      return mappedMembers(value, (_, one) => movedSchema(one, depth + 1))
    }
    return movedSchema(value, depth)
  })
}

function movedSchema(schema: unknown, depth: number): unknown {
  return isBase(schema) ? schema : movedRefs(schema, depth + 1)
}

/** `#` and pointers name places in the document; anchors go with what they stand on. */
function movedRef(ref: string): string {
  return ref === '#' || ref.startsWith('#/') ? `#${PLACE}${ref.slice(1)}` : ref
}

function mapped(list: readonly unknown[], change: (one: unknown) => unknown): readonly unknown[] {
  const changed = list.map(change)
  return changed.every((one, i) => one === list[i]) ? list : changed
}

function mappedMembers(
  object: Readonly<Record<string, unknown>>,
  change: (name: string, value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(object)
  const changed = entries.map(([name, value]) => [name, change(name, value)] as const)
  return changed.every(([, value], i) => value === entries[i]?.[1])
    ? object
    : Object.fromEntries(changed)
}
