import type { Client, Entry, Failure } from '../../sdk/index.ts'
import { isKind } from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import type { Shapes } from '../kernel/ports.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { editMembers, isObject } from '../wire/json.ts'
import { CODE, NEWEST_LEGACY } from '../wire/protocol.ts'
import { mayHoldNewer, olderContent } from './older-content.ts'
import { urlsText } from './url-questions.ts'
import { needsWrapping, sourceOf, wrapOutputSchema } from './wrapped-schema.ts'

/** What one era says and the other reads otherwise (2026-07-28, changelog; 2025-11-25, tools). */
export const SHAPES: Shapes = {
  definition(entry: Entry, text: string, era: Client['era']): string {
    if (!isKind(entry, 'tool')) return text
    const { execution, outputSchema } = entry.definition
    if (era === 'modern') {
      // It says how the tool is called as a task of 2025-11-25, which the later revision has not.
      return execution === undefined ? text : editMembers(text, 0, { execution: undefined })
    }
    return needsWrapping(outputSchema) ? wrapOutputSchema(entry.definition, text) : text
  },

  result(
    method: EntryMethod,
    entry: Entry | undefined,
    result: Readonly<Record<string, unknown>>,
    text: string,
    version: string,
  ): string {
    let shaped = text
    const { structuredContent } = result
    if (method === 'tools/call' && structuredContent !== undefined) {
      const schema = entry !== undefined && isKind(entry, 'tool') && entry.definition.outputSchema
      // Also an object, where the schema that it follows was wrapped.
      if (!isObject(structuredContent) || needsWrapping(schema || undefined)) {
        const source = sourceOf(shaped, 'structuredContent', structuredContent)
        shaped = editMembers(shaped, 0, { structuredContent: `{"result":${source}}` })
      }
    }
    if (mayHoldNewer(method, text, version)) {
      const member = method === 'tools/call' ? 'content' : 'messages'
      const changed = olderContent(result[member], version)
      if (changed !== result[member]) {
        const source = sourceOf(shaped, member, result[member])
        const content = writeChanged(changed, result[member], source)
        shaped = editMembers(shaped, 0, { [member]: content })
      }
    }
    return shaped
  },

  unknownError(error: NonNullable<Failure['error']>, client: Client): string | undefined {
    if (error.code !== CODE.urlsRequired || client.protocolVersion === NEWEST_LEGACY)
      return undefined
    return urlsText(error)
  },
}
