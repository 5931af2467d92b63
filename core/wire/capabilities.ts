import { isObject } from './json.ts'

/** What a client said of itself. */
interface Declared {
  readonly era: 'legacy' | 'modern'
  readonly capabilities: Readonly<Record<string, unknown>>
}

/** The capabilities a client would have to declare to be asked this; empty when it can be. */
export function missingCapabilities(
  { era, capabilities }: Declared,
  method: string,
  mode: unknown,
): Record<string, object> {
  const name = method.split('/')[0] as string
  const declared = capabilities[name]
  // Handshake clients are asked by requests on their stream, which this gateway does not send.
  const can = era === 'modern' && isObject(declared)
  if (name !== 'elicitation') return can ? {} : { [name]: {} }
  const forms = can && (isObject(declared.form) || Object.keys(declared).length === 0)
  if (mode === 'url') return can && isObject(declared.url) ? {} : { elicitation: { url: {} } }
  return forms ? {} : { elicitation: { form: {} } }
}
