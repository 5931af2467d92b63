import type { ErrorObject } from 'ajv/dist/2020.js'
import { didYouMean } from '../../hooks/nearest.ts'
import { EXAMPLES, formatQuantity, type Unit } from './quantities.ts'
import { isRecord, keysOf, type Node } from './schema-walk.ts'

/** One thing that is wrong with a value. Never holds the value itself: it may be a secret. */
export interface Finding {
  readonly path: readonly (string | number)[]
  readonly reason: string
  /** Set when the key at the end of the path is one the schema does not know. */
  readonly unknown?: true
  /** What to do next. */
  readonly hint?: string
}

const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'null',
}

/** What ajv found, one finding per mistake, in the order of the schema. */
export function explain(errors: readonly ErrorObject[], value: unknown): Finding[] {
  const told = withoutEchoes(settleUnions(errors))
  const findings = told.flatMap((error) => phrase(error, pathOf(error, value)))
  const seen = new Set<string>()
  return findings.filter((finding) => {
    const key = JSON.stringify([finding.path, finding.reason])
    return !seen.has(key) && seen.add(key)
  })
}

/** In place of a union's errors, those of the branch that was meant. */
function settleUnions(errors: readonly ErrorObject[]): ErrorObject[] {
  let left = [...errors]
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  // The outermost first: what it drops, inner unions included, needs no settling.
  for (const union of unions.sort((a, b) => a.schemaPath.length - b.schemaPath.length)) {
    if (!left.includes(union)) continue
    const inside = left.filter((error) => isInside(error, union))
    const chosen = chooseBranch(union, inside)
    left = left.flatMap((error) => {
      if (error === union) return chosen ?? [union]
      return inside.includes(error) ? [] : [error]
    })
  }
  return left
}

function isInside(error: ErrorObject, union: ErrorObject): boolean {
  return (
    error !== union &&
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    (error.instancePath === union.instancePath ||
      error.instancePath.startsWith(`${union.instancePath}/`))
  )
}

/** The errors of the branch that the value comes nearest to; nothing when it is of none of the kinds. */
function chooseBranch(
  union: ErrorObject,
  inside: readonly ErrorObject[],
): readonly ErrorObject[] | undefined {
  const branches = new Map<string, ErrorObject[]>()
  for (const error of inside) {
    const index = error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] as string
    const branch = branches.get(index)
    if (branch === undefined) branches.set(index, [error])
    else branch.push(error)
  }
  const right = [...branches.values()].filter((branch) => !branch.some((one) => isKind(one, union)))
  const named = right.filter((branch) => !branch.some((one) => isDiscriminator(one, union)))
  if (named.length === 0) {
    const words = right.flatMap((branch) => branch.filter((one) => isDiscriminator(one, union)))
    if (words[0] === undefined || words.some((one) => one.instancePath !== words[0]?.instancePath))
      return undefined
    return [{ ...words[0], keyword: 'enum', schema: words.map((one) => one.schema) }]
  }
  const open = named.sort((a, b) => a.length - b.length)
  const [first, second] = open
  if (first === undefined) return undefined
  // Several ways to mend it, none nearer: say all of them at once.
  if (second !== undefined && second.length === first.length) return undefined
  return first
}

/** Whether a branch wants another kind of value altogether. */
function isKind({ keyword, instancePath }: ErrorObject, union: ErrorObject): boolean {
  return instancePath === union.instancePath && ['type', 'const', 'enum'].includes(keyword)
}

/** Whether a branch is for another variant: a property of the value has to be a certain word there. */
function isDiscriminator({ keyword, instancePath }: ErrorObject, union: ErrorObject): boolean {
  const rest = instancePath.slice(union.instancePath.length)
  return keyword === 'const' && /^\/[^/]+$/.test(rest)
}

/** Without errors that only repeat another: containers of failed parts, and the right name of a misspelt one. */
function withoutEchoes(errors: readonly ErrorObject[]): ErrorObject[] {
  return errors.filter((error) => {
    if (error.keyword === 'if' || error.keyword === 'propertyNames') return false
    if (error.keyword !== 'required') return true
    const missing = (error.params as { missingProperty: string }).missingProperty
    return !errors.some(
      (other) =>
        other.instancePath === error.instancePath &&
        other.keyword === 'additionalProperties' &&
        didYouMean(other.params.additionalProperty, [missing]) !== '',
    )
  })
}

function pathOf({ instancePath }: ErrorObject, value: unknown): (string | number)[] {
  const path: (string | number)[] = []
  let at = value
  for (const key of keysOf(instancePath)) {
    path.push(Array.isArray(at) ? Number(key) : key)
    at = (at as Node | undefined)?.[key]
  }
  return path
}

function phrase(error: ErrorObject, path: readonly (string | number)[]): Finding {
  const { keyword, params, schema, propertyName } = error
  const node = (error.parentSchema ?? {}) as Node
  if (propertyName !== undefined) {
    const hint = keyword === 'pattern' ? `Names here match ${schema}.` : undefined
    const reason = 'is not a name that is allowed here'
    return { path: [...path, propertyName], reason, ...(hint === undefined ? {} : { hint }) }
  }
  const at = (reason: string, hint?: unknown): Finding =>
    typeof hint === 'string' && hint !== '' ? { path, reason, hint } : { path, reason }
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownKey(node, path, params.additionalProperty ?? params.unevaluatedProperty)
    case 'required': {
      const name = params.missingProperty as string
      return at(`needs \`${name}\``, describe(node, name))
    }
    case 'dependentRequired':
      return at(`needs \`${params.missingProperty}\` beside \`${params.property}\``)
    case 'type':
      return at(
        `must be ${kinds(node)}, not ${insteadOf(node, error.data)}`,
        wayOut(node, error.data),
      )
    case 'enum': {
      const known = (schema as unknown[]).map(String)
      const near = typeof error.data === 'string' ? nearWord(error.data, known) : ''
      return at(`must be one of ${known.join(', ')}${near}`)
    }
    case 'const':
      return at(`must be ${JSON.stringify(schema)}`)
    case 'quantity':
      return at(`must be ${quantity(schema as Node)}`)
    case 'pattern':
      return at(
        `does not match ${schema} (it has ${lengthOf(error.data)})`,
        node.description ?? 'Write it in that form.',
      )
    case 'format':
      return at(`must be a valid ${schema}`, FORMATS[schema as string])
    case 'anyOf':
    case 'oneOf':
      return at(params.passingSchemas ? 'fits several of its forms at once' : choices(error))
    case 'not':
      return at('is not allowed', node.description)
    case 'minItems':
      return at(`must hold at least ${schema} ${schema === 1 ? 'item' : 'items'}`)
    case 'maxItems':
      return at(`must hold at most ${schema} ${schema === 1 ? 'item' : 'items'}`)
    case 'minLength':
      return at(
        schema === 1
          ? 'must not be empty'
          : `must have at least ${schema} characters, not ${[...(error.data as string)].length}`,
      )
    case 'maxLength':
      return at(`must have at most ${schema} characters, not ${[...(error.data as string)].length}`)
    case 'uniqueItems':
      return at(`holds the same item twice (${params.j + 1}. and ${params.i + 1}.)`)
    default:
      return at(error.message ?? `breaks the rule ${keyword}`)
  }
}

const FORMATS: Record<string, string> = {
  'date-time': 'For example "2027-01-31T00:00:00Z".',
  date: 'For example "2027-01-31".',
  uri: 'For example "https://host.example/path".',
}

function unknownKey(node: Node, path: readonly (string | number)[], key: string): Finding {
  const known = Object.keys(isRecord(node.properties) ? node.properties : {})
  return {
    path: [...path, key],
    reason: `is not a setting here${didYouMean(key, known)}`,
    unknown: true,
    hint: known.length === 0 ? 'Nothing can be set here.' : `Settings: ${known.join(', ')}.`,
  }
}

function describe(node: Node, name: string): string | undefined {
  const properties = node.properties
  const one = isRecord(properties) ? properties[name] : undefined
  const description = isRecord(one) ? one.description : undefined
  return typeof description === 'string' ? `It is: ${lowerFirst(description)}` : undefined
}

function quantity({ unit, minimum, maximum }: Node): string {
  const bounds = [
    minimum === undefined
      ? ''
      : minimum === 1
        ? ' above 0'
        : ` of at least ${formatQuantity(unit as Unit, minimum as number)}`,
    maximum === undefined ? '' : ` of at most ${formatQuantity(unit as Unit, maximum as number)}`,
  ].filter(Boolean)
  return `${EXAMPLES[unit as Unit]}${bounds.join(' and')}`
}

/** What to write in place of a value of the wrong kind, where that can be told. */
function wayOut(node: Node, data: unknown): string | undefined {
  // An empty value is nearly always a key whose lines were lost or commented out.
  if (data === null) return 'Write a value, or take the line out.'
  const types = [node.type].flat()
  // YAML 1.1 took these words for booleans, and people still do.
  if (types.includes('boolean') && /^(?:y|yes|n|no|on|off|true|false)$/i.test(String(data))) {
    return 'Write true or false, without quotes.'
  }
  if (!types.includes('array') || !isRecord(data)) return undefined
  const first = isRecord(node.items) && Array.isArray(node.items.required) && node.items.required[0]
  return `Begin each ${first ? `line with \`- ${first}:\`` : 'item with `- `'}.`
}

/** The word that was meant: misspelt, or cut short or drawn out, as in `warning` for `warn`. */
function nearWord(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known)
  if (near !== '' || word.length < 3) return near
  const [one] = known.filter((other) => other.startsWith(word) || word.startsWith(other))
  return one === undefined || one === '' ? '' : ` (did you mean "${one}"?)`
}

function lengthOf(data: unknown): string {
  const { length } = [...String(data)]
  return length === 1 ? '1 character' : `${length} characters`
}

/** What a schema node admits, in words. */
function kinds(node: Node): string {
  if (isRecord(node.quantity)) return quantity(node.quantity)
  if (Array.isArray(node.enum)) return `one of ${node.enum.join(', ')}`
  if ('const' in node) return JSON.stringify(node.const)
  if (node.type === undefined && Array.isArray(node.required)) {
    return `a mapping with ${node.required.map((name) => `\`${name}\``).join(' and ')}`
  }
  return [node.type ?? 'object']
    .flat()
    .map((one) => TYPES[one as string] ?? one)
    .join(' or ')
}

function choices({ schema }: ErrorObject): string {
  const branches = (schema as Node[]).map(kinds)
  const required = (schema as Node[]).map(({ type, required: names }) =>
    type === undefined && Array.isArray(names)
      ? names.map((name) => `\`${name}\``).join(' and ')
      : '',
  )
  if (required.every(Boolean)) return `needs ${required.join(' or ')}`
  return `must be ${[...new Set(branches)].join(' or ')}`
}

/** A number that only is not whole is told itself: of what kind it is would read the same. */
function insteadOf({ type }: Node, data: unknown): string {
  const isFraction = typeof data === 'number' && [type].flat().includes('integer')
  return isFraction ? String(data) : kindOf(data)
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return TYPES.array as string
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number'
  return TYPES[typeof value] ?? typeof value
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
