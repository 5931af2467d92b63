import type { Schema } from '../../../sdk/index.ts'

/** A schema node under construction. */
export type Node = Record<string, unknown>

const MAPS = new Set(['properties', 'patternProperties', '$defs', 'dependentSchemas'])
const LISTS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems'])
const SINGLES = new Set([
  'items',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
])

/** Whether a value is an object, as YAML and JSON mean it. */
export function isRecord(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A copy of a schema with every node replaced by what `change` makes of it, children first. Knows
 * where schemas hold schemas, so that a property called `format` or a default is left alone.
 */
export function mapSchema(schema: unknown, change: (node: Node) => Node): unknown {
  if (!isRecord(schema)) return schema
  const copy: Node = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (SINGLES.has(keyword)) copy[keyword] = mapSchema(value, change)
    else if (LISTS.has(keyword) && Array.isArray(value)) {
      copy[keyword] = value.map((one) => mapSchema(one, change))
    } else if (MAPS.has(keyword) && isRecord(value)) {
      copy[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, mapSchema(one, change)]),
      )
    } else copy[keyword] = value
  }
  return change(copy)
}

/**
 * Puts the definitions in place of `$ref: "#/$defs/…"`, so that errors point at one tree. A definition
 * that holds itself stays a reference.
 */
export function inlineRefs(schema: Schema): unknown {
  const defs = isRecord(schema.$defs) ? schema.$defs : {}
  const inline = (node: unknown, open: readonly string[]): unknown =>
    mapSchema(node, (one) => {
      const name = typeof one.$ref === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(one.$ref) : null
      if (name === null || !((name[1] as string) in defs)) return one
      const key = name[1] as string
      if (open.includes(key)) return one
      const { $ref: _, ...beside } = one
      return { ...(inline(defs[key], [...open, key]) as Node), ...beside }
    })
  const { $defs: _, ...rest } = schema
  const whole = inline(rest, []) as Node
  return JSON.stringify(whole).includes('"$ref"') ? { ...whole, $defs: defs } : whole
}

/** The keys of a JSON pointer. */
export function keysOf(pointer: string): string[] {
  const segments = pointer.split('/').slice(1)
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The JSON pointer of a path. */
export function pointerOf(path: readonly (string | number)[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
