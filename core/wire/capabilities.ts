import { isObject } from './json.ts'

/** What a client said of itself. */
interface Declared {
  readonly capabilities: Readonly<Record<string, unknown>>
}

/** The capabilities a client would have to declare to be asked this; empty when it can be. */
export function missingCapabilities(
  { capabilities }: Declared,
  method: string,
  mode: unknown,
): Record<string, object> {
  const name = method.split('/')[0] as string
  const declared = capabilities[name]
  const can = isObject(declared)
  if (name !== 'elicitation') return can ? {} : { [name]: {} }
  const forms = can && (isObject(declared.form) || Object.keys(declared).length === 0)
  if (mode === 'url') return can && isObject(declared.url) ? {} : { elicitation: { url: {} } }
  return forms ? {} : { elicitation: { form: {} } }
}
