import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import type { Schema } from '../../../sdk/index.ts'
import { messageOf } from '../../hooks/errors.ts'
import { parseQuantity, type Unit } from './quantities.ts'
import { explain, type Finding } from './reasons.ts'
import { inlineRefs, isRecord, keysOf, mapSchema, type Node } from './schema-walk.ts'

export type { Finding } from './reasons.ts'

/** What `format: duration` and `format: size` become before ajv sees them. */
interface Quantity {
  readonly unit: Unit
  readonly minimum?: number
  readonly maximum?: number
}

interface Conversion {
  readonly holder: Record<string | number, unknown>
  readonly key: string | number
  readonly value: number
}

/** Shared by all schemas: the vocabulary is compiled once. */
const ajv = new Ajv2020({
  strict: true,
  allErrors: true,
  useDefaults: true,
  verbose: true,
  allowUnionTypes: true,
  // `anyOf: [{required: [a]}, {required: [b]}]` names properties of the node above.
  strictRequired: false,
  // Strict mode and the keywords themselves refuse what the meta-schema would, without compiling it first;
  // and code that runs once is not worth optimizing. Together a good part of the time to start.
  validateSchema: false,
  code: { optimize: false },
})
ajvFormats.default(ajv)
const compiled = new WeakMap<object, ValidateFunction>()

// Values stay as written until the whole has passed: a branch of `anyOf` that fails has changed nothing.
let conversions: Conversion[] = []
ajv.addKeyword({
  keyword: 'quantity',
  type: ['string', 'number'],
  schemaType: 'object',
  errors: false,
  validate({ unit, minimum, maximum }: Quantity, text: string | number, _node, place) {
    const value = parseQuantity(unit, text)
    if (value === undefined || value < (minimum ?? 0) || value > (maximum ?? value)) return false
    if (place !== undefined) {
      conversions.push({ holder: place.parentData, key: place.parentDataProperty, value })
    }
    return true
  },
})

/** A checked value, or why it cannot be used. */
export interface Checked {
  /** A copy with defaults filled in, durations in milliseconds, sizes in bytes. */
  readonly value: unknown
  /** All of them; empty when the value passed. */
  readonly problems: readonly Finding[]
}

/**
 * Checks a value as the gateway checks every setting, its own and the plugins'. Never changes `value`.
 * @param referenced JSON pointers of strings that came from `${…}` and may stand for a number,
 *   a boolean or null where the schema asks for one
 * @throws Error when the schema itself cannot be used; see {@link checkSchema}
 */
export function checkAgainst(
  schema: Schema,
  value: unknown,
  referenced: ReadonlySet<string> = new Set(),
): Checked {
  const validate = compile(schema)
  let source = value
  if (referenced.size > 0) {
    const typed = structuredClone(value)
    run(validate, typed)
    const box = { value: structuredClone(value) }
    for (const error of validate.errors ?? []) {
      if (error.keyword !== 'type' || !referenced.has(error.instancePath)) continue
      coerce(box, error.instancePath, [error.schema].flat() as string[])
    }
    source = box.value
  }
  const box = { value: structuredClone(source) }
  if (run(validate, box.value, box)) {
    for (const { holder, key, value: number } of conversions) holder[key] = number
    return { value: box.value, problems: [] }
  }
  const problems = explain(validate.errors ?? [], box.value).map((one) =>
    isWritten(source, one.path) ? one : byDefault(one),
  )
  return { value: box.value, problems }
}

/** Whether what is wrong stands in the value, and was not filled in. */
function isWritten(value: unknown, path: Finding['path']): boolean {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Node)[key as string]
  }
  return true
}

/** Whoever reads it wrote nothing of the kind. */
function byDefault({ path, reason }: Finding): Finding {
  const hint = 'Set it, and tell the author of the plugin.'
  return { path, reason: `the plugin's own default is wrong: it ${reason}`, hint }
}

/** Why a schema cannot be the schema of settings: not strict, or open to unknown properties. Empty when it can. */
export function checkSchema(schema: unknown): string[] {
  if (!isRecord(schema)) return ['is not a JSON Schema object']
  const reasons = new Set<string>()
  mapSchema(schema, (node) => {
    if (!isRecord(node.properties)) return node
    for (const [name, property] of Object.entries(node.properties)) {
      if (isRecord(property) || typeof property === 'boolean') continue
      reasons.add(`says of the property ${name} something that is no schema`)
    }
    if (node.type !== undefined && node.additionalProperties === undefined) {
      const names = Object.keys(node.properties).join(', ')
      reasons.add(`lets unknown properties pass beside ${names}: set additionalProperties to false`)
    }
    return node
  })
  try {
    compile(schema)
  } catch (cause) {
    reasons.add(`does not compile: ${messageOf(cause)}`)
  }
  return [...reasons]
}

function compile(schema: Schema): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    // Ids would collide between two versions of one plugin; nothing refers to them from outside.
    const { $id: _, $schema: __, ...rest } = schema
    const readable = mapSchema(inlineRefs(rest), readableQuantity) as Schema
    validate = ajv.compile(readable)
    // Kept here only, so that it goes when the plugin's schema goes.
    ajv.removeSchema(readable)
    compiled.set(schema, validate)
  }
  return validate
}

/** Formats that arrive as numbers are not formats to ajv: a format cannot change a value. */
function readableQuantity(node: Node): Node {
  const { format, minimum, maximum, type, ...rest } = node
  if (format !== 'duration' && format !== 'size') return node
  const quantity: Node = { unit: format }
  if (minimum !== undefined) quantity.minimum = minimum
  if (maximum !== undefined) quantity.maximum = maximum
  return { ...rest, type: [...new Set([type ?? [], 'string', 'number'].flat())], quantity }
}

function run(validate: ValidateFunction, value: unknown, box: object = {}): boolean {
  conversions = []
  return validate(value, {
    instancePath: '',
    parentData: box as Record<string, unknown>,
    parentDataProperty: 'value',
    rootData: value as Record<string, unknown>,
    dynamicAnchors: {},
  }) as boolean
}

/** Reads a string from `${…}` as what the schema asks for, if it can be read so. */
function coerce(box: { value: unknown }, pointer: string, types: readonly string[]): void {
  const keys = ['value', ...keysOf(pointer)]
  const last = keys.pop() as string
  const holder = keys.reduce<Node>((at, key) => at[key] as Node, box as Node)
  const text = holder[last]
  if (typeof text !== 'string') return
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (types.includes('boolean') && (text === 'true' || text === 'false')) {
    holder[last] = text === 'true'
  } else if (types.includes('null') && (text === 'null' || text === '')) holder[last] = null
  else if (types.includes('number') && Number.isFinite(number)) holder[last] = number
  else if (types.includes('integer') && Number.isInteger(number)) holder[last] = number
}
