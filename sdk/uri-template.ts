/** A stretch of a URI: a fixed beginning, then as many characters of a class as there are. */
interface Part {
  readonly start: string
  /** What follows `start`; `undefined` when nothing does. */
  readonly follows: RegExp | undefined
  /** Whether at least one character of the class must follow. */
  readonly some: boolean
  /** Whether the whole part may be missing. */
  readonly optional: boolean
  /** The variables whose values stand there. */
  readonly names: readonly string[]
  /** Whether they stand there as `name=value`. */
  readonly pairs: boolean
}

const SEGMENT = /[^/?#]/
const PATH = /[^?#]/
const QUERY = /[^#]/
const ANY = /[\s\S]/
/** In UTF-16 units. Anybody may ask for a URI, and each is tried with every template. */
const LONGEST = 16 * 1024
const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/g

/** The expressions of RFC 6570, 1.2, by operator. What was expanded from nothing leaves nothing. */
const PARTS: Readonly<Record<string, Part>> = {
  '': { start: '', follows: SEGMENT, some: true, optional: false, names: [], pairs: false },
  '+': { start: '', follows: ANY, some: true, optional: false, names: [], pairs: false },
  '#': { start: '#', follows: ANY, some: false, optional: true, names: [], pairs: false },
  '.': { start: '.', follows: SEGMENT, some: true, optional: true, names: [], pairs: false },
  '/': { start: '/', follows: PATH, some: true, optional: true, names: [], pairs: false },
  ';': { start: ';', follows: SEGMENT, some: false, optional: true, names: [], pairs: true },
  '?': { start: '?', follows: QUERY, some: false, optional: true, names: [], pairs: true },
  '&': { start: '&', follows: QUERY, some: false, optional: true, names: [], pairs: true },
}

/**
 * The URIs of one shape (RFC 6570), as the gateway matches the `uriTemplate` of a resource. Takes time in
 * proportion to the URI, whatever the template; a URI of more than 16,384 characters matches none.
 */
export class UriTemplate {
  readonly #parts: readonly Part[]

  constructor(template: string) {
    const parts: Part[] = []
    let end = 0
    for (const { 0: whole, 1: operator = '', 2: list = '', index } of template.matchAll(
      EXPRESSION,
    )) {
      if (index > end) parts.push(literal(template.slice(end, index)))
      const names = list.split(',').map((name) => name.replace(/\*$|:\d+$/, ''))
      parts.push({ ...(PARTS[operator] as Part), names })
      end = index + whole.length
    }
    if (end < template.length) parts.push(literal(template.slice(end)))
    this.#parts = parts
  }

  /** Whether the template could have been expanded to this URI. */
  matches(uri: string): boolean {
    return this.#ends(uri).at(-1)?.[uri.length] === true
  }

  /**
   * What stands in a URI where the template has variables, percent-decoded; a variable that was left out is
   * missing. Of several readings that in which the first variables are the longest.
   * @returns `undefined` when the template could not have been expanded to this URI
   */
  variables(uri: string): Readonly<Record<string, string>> | undefined {
    const ends = this.#ends(uri)
    if (ends.at(-1)?.[uri.length] !== true) return undefined
    const found: [string, string][] = []
    let end = uri.length
    for (let at = this.#parts.length - 1; at >= 0; at--) {
      const part = this.#parts[at] as Part
      const begin = beginning(uri, ends[at] as boolean[], part, end)
      found.unshift(...valuesOf(part, uri.slice(begin + part.start.length, end)))
      end = begin
    }
    return Object.fromEntries(found)
  }

  /** Before each part, and after the last, every place where what has been matched so far may end. */
  #ends(uri: string): boolean[][] {
    if (uri.length > LONGEST) return []
    const [first] = this.#parts
    // Most URIs are of another shape from their beginning on.
    if (first?.optional === false && !uri.startsWith(first.start)) return []
    let ends = new Array<boolean>(uri.length + 1).fill(false)
    ends[0] = true
    const all = [ends]
    for (const part of this.#parts) {
      ends = advance(uri, ends, part)
      if (!ends.includes(true)) return []
      all.push(ends)
    }
    return all
  }
}

/** The last place where a part may begin that ends at `end`; the template is known to match. */
function beginning(uri: string, from: readonly boolean[], part: Part, end: number): number {
  const { start, follows, some, optional } = part
  let at = end
  // The longest stretch before `end` of what may follow the part's start.
  for (let free = end; at >= 0; at--) {
    if (at === end && optional && from[at]) return at
    if (at < free && follows?.test(uri[at] as string)) free = at
    const inside = at + start.length
    if (from[at] !== true || inside > end || !uri.startsWith(start, at)) continue
    if (inside >= free && (inside < end || !some)) return at
  }
  return 0
}

/** The variables of one expression, of the text that stands in its place. */
function valuesOf({ names, start, pairs }: Part, text: string): [string, string][] {
  if (names.length === 0 || text === '') return []
  if (pairs) {
    return text.split(start === ';' ? ';' : '&').flatMap((one) => {
      const [name = '', ...value] = one.split('=')
      return names.includes(name) ? [[name, decoded(value.join('='))]] : []
    })
  }
  const separator = start === '/' || start === '.' ? start : ','
  const values = names.length === 1 ? [text] : text.split(separator)
  return names.flatMap((name, at) => {
    // The last takes what is left.
    const value = at === names.length - 1 ? values.slice(at).join(separator) : values[at]
    return value === undefined || at >= values.length ? [] : [[name, decoded(value)]]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
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
  return { start, follows: undefined, some: false, optional: false, names: [], pairs: false }
}
