import { isObject } from './json.ts'
import { decodeHeaderValue, encodeHeaderValue } from './protocol.ts'

/** What the name of every header starts with that mirrors an argument. */
export const PARAM_PREFIX = 'mcp-param-'

/** An argument that a request repeats as a header (2026-07-28, transports: custom headers). */
export interface ParamHeader {
  /** Where the argument stands: names of members, outermost first. */
  readonly path: readonly string[]
  /** In lower case, with its prefix. */
  readonly header: string
}

/** What a schema annotates; with a `fault`, nothing of it counts. */
export interface ParamHeaders {
  /** Empty for nearly every tool. */
  readonly list: readonly ParamHeader[]
  /** Which rule an annotation breaks, and where. */
  readonly fault?: string
}

const KEY = 'x-mcp-header'
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
const NOTHING: ParamHeaders = { list: [] }

/** Keywords that hold a schema, or a list of them. */
const SCHEMAS = [
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
]

/** Keywords that hold schemas by name. */
const NAMED_SCHEMAS = [
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
]

const known = new WeakMap<object, ParamHeaders>()

/** The annotations of an `inputSchema`, read once per schema. */
export function paramHeaders(inputSchema: unknown): ParamHeaders {
  if (!isObject(inputSchema)) return NOTHING
  let found = known.get(inputSchema)
  if (found === undefined) {
    const list: ParamHeader[] = []
    const fault = visit(inputSchema, [], true, list)
    found = fault !== undefined ? { list: [], fault } : list.length === 0 ? NOTHING : { list }
    known.set(inputSchema, found)
  }
  return found
}

/** Collects a schema's annotations and those below it. Returns the first fault. */
function visit(
  schema: unknown,
  path: readonly string[],
  reachable: boolean,
  list: ParamHeader[],
): string | undefined {
  if (!isObject(schema)) return undefined
  const fault = Object.hasOwn(schema, KEY) ? take(schema, path, reachable, list) : undefined
  if (fault !== undefined) return fault
  for (const [child, below, whole] of children(schema, path)) {
    const deeper = visit(child, below, reachable && whole, list)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

function take(
  schema: Readonly<Record<string, unknown>>,
  path: readonly string[],
  reachable: boolean,
  list: ParamHeader[],
): string | undefined {
  const name = schema[KEY]
  const at = path.length === 0 ? 'the schema itself' : path.join('.')
  if (!reachable || path.length === 0) {
    return `${at}: only properties reached through \`properties\` alone may carry ${KEY}`
  }
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    return `${at}: ${KEY} must be a token, as names of HTTP headers are`
  }
  if (!TYPES.has(schema.type)) {
    return `${at}: ${KEY} needs the type string, integer or boolean`
  }
  const header = PARAM_PREFIX + name.toLowerCase()
  if (list.some((one) => one.header === header)) {
    return `${at}: another property has the ${KEY} ${name}, which must be unique ignoring case`
  }
  list.push({ path, header })
  return undefined
}

/** The schemas in a schema: each with its path, and whether `properties` leads there. */
function* children(
  schema: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Generator<[schema: unknown, path: readonly string[], whole: boolean]> {
  const { properties } = schema
  if (isObject(properties)) {
    for (const [name, child] of Object.entries(properties)) yield [child, [...path, name], true]
  }
  for (const keyword of SCHEMAS) {
    const below = [...path, `<${keyword}>`]
    for (const child of [schema[keyword]].flat()) yield [child, below, false]
  }
  for (const keyword of NAMED_SCHEMAS) {
    const named = schema[keyword]
    if (!isObject(named)) continue
    for (const child of Object.values(named)) yield [child, [...path, `<${keyword}>`], false]
  }
}

/** An argument as its header says it, before encoding; `undefined` for what headers do not carry. */
function valueText(args: unknown, path: readonly string[]): string | undefined {
  let value = args
  for (const name of path) {
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return String(value)
    case 'number':
      // What is no integer after all is the tool's to refuse, not this header's.
      return Number.isSafeInteger(value) || !Number.isInteger(value) ? String(value) : undefined
    default:
      return undefined
  }
}

/** Headers that mirror arguments of which no schema here knows: names and values in turn. */
export function strayParamHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  known: readonly ParamHeader[],
): string[] {
  const flat: string[] = []
  for (const name in headers) {
    if (!name.startsWith(PARAM_PREFIX) || known.some(({ header }) => header === name)) continue
    flat.push(name, String(headers[name]))
  }
  return flat
}

/** The headers for these arguments, names and values in turn. What is absent or null has none. */
export function writeParamHeaders(list: readonly ParamHeader[], args: object): string[] {
  return list.flatMap(({ path, header }) => {
    const text = valueText(args, path)
    return text === undefined ? [] : [header, encodeHeaderValue(text)]
  })
}

/** The first header that is missing, stands without its argument, or differs from it. */
export function differingParamHeader(
  list: readonly ParamHeader[],
  args: unknown,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  return list.find(({ path, header }) => {
    const sent = headers[header]?.toString().trim()
    const text = valueText(args, path)
    if (sent === undefined || text === undefined) return sent !== text
    const said = decodeHeaderValue(sent)
    return said !== text && !sameInteger(said, args, path)
  })?.header
}

/** Integers may be written in more than one way: `7`, `07`, `7.0`. */
function sameInteger(said: string | undefined, args: unknown, path: readonly string[]): boolean {
  if (said === undefined || !/^-?\d+(\.0+)?$/.test(said)) return false
  let value = args
  for (const name of path) value = (value as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'number' && Number(said) === value
}
