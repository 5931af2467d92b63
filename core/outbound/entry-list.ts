import type { EntryKind } from '../../sdk/index.ts'
import { NAME_MEMBER } from '../catalog/entry-text.ts'
import type { ListTerms, TermsByKind } from '../catalog/freshness.ts'
import type { ListedEntry } from '../catalog/ports.ts'
import { unlisted } from '../catalog/uris.ts'
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
import { CODE } from '../wire/protocol.ts'
import { ConnectError, type Link, type Message } from './link.ts'
import { DEAF, errorOf, textOf } from './message.ts'

const MOST_PAGES = 100
const NEVER_OLD: ListTerms = { until: Number.POSITIVE_INFINITY, isPrivate: false }

/** What went wrong without making the list useless. */
export type ListWarning = (message: string) => void

interface KindOfList {
  readonly kind: EntryKind
  readonly method: string
  /** Where the entries stand in the result. */
  readonly member: string
  /** The server capability that says there is such a list. */
  readonly capability: 'tools' | 'prompts' | 'resources'
}

const LISTS: readonly KindOfList[] = [
  { kind: 'tool', method: 'tools/list', member: 'tools', capability: 'tools' },
  {
    kind: 'prompt',
    method: 'prompts/list',
    member: 'prompts',
    capability: 'prompts',
  },
  {
    kind: 'resource',
    method: 'resources/list',
    member: 'resources',
    capability: 'resources',
  },
  {
    kind: 'template',
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    capability: 'resources',
  },
]

const NEEDS: Readonly<Record<EntryKind, string>> = {
  tool: 'a name or an input schema',
  prompt: 'a name',
  resource: 'a `uri`',
  template: 'a `uriTemplate`',
}

/** How one reading of a server's lists is done. */
export interface ListReading {
  readonly link: Link
  /** Leaves out tools whose annotated properties break a rule, as clients over HTTP must. */
  readonly http: boolean
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly warn: ListWarning
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Gives up: the page under way is cancelled. */
  readonly signal: AbortSignal
}

/** What one reading found. */
export interface ReadLists {
  readonly entries: readonly ListedEntry[]
  /** How long it may be kept; nothing where the server says nothing about that. */
  readonly terms: TermsByKind
}

/**
 * Reads everything an upstream lists, each kind page by page.
 * @throws ConnectError when a page cannot be had
 */
export async function listEntries(reading: ListReading): Promise<ReadLists> {
  const { capabilities, era } = reading.link.facts
  const terms: Partial<Record<EntryKind, ListTerms>> = {}
  // A handshake server says nothing of it; what a modern one does not have cannot grow old.
  if (era === 'modern') for (const { kind } of LISTS) terms[kind] = NEVER_OLD
  const lists = LISTS.filter(({ capability }) => isObject(capabilities[capability]))
  const all: ListedEntry[] = []
  // One after the other: what a server can do at once is for its callers.
  for (const list of lists) {
    const pages: ListTerms[] = []
    all.push(...(await listKind(list, reading, pages)))
    if (era !== 'modern') continue
    const until = Math.min(...pages.map((page) => page.until))
    terms[list.kind] = { until, isPrivate: pages.some(({ isPrivate }) => isPrivate) }
  }
  // A server may list the template of everything itself; twice it would be neither.
  const anything = unlisted()
  const { uriTemplate } = anything.definition
  const said = all.some(
    (one) => one.kind === 'template' && one.definition.uriTemplate === uriTemplate,
  )
  if (isObject(capabilities.resources) && !said) all.push(anything)
  return { entries: all, terms }
}

/** @param pages gets the terms of each page */
async function listKind(
  list: KindOfList,
  reading: ListReading,
  pages: ListTerms[],
): Promise<ListedEntry[]> {
  const entries = new Map<string, ListedEntry>()
  const cursors = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page++) {
    const message = await ask(list, cursor, reading)
    if (message === undefined) return []
    pages.push(termsOf(message, reading.now()))
    const next = readPage(list, message, entries, reading)
    if (next === undefined) return [...entries.values()]
    if (cursors.has(next)) {
      reading.warn(`repeats a cursor of ${list.method}; the pages read so far are kept`)
      return [...entries.values()]
    }
    cursors.add(next)
    cursor = next
  }
  reading.warn(`has more than ${MOST_PAGES} pages of ${list.method}; the rest is left out`)
  return [...entries.values()]
}

/** One page; `undefined` from a server that refuses a list that is not of its tools. */
function ask(
  { kind, method }: KindOfList,
  cursor: string | undefined,
  { link, headers, signal, warn }: ListReading,
): Promise<Message | undefined> {
  return new Promise((resolve, reject) => {
    const params = cursor === undefined ? '' : `"cursor":${JSON.stringify(cursor)}`
    const ticket = link.send(
      { method, params, meta: '', progress: false, headers },
      {
        answered: (message) => {
          const error = errorOf(message)
          if (error === undefined) return resolve(message)
          const reason = `refused ${method}: ${error.message} (${error.code})`
          if (kind === 'tool') return reject(new ConnectError(reason))
          // Not worth its tools; and servers with resources need not know templates.
          if (error.code !== CODE.unknownMethod) warn(reason)
          resolve(undefined)
        },
        ...DEAF,
        lost: (why) => reject(new ConnectError(why.message, why)),
      },
    )
    const stop = () => {
      ticket.cancel('timeout')
      reject(new ConnectError(`did not answer ${method} in time`))
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** How long a page may be kept: it MUST say so (2026-07-28, caching), and one that does not may not be kept. */
function termsOf({ value: { result } }: Message, now: number): ListTerms {
  const { ttlMs, cacheScope } = isObject(result) ? result : {}
  const known = typeof ttlMs === 'number' && ttlMs > 0
  return { until: known ? now + ttlMs : now, isPrivate: cacheScope !== 'public' }
}

/** Adds a page's entries, each with its source text. Returns the next cursor. */
function readPage(
  { kind, method, member }: KindOfList,
  message: Message,
  entries: Map<string, ListedEntry>,
  { http, warn }: ListReading,
): string | undefined {
  const { result } = message.value
  const list = isObject(result) ? result[member] : undefined
  if (!isObject(result) || !Array.isArray(list))
    throw new ConnectError(`answered ${method} without ${member}`)
  const text = textOf(message, 'result') ?? '{}'
  const members = readMembers(text)
  const source = repeatsName(text, members)
    ? JSON.stringify(list)
    : memberText(text, members, findMember(text, members, member))
  const elements = readElements(source, 0)
  for (const [i, definition] of list.entries()) {
    const name = nameOf(kind, definition)
    if (name === undefined) {
      warn(`lists a ${kind} without ${NEEDS[kind]}; it is left out`)
      continue
    }
    if (entries.has(name)) {
      warn(`lists ${name} twice; the first is kept`)
      continue
    }
    const fault = kind === 'tool' && http ? paramHeaders(definition.inputSchema).fault : undefined
    if (fault !== undefined) {
      warn(`lists ${name} with an illegal schema (${fault}); it is left out`)
      continue
    }
    const own = source.slice(elements[2 * i], elements[2 * i + 1])
    // Parsers disagree about a name that occurs twice: plugins and clients must read the same.
    const readable = repeatsNameAnywhere(own, 0) ? JSON.stringify(definition) : own
    entries.set(name, { kind, definition, text: readable } as ListedEntry)
  }
  const { nextCursor } = result
  return typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined
}

/** What clients ask for it by; `undefined` when it lacks what its kind must have. */
function nameOf(kind: EntryKind, definition: unknown): string | undefined {
  if (!isObject(definition)) return undefined
  if (kind === 'tool' && !isObject(definition.inputSchema)) return undefined
  const name = definition[NAME_MEMBER[kind]]
  return typeof name === 'string' && name !== '' ? name : undefined
}
