import type { EntryMethod } from '../catalog/ports.ts'
import { isObject } from '../wire/json.ts'
import type { ClientMessage } from './message.ts'

/** The member of `params` that says what a request is aimed at; `Mcp-Name` mirrors it. */
export const AIM: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

const REF_NAME: Readonly<Record<string, string>> = { 'ref/prompt': 'name', 'ref/resource': 'uri' }

/** What a request is aimed at, and with what; a string says what is wrong with its `params`. */
export function aimOf(
  method: EntryMethod,
  params: ClientMessage['params'],
): { name: string; args: Readonly<Record<string, unknown>> | undefined } | string {
  if (method === 'completion/complete') {
    const { ref, argument, context } = params
    const key = isObject(ref) && typeof ref.type === 'string' ? REF_NAME[ref.type] : undefined
    const name = key === undefined ? undefined : (ref as Record<string, unknown>)[key]
    if (typeof name !== 'string') {
      return '`ref` must be `{ type: "ref/prompt", name }` or `{ type: "ref/resource", uri }`'
    }
    if (!isObject(argument)) return '`argument` must be an object'
    if (context !== undefined && !isObject(context)) return '`context` must be an object'
    return { name, args: { ref, argument, ...(context === undefined ? {} : { context }) } }
  }
  const key = AIM[method] as string
  const name = params[key]
  if (typeof name !== 'string') return `\`${key}\` must be a string`
  if (method === 'resources/read') return { name, args: { uri: name } }
  const { arguments: args } = params
  if (args !== undefined && !isObject(args)) return '`arguments` must be an object'
  return { name, args }
}
