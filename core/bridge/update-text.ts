import type { ResourceUpdate } from '../kernel/subscriptions.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { isObject, repeatsNameAnywhere } from '../wire/json.ts'
import { META } from '../wire/protocol.ts'

/** Characters. What a server says besides the URI is kept for each slow reader: more than this is not. */
const LONGEST = 8_192

/**
 * The notification that tells a client of a resource. What the server said besides the URI is passed on
 * as it was written; the id of our own subscription at the server is nobody's business.
 * @param uri as the client reads it
 */
export function updateText(uri: string, { params }: Pick<ResourceUpdate, 'params'>): string {
  return `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":${paramsText(uri, params)}}`
}

function paramsText(uri: string, text: string | undefined): string {
  const plain = JSON.stringify({ uri })
  if (text === undefined || text.length > LONGEST || repeatsNameAnywhere(text, 0)) return plain
  const said: unknown = JSON.parse(text)
  if (!isObject(said)) return plain
  const { _meta, ...others } = said
  const changed = { ...others, uri, ...metaWithoutId(_meta) }
  return writeChanged(changed, said, text)
}

function metaWithoutId(meta: unknown): object {
  if (!isObject(meta)) return {}
  const { [META.subscriptionId]: _, ...kept } = meta
  return Object.keys(kept).length === 0 ? {} : { _meta: kept }
}
