import { isObject, type Step } from './path.ts'

/** Keywords under which a member can be wrong although nothing says so where it stands. */
const ELSEWHERE = [
  '$ref',
  '$dynamicRef',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'const',
  'enum',
  'patternProperties',
  'propertyNames',
  'maxProperties',
  'unevaluatedProperties',
  'dependentSchemas',
  'dependentRequired',
  'prefixItems',
  'contains',
  'uniqueItems',
  'unevaluatedItems',
]

/**
 * Whether a value can be added at the end of the steps, whatever it is, so that what fitted a tool's
 * `outputSchema` still does: the schema says nothing about that member, and lets others in.
 */
export function letsIn(schema: unknown, steps: readonly Step[]): boolean {
  let at = schema
  for (const step of steps) {
    if (at === undefined || at === true) return true
    if (!isObject(at)) return false
    const node = at
    if (ELSEWHERE.some((keyword) => Object.hasOwn(node, keyword))) return false
    if (typeof step === 'number') at = node.items
    else {
      const properties = isObject(node.properties) ? node.properties : {}
      at = Object.hasOwn(properties, step) ? properties[step] : node.additionalProperties
    }
  }
  return at === undefined || at === true
}
