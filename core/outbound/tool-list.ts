import type { ToolDefinition } from '../../sdk/index.ts'
import type { ListedTool } from '../catalog/ports.ts'
import {
  findMember,
  isObject,
  memberText,
  readElements,
  readMembers,
  repeatsName,
  repeatsNameAnywhere,
} from '../wire/json.ts'
import { paramHeaders } from '../wire/param-headers.ts'
import { ConnectError, type Link, type Message } from './link.ts'
import { errorOf, textOf } from './message.ts'

const MOST_PAGES = 100
const SOUND: { readonly fault?: string } = {}

/** What went wrong without making the list useless. */
export type ListWarning = (message: string) => void

/**
 * Reads an upstream's whole tool list, page by page.
 * @param http leaves out tools whose annotated properties break a rule, as clients over HTTP must
 * @param signal gives up: the page under way is cancelled
 * @throws ConnectError when a page cannot be had
 */
export async function listTools(
  link: Link,
  http: boolean,
  headers: Readonly<Record<string, string>> | undefined,
  warn: ListWarning,
  signal: AbortSignal,
): Promise<ListedTool[]> {
  if (!isObject(link.facts.capabilities.tools)) return []
  const tools = new Map<string, ListedTool>()
  const cursors = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const message = await ask(link, cursor, headers, signal)
    const next = readPage(message, tools, http, warn)
    if (next === undefined) return [...tools.values()]
    if (cursors.has(next)) {
      warn('repeats a list cursor; the pages read so far are kept')
      return [...tools.values()]
    }
    cursors.add(next)
    cursor = next
  }
  warn(`lists more than ${MOST_PAGES} pages; the rest is left out`)
  return [...tools.values()]
}

function ask(
  link: Link,
  cursor: string | undefined,
  headers: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const params = cursor === undefined ? '' : `"cursor":${JSON.stringify(cursor)}`
    const ticket = link.send(
      { method: 'tools/list', params, meta: '', progress: false, headers },
      {
        answered: (message) => {
          const error = errorOf(message)
          if (error === undefined) resolve(message)
          else reject(new ConnectError(`refused tools/list: ${error.message} (${error.code})`))
        },
        notified() {},
        lost: (why) => reject(new ConnectError(why.message, why)),
      },
    )
    const stop = () => {
      ticket.cancel('timeout')
      reject(new ConnectError('did not list its tools in time'))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** Adds a page's tools, each with its source text. Returns the next cursor. */
function readPage(
  message: Message,
  tools: Map<string, ListedTool>,
  http: boolean,
  warn: ListWarning,
): string | undefined {
  const { result } = message.value
  const list = isObject(result) ? result.tools : undefined
  if (!isObject(result) || !Array.isArray(list))
    throw new ConnectError('answered tools/list without tools')
  const text = textOf(message, 'result') ?? '{}'
  const members = readMembers(text)
  const source = repeatsName(text, members)
    ? JSON.stringify(list)
    : memberText(text, members, findMember(text, members, 'tools'))
  const elements = readElements(source, 0)
  for (const [i, tool] of list.entries()) {
    if (!isTool(tool)) warn('lists a tool without a name or an input schema; it is left out')
    else if (tools.has(tool.name)) warn(`lists ${tool.name} twice; the first is kept`)
    else {
      const { fault } = http ? paramHeaders(tool.inputSchema) : SOUND
      if (fault !== undefined) {
        warn(`lists ${tool.name} with an illegal schema (${fault}); it is left out`)
        continue
      }
      const own = source.slice(elements[2 * i], elements[2 * i + 1])
      // Parsers disagree about a name that occurs twice: plugins and clients must read the same.
      const readable = repeatsNameAnywhere(own, 0) ? JSON.stringify(tool) : own
      tools.set(tool.name, { definition: tool, text: readable })
    }
  }
  const { nextCursor } = result
  return typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined
}

function isTool(tool: unknown): tool is ToolDefinition {
  return (
    isObject(tool) &&
    typeof tool.name === 'string' &&
    tool.name !== '' &&
    isObject(tool.inputSchema)
  )
}
