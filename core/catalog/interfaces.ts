import { type Entry, isKind, type ToolDefinition } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'
import { inherit } from './entry-text.ts'

/** Where a tool names its user interface, in the flat form that MCP Apps had first. */
const FLAT = 'ui/resourceUri'

/**
 * A tool with the URI of its user interface (MCP Apps, `_meta.ui.resourceUri`) as clients read it; the same
 * entry when nothing is to be rewritten.
 * @param place the URI that clients read an upstream's own one by
 */
export function placeInterface(
  entry: Entry,
  place: (upstream: string, uri: string) => string,
): Entry {
  const [target] = entry.targets
  if (!isKind(entry, 'tool') || target === undefined || target.upstream === '') return entry
  const { _meta: meta } = entry.definition
  if (!isObject(meta)) return entry
  const moved = (uri: unknown) => (typeof uri === 'string' ? place(target.upstream, uri) : uri)
  const { ui } = meta
  const flat = moved(meta[FLAT])
  const uri = isObject(ui) ? moved(ui.resourceUri) : undefined
  const isSame = flat === meta[FLAT] && (!isObject(ui) || uri === ui.resourceUri)
  if (isSame) return entry
  const _meta = {
    ...meta,
    ...(FLAT in meta ? { [FLAT]: flat } : {}),
    ...(isObject(ui) && 'resourceUri' in ui ? { ui: { ...ui, resourceUri: uri } } : {}),
  }
  const definition: ToolDefinition = { ...entry.definition, _meta }
  return inherit({ ...entry, definition }, entry)
}
