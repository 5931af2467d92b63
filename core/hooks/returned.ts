import { type Call, DENIAL_CODES, type Denial, type DenialCode } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'

/** Whether a value is a denial that can be told: a code of the list, and words. */
export function isDenial(value: unknown): value is Denial {
  return (
    isObject(value) &&
    value.kind === 'denial' &&
    DENIAL_CODES.includes(value.code as DenialCode) &&
    typeof value.message === 'string' &&
    typeof value.hint === 'string'
  )
}

/** A plugin's denial, with its name on it. @throws TypeError for one that cannot be told */
export function denialOf(plugin: string, value: unknown): Denial {
  if (isDenial(value)) return { ...value, plugin }
  throw new TypeError('returned a denial without a known code, a message and a hint; use deny()')
}

const PARTS: Readonly<Record<Call['method'], string>> = {
  'tools/call': 'content',
  'prompts/get': 'messages',
  'resources/read': 'contents',
  'completion/complete': 'values',
}

/** A plugin's own result, which has the one list that its method demands. @throws TypeError for any other */
export function resultOf(
  method: Call['method'],
  value: unknown,
): Readonly<Record<string, unknown>> {
  const part = PARTS[method]
  const holder = method === 'completion/complete' && isObject(value) ? value.completion : value
  if (isObject(value) && isObject(holder) && Array.isArray(holder[part])) return value
  throw new TypeError(`returned no result of ${method}: an object with the list \`${part}\``)
}
