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

function skipSpace(text: string, at: number): number {
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
  const start = members[index] as number
  const end = members[index + 1] as number
  const name = text.slice(start, end)
  return name.includes('\\') ? (JSON.parse(text.slice(start - 1, end + 1)) as string) : name
}

/** The index of the member called `name`, or -1. */
export function findMember(text: string, members: Members, name: string): number {
  for (let i = 0; i < members.length; i += 4) if (memberName(text, members, i) === name) return i
  return -1
}

/** The source text of the value at `index`. */
export function memberText(text: string, members: Members, index: number): string {
  return text.slice(members[index + 2], members[index + 3])
}

/** Whether two members have the same name. */
export function repeatsName(text: string, members: Members): boolean {
  if (members.length < 8) return false
  if (members.length > 64) {
    const names = new Set<string>()
    for (let i = 0; i < members.length; i += 4) names.add(memberName(text, members, i))
    return names.size < members.length / 4
  }
  for (let i = 4; i < members.length; i += 4) {
    const name = memberName(text, members, i)
    for (let j = 0; j < i; j += 4) if (memberName(text, members, j) === name) return true
  }
  return false
}

/**
 * Whether any object in the value at `from` has two members of one name. Parsers disagree about which
 * one counts, so a guard and a server could read different things (RFC 8259, section 4).
 */
export function repeatsNameAnywhere(text: string, from: number): boolean {
  const pending = [from]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const c = text.charCodeAt(at)
    if (c === OPEN_BRACE) {
      const members = readMembers(text, at)
      if (repeatsName(text, members)) return true
      for (let i = 2; i < members.length; i += 4) pending.push(members[i] as number)
    } else if (c === OPEN_BRACKET) {
      const elements = readElements(text, at)
      for (let i = 0; i < elements.length; i += 2) pending.push(elements[i] as number)
    }
  }
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

// Numbers that may print differently than they were written: many digits, or an exponent.
const FRAGILE = /\d{16}|\d\.\d{15}|\d[eE][+-]?\d/

/**
 * Writes a value that was made from parsed JSON. Leaves that did not change keep their source text, so
 * that a number JavaScript cannot hold survives a change beside it.
 * @param original what `JSON.parse` made of `text`
 */
export function writeChanged(value: unknown, original: unknown, text: string): string {
  if (!FRAGILE.test(text)) return JSON.stringify(value)
  return write(value, original, text, skipSpace(text, 0)) ?? 'null'
}

function write(value: unknown, original: unknown, text: string, at: number): string | undefined {
  if (Object.is(value, original)) return text.slice(at, skipValue(text, at))
  if (Array.isArray(value) && Array.isArray(original)) {
    const elements = readElements(text, at)
    const parts = value.map((item: unknown, i) =>
      i < original.length
        ? (write(item, original[i], text, elements[2 * i] as number) ?? 'null')
        : (JSON.stringify(item) ?? 'null'),
    )
    return `[${parts.join(',')}]`
  }
  if (isObject(value) && isObject(original)) {
    const members = readMembers(text, at)
    const parts: string[] = []
    for (const name of Object.keys(value)) {
      const index = Object.hasOwn(original, name) ? findMember(text, members, name) : -1
      const part =
        index < 0
          ? JSON.stringify(value[name])
          : write(value[name], original[name], text, members[index + 2] as number)
      if (part !== undefined) parts.push(`${JSON.stringify(name)}:${part}`)
    }
    return `{${parts.join(',')}}`
  }
  return JSON.stringify(value)
}

/** Whether a parsed value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
