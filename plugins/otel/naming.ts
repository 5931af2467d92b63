import type { Entry } from 'mcp-patchbay/sdk'
import type { Bounded } from './bounded.ts'

/** What the conventions call the thing that is called. */
export interface Named {
  /** `gen_ai.tool.name` and so on; `undefined` where names are URIs, or nothing of that name is there. */
  readonly attribute: 'gen_ai.tool.name' | 'gen_ai.prompt.name' | undefined
  readonly name: string
}

const NOTHING: Named = { attribute: undefined, name: '' }

/**
 * What is called, by a name that may become an attribute: never one that a caller made up, and URIs never.
 * @param entry `undefined` when there is none of that name
 */
export function named(entry: Entry | undefined, name: string, names: Bounded): Named {
  if (entry?.kind === 'tool') return { attribute: 'gen_ai.tool.name', name: names.of(name) }
  if (entry?.kind === 'prompt') return { attribute: 'gen_ai.prompt.name', name: names.of(name) }
  return NOTHING
}

/** The name of a span: `{mcp.method.name} {target}`. */
export function spanName(method: string, { attribute, name }: Named): string {
  return attribute === undefined ? method : `${method} ${name}`
}
