import type { Entry, EntryKind } from '../../sdk/index.ts'
import { entryText } from '../catalog/entry-text.ts'
import type { ShownKind } from '../catalog/lists.ts'
import type { Shapes } from '../kernel/ports.ts'

type Era = 'legacy' | 'modern'

/** One page of a list. */
export interface Page {
  /** A JSON array of definitions. */
  readonly text: string
  readonly count: number
  /** The member that names the next page, behind others; `''` on the last one. */
  readonly next: string
}

/** Pages by the name they come after: those that walking the list from its beginning meets. */
type Book = ReadonlyMap<string | undefined, Page>

/**
 * Cuts lists into pages. A page begins behind a name, not behind a number of entries: whatever comes and
 * goes while a client reads page after page, what was there all the time is read exactly once. Pages are
 * kept for as long as the list they are of.
 */
export class Pages {
  readonly #size: number
  readonly #shapes: Shapes
  readonly #books: Readonly<Record<Era, WeakMap<ShownKind, Book>>>

  /** @param size the most entries on a page */
  constructor(size: number, shapes: Shapes) {
    this.#size = size
    this.#shapes = shapes
    this.#books = { legacy: new WeakMap(), modern: new WeakMap() }
  }

  /** @param after the name that the page comes after, as {@link readCursor} read it */
  page(kind: EntryKind, shown: ShownKind, era: Era, after: string | undefined): Page {
    let book = this.#books[era].get(shown)
    if (book === undefined) {
      book = this.#write(kind, shown, era)
      this.#books[era].set(shown, book)
    }
    // A place where no page begins now: the list has changed since that cursor was given.
    return book.get(after) ?? this.#cut(kind, byName(shown), era, after)
  }

  #write(kind: EntryKind, shown: ShownKind, era: Era): Book {
    const { entries, text } = shown
    if (entries.length <= this.#size) {
      const own = entries.map((entry) => this.#text(entry, era))
      const same = own.every((one, i) => one === entryText(entries[i] as Entry))
      const page = { text: same ? text : `[${own.join(',')}]`, count: own.length, next: '' }
      return new Map([[undefined, page]])
    }
    const sorted = byName(shown)
    const book = new Map<string | undefined, Page>()
    for (let from = 0; from < sorted.length; from += this.#size) {
      const after = sorted[from - 1]?.name
      book.set(after, this.#cut(kind, sorted, era, after))
    }
    return book
  }

  #cut(kind: EntryKind, sorted: readonly Entry[], era: Era, after: string | undefined): Page {
    const start = after === undefined ? 0 : firstAfter(sorted, after)
    const end = start + this.#size
    const page = sorted.slice(start, end)
    const last = page.at(-1)
    return {
      text: `[${page.map((entry) => this.#text(entry, era)).join(',')}]`,
      count: page.length,
      next:
        last === undefined || end >= sorted.length
          ? ''
          : `,"nextCursor":"${writeCursor(kind, last.name)}"`,
    }
  }

  #text(entry: Entry, era: Era): string {
    return this.#shapes.definition(entry, entryText(entry), era)
  }
}

function writeCursor(kind: EntryKind, name: string): string {
  return Buffer.from(JSON.stringify([kind, name])).toString('base64url')
}

/**
 * The name in a cursor; `undefined` without a cursor, `null` for one that was not given out for a list
 * of this kind. It is not sealed: it says where in the caller's own list to go on, and nothing else.
 */
export function readCursor(kind: EntryKind, cursor: unknown): string | undefined | null {
  if (cursor === undefined) return undefined
  if (typeof cursor !== 'string') return null
  try {
    const [, name] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    return typeof name === 'string' && writeCursor(kind, name) === cursor ? name : null
  } catch {
    return null
  }
}

/** By code units: an order that no locale and no change of the catalog alters. */
function byName({ entries }: ShownKind): Entry[] {
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function firstAfter(sorted: readonly Entry[], name: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as Entry).name > name) high = middle
    else low = middle + 1
  }
  return low
}
