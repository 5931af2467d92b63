import type { EntryMethod } from '../catalog/ports.ts'
import { isObject } from '../wire/json.ts'

/** What a content block became known with. Clients of older revisions refuse a whole result over one. */
const KNOWN_SINCE: Readonly<Record<string, string>> = {
  audio: '2025-03-26',
  resource_link: '2025-06-18',
}

/** A block of such a kind; escaped letters may spell it. */
const MAY_HOLD = /"type"\s*:\s*"(?:audio|resource_link)|\\u00[67]/

/** The revisions that know every kind of content begin here. */
const COMPLETE = '2025-06-18'

/** Whether a result may hold content that this revision does not know. @param text of the result */
export function mayHoldNewer(method: EntryMethod, text: string, version: string): boolean {
  if (version >= COMPLETE) return false
  return (method === 'tools/call' || method === 'prompts/get') && MAY_HOLD.test(text)
}

/** Content, or prompts' messages, with text for blocks that this revision does not know; the same when it knows all. */
export function olderContent(list: unknown, version: string): unknown {
  if (!Array.isArray(list)) return list
  const changed = list.map((one) => {
    if (!isObject(one)) return one
    if (typeof one.type === 'string') return olderBlock(one, version)
    // A prompt's message: it holds one block.
    if (!isObject(one.content)) return one
    const content = olderBlock(one.content, version)
    return content === one.content ? one : { ...one, content }
  })
  return changed.every((one, i) => one === list[i]) ? list : changed
}

function olderBlock(block: Readonly<Record<string, unknown>>, version: string): unknown {
  const since = KNOWN_SINCE[String(block.type)]
  if (since === undefined || version >= since) return block
  const { annotations, _meta } = block
  return {
    type: 'text',
    text: block.type === 'audio' ? audioText(block) : linkText(block),
    ...(annotations === undefined ? {} : { annotations }),
    ...(_meta === undefined ? {} : { _meta }),
  }
}

function audioText({ mimeType }: Readonly<Record<string, unknown>>): string {
  const kind = typeof mimeType === 'string' ? mimeType : 'of an unknown type'
  return `[audio, ${kind}: this client's protocol revision has no audio]`
}

function linkText({ uri, title, name, description }: Readonly<Record<string, unknown>>): string {
  const said = [title ?? name, description].filter((one) => typeof one === 'string' && one !== '')
  return said.length === 0 ? String(uri) : `${said.join(': ')}\n${uri}`
}
