/** A stretch of a URI: a fixed beginning, then as many characters of a class as there are. */
interface Part {
  readonly start: string
  /** What follows `start`; `undefined` when nothing does. */
  readonly follows: RegExp | undefined
  /** Whether at least one character of the class must follow. */
  readonly some: boolean
  /** Whether the whole part may be missing. */
  readonly optional: boolean
}

const SEGMENT = /[^/?#]/
const PATH = /[^?#]/
const QUERY = /[^#]/
const ANY = /[\s\S]/
const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/g

/** The expressions of RFC 6570, 1.2, by operator. What was expanded from nothing leaves nothing. */
const PARTS: Readonly<Record<string, Part>> = {
  '': { start: '', follows: SEGMENT, some: true, optional: false },
  '+': { start: '', follows: ANY, some: true, optional: false },
  '#': { start: '#', follows: ANY, some: false, optional: true },
  '.': { start: '.', follows: SEGMENT, some: true, optional: true },
  '/': { start: '/', follows: PATH, some: true, optional: true },
  ';': { start: ';', follows: SEGMENT, some: false, optional: true },
  '?': { start: '?', follows: QUERY, some: false, optional: true },
  '&': { start: '&', follows: QUERY, some: false, optional: true },
}

/** The URIs of one shape (RFC 6570). Matching takes time in proportion to the URI, whatever the template. */
export class UriTemplate {
  readonly #parts: readonly Part[]

  constructor(template: string) {
    const parts: Part[] = []
    let end = 0
    for (const { 0: whole, 1: operator = '', index } of template.matchAll(EXPRESSION)) {
      if (index > end) parts.push(literal(template.slice(end, index)))
      parts.push(PARTS[operator] as Part)
      end = index + whole.length
    }
    if (end < template.length) parts.push(literal(template.slice(end)))
    this.#parts = parts
  }

  /** Whether the template could have been expanded to this URI. */
  matches(uri: string): boolean {
    // Every place where what has been matched so far may end.
    let ends = new Array<boolean>(uri.length + 1).fill(false)
    ends[0] = true
    for (const part of this.#parts) {
      ends = advance(uri, ends, part)
      if (!ends.includes(true)) return false
    }
    return ends[uri.length] === true
  }
}

function advance(uri: string, from: readonly boolean[], part: Part): boolean[] {
  const { start, follows, some, optional } = part
  const to = optional ? [...from] : new Array<boolean>(from.length).fill(false)
  let running = false
  for (let at = 0; at < from.length; at++) {
    if (running && follows?.test(uri[at - 1] as string)) to[at] = true
    else running = false
    const begun = at - start.length
    if (begun < 0 || from[begun] !== true || !uri.startsWith(start, begun)) continue
    if (!some) to[at] = true
    if (follows !== undefined) running = true
  }
  return to
}

function literal(start: string): Part {
  return { start, follows: undefined, some: false, optional: false }
}
