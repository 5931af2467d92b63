import { type Definitions, type Entry, isKind } from 'mcp-patchbay/sdk'
import type { Family } from './family.ts'

/** Keywords that judge an object as a whole: one of them could refuse, or mean, what is added. */
const WHOLE = [
  '$ref',
  '$dynamicRef',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'dependentSchemas',
  'patternProperties',
  'propertyNames',
  'maxProperties',
]

/** Why an argument cannot be added to an entry; `undefined` when it can. */
export function obstacle(entry: Entry, argument: string): string | undefined {
  const taken = `it has an argument \`${argument}\` of its own`
  if (isKind(entry, 'prompt')) {
    const { arguments: own = [] } = entry.definition
    if (!Array.isArray(own)) return 'its arguments are no list'
    return own.some(({ name }) => name === argument) ? taken : undefined
  }
  if (!isKind(entry, 'tool')) return undefined
  const { inputSchema, _meta: meta } = entry.definition
  const { properties = {}, required = [] } = inputSchema
  if (!isObject(properties) || !Array.isArray(required)) return 'its schema cannot be read'
  if (Object.hasOwn(properties, argument)) return taken
  const whole = WHOLE.find((keyword) => Object.hasOwn(inputSchema, keyword))
  if (whole !== undefined) return `\`${whole}\` in its schema may not bear one more argument`
  // Which server's interface would be shown? And its calls name no instance.
  if (isObject(meta) && ('ui' in meta || 'ui/resourceUri' in meta)) {
    return 'it has a user interface, which is that of one server'
  }
  return undefined
}

/**
 * A member's definition with the argument that says which member is meant.
 * @param instances sorted
 * @param maxEnum how many of them are told; more are not
 */
export function withInstances<E extends Entry>(
  entry: E,
  { name, instanceArg }: Family,
  instances: readonly string[],
  maxEnum: number,
): E['definition'] {
  if (isKind(entry, 'prompt')) {
    const { arguments: own = [] } = entry.definition
    const added = { name: instanceArg, description: about(name), required: true }
    return { ...entry.definition, arguments: [...own, added] }
  }
  const { inputSchema, ...rest } = entry.definition as Definitions['tool']
  const { properties = {}, required = [] } = inputSchema as {
    readonly properties?: object
    readonly required?: readonly string[]
  }
  const told =
    instances.length <= maxEnum
      ? { description: about(name), enum: instances }
      : {
          description: `${about(name)} There are ${instances.length}: a call with an unknown one is answered with names like it.`,
        }
  return {
    ...rest,
    inputSchema: {
      ...inputSchema,
      properties: { ...properties, [instanceArg]: { type: 'string', ...told } },
      required: [...required.filter((one) => one !== instanceArg), instanceArg],
    },
  }
}

function about(family: string): string {
  return `Which ${family} to use.`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
