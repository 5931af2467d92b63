/**
 * Finds values inside JSON text without rebuilding it, so that what nobody changed travels as it came.
 * Every function here expects text that `JSON.parse` has already accepted.
 */

/**
 * The members of one object: four offsets each (name start, name end, value start, value end), names
 * without their quotes. Flat, because one is made for every call.
 */
export type Members = number[]

const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44
const OPEN_BRACE = 123
const CLOSE_BRACE = 125
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93

/** In place of names: the object has none so far; it is an array. */
const NO_NAMES = -1
const IN_ARRAY = -2
/** So many names are compared one by one: a set for each object costs more. */
const FEW_NAMES = 16

/** The offset of what is no white space, from `at` on. */
export function skipSpace(text: string, at: number): number {
  let i = at
  while (text.charCodeAt(i) <= 32) i++
  return i
}

/** `at` is an opening quote; returns the offset after the closing one. */
function skipString(text: string, at: number): number {
  let close = text.indexOf('"', at + 1)
  for (;;) {
    let slashes = 0
    while (text.charCodeAt(close - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return close + 1
    close = text.indexOf('"', close + 1)
  }
}

/** Returns the offset after the value that starts at `at`. A counter instead of recursion: depth costs no stack. */
export function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return skipString(text, at)
  let i = at
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === COMMA || c === CLOSE_BRACE || c === CLOSE_BRACKET || c <= 32) break
    }
    return i
  }
  let depth = 0
  for (;;) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      i = skipString(text, i)
      continue
    }
    i++
    if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++
    else if ((c === CLOSE_BRACE || c === CLOSE_BRACKET) && --depth === 0) return i
  }
}

/** Reads the members of the object that starts at or after `from`. */
export function readMembers(text: string, from = 0): Members {
  const members: Members = []
  let i = skipSpace(text, skipSpace(text, from) + 1)
  while (text.charCodeAt(i) === QUOTE) {
    const nameEnd = skipString(text, i)
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const valueEnd = skipValue(text, valueStart)
    members.push(i + 1, nameEnd - 1, valueStart, valueEnd)
    i = skipSpace(text, valueEnd)
    if (text.charCodeAt(i) === COMMA) i = skipSpace(text, i + 1)
  }
  return members
}

/** Reads the elements of the array that starts at `from`: two offsets each (start, end). */
export function readElements(text: string, from: number): number[] {
  const elements: number[] = []
  let i = skipSpace(text, from + 1)
  while (text.charCodeAt(i) !== CLOSE_BRACKET) {
    const end = skipValue(text, i)
    elements.push(i, end)
    i = skipSpace(text, end)
    if (text.charCodeAt(i) === COMMA) i = skipSpace(text, i + 1)
  }
  return elements
}

/** The name of the member at `index` (a multiple of 4), with escapes resolved. */
export function memberName(text: string, members: Members, index: number): string {
  return readName(text, (members[index] as number) - 1, (members[index + 1] as number) + 1)
}

/** The string from quote to quote, with escapes resolved. */
function readName(text: string, from: number, to: number): string {
  const name = text.slice(from + 1, to - 1)
  return name.includes('\\') ? (JSON.parse(text.slice(from, to)) as string) : name
}

/** Whether the member at `index` is written as `name`, which has no backslash. Cuts nothing out of the text. */
export function isWritten(text: string, members: Members, index: number, name: string): boolean {
  const from = members[index] as number
  return (members[index + 1] as number) - from === name.length && text.startsWith(name, from)
}

/** The index of the member called `name`, or -1. */
export function findMember(text: string, members: Members, name: string): number {
  // A name with a backslash in it cannot stand in JSON as it is.
  let escaped = name.includes('\\')
  for (let i = 0; !escaped && i < members.length; i += 4) {
    if (isWritten(text, members, i, name)) return i
    escaped ||= isEscaped(text, members[i] as number, members[i + 1] as number)
  }
  // Nobody writes these names so, but JSON allows it.
  for (let i = 0; escaped && i < members.length; i += 4) {
    if (memberName(text, members, i) === name) return i
  }
  return -1
}

/** Whether there is an escape in a name. */
function isEscaped(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) === BACKSLASH) return true
  return false
}

/** Whether two names without escapes are the same. No text is cut out for it. */
function isSameName(text: string, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(one + i) !== text.charCodeAt(other + i)) return false
  }
  return true
}

/** The source text of the value at `index`. */
export function memberText(text: string, members: Members, index: number): string {
  return text.slice(members[index + 2], members[index + 3])
}

/** Whether two members have the same name. */
export function repeatsName(text: string, members: Members): boolean {
  if (members.length < 8) return false
  let escaped = members.length > 64
  for (let i = 0; !escaped && i < members.length; i += 4) {
    const from = members[i] as number
    const to = members[i + 1] as number
    escaped = isEscaped(text, from, to)
    for (let j = 0; !escaped && j < i; j += 4) {
      const other = members[j] as number
      const length = (members[j + 1] as number) - other
      if (length === to - from && isSameName(text, from, other, length)) return true
    }
  }
  if (!escaped) return false
  const names = new Set<string>()
  for (let i = 0; i < members.length; i += 4) names.add(memberName(text, members, i))
  return names.size < members.length / 4
}

/**
 * Whether any object in the value at `from` has two members of one name. Parsers disagree about which
 * one counts, so a guard and a server could read different things (RFC 8259, section 4).
 */
export function repeatsNameAnywhere(text: string, from: number): boolean {
  // One pass with a stack of its own: depth costs neither stack nor a second look at what lies inside.
  const open: (Set<string> | string[] | number)[] = []
  let nameNext = false
  let i = skipSpace(text, from)
  do {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      const end = skipString(text, i)
      if (nameNext) {
        const names = open[open.length - 1]
        // Most objects of a call have few members: the first name is read when there is a second.
        if (names === NO_NAMES) open[open.length - 1] = i
        else {
          const name = readName(text, i, end)
          if (typeof names === 'number') {
            const first = readName(text, names, skipString(text, names))
            if (first === name) return true
            open[open.length - 1] = [first, name]
          } else if (names instanceof Set) {
            if (names.size === names.add(name).size) return true
          } else if (names?.includes(name)) return true
          else if (names !== undefined && names.push(name) > FEW_NAMES) {
            open[open.length - 1] = new Set(names)
          }
        }
        nameNext = false
      }
      i = end
      continue
    }
    i++
    if (c === OPEN_BRACE) {
      open.push(NO_NAMES)
      nameNext = true
    } else if (c === OPEN_BRACKET) open.push(IN_ARRAY)
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      open.pop()
      nameNext = false
    } else if (c === COMMA) nameNext = open[open.length - 1] !== IN_ARRAY
  } while (open.length > 0 && i < text.length)
  return false
}

/**
 * Replaces, adds or (with `undefined`) removes members of the object at `from`; all others keep their text.
 * @param edits member name → JSON text
 */
export function editMembers(
  text: string,
  from: number,
  edits: Readonly<Record<string, string | undefined>>,
): string {
  const members = readMembers(text, from)
  let out = ''
  for (const name in edits) {
    const value = edits[name]
    if (value !== undefined) out += `${out === '' ? '' : ','}${JSON.stringify(name)}:${value}`
  }
  for (let i = 0; i < members.length; i += 4) {
    if (Object.hasOwn(edits, memberName(text, members, i))) continue
    const name = text.slice((members[i] as number) - 1, (members[i + 1] as number) + 1)
    out += `${out === '' ? '' : ','}${name}:${memberText(text, members, i)}`
  }
  return `{${out}}`
}

/** Whether a parsed value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
