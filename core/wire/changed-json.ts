import { isObject, memberName, readElements, readMembers, skipSpace, skipValue } from './json.ts'

// Numbers that may print differently than they were written: many digits, an exponent, a zero nobody needs.
const FRAGILE = /\d[\d.]{15}|\d[eE][+-]?\d|-0|\.\d*0(?!\d)/

/** Deeper than this, what was rebuilt is written as it is: looking for its source would cost its size per level. */
const DEEPEST = 64

/**
 * Writes a value that was made from parsed JSON. Leaves that did not change keep their source text, so
 * that a number JavaScript cannot hold survives a change beside it.
 * @param original what `JSON.parse` made of `text`
 */
export function writeChanged(value: unknown, original: unknown, text: string): string {
  if (!FRAGILE.test(text)) return JSON.stringify(value)
  return write(value, original, text, skipSpace(text, 0), 0) ?? 'null'
}

function write(
  value: unknown,
  original: unknown,
  text: string,
  at: number,
  depth: number,
): string | undefined {
  if (Object.is(value, original)) return text.slice(at, skipValue(text, at))
  if (depth < DEEPEST) {
    if (Array.isArray(value) && Array.isArray(original)) {
      return writeElements(value, original, text, at, depth + 1)
    }
    if (isObject(value) && isObject(original) && typeof value.toJSON !== 'function') {
      return writeMembers(value, original, text, at, depth + 1)
    }
  }
  return JSON.stringify(value)
}

function writeElements(
  value: readonly unknown[],
  original: readonly unknown[],
  text: string,
  at: number,
  depth: number,
): string {
  const elements = readElements(text, at)
  // Elements that moved are known by identity; only where none came or went does the place say it too.
  const places = new Map(original.map((item, i) => [item, i]))
  const parts = value.map((item, i) => {
    const found = typeof item === 'object' && item !== null ? places.get(item) : undefined
    const place = found ?? (value.length === original.length ? i : -1)
    const part =
      place < 0
        ? JSON.stringify(item)
        : write(item, original[place], text, elements[2 * place] as number, depth)
    return part ?? 'null'
  })
  return `[${parts.join(',')}]`
}

function writeMembers(
  value: Readonly<Record<string, unknown>>,
  original: Readonly<Record<string, unknown>>,
  text: string,
  at: number,
  depth: number,
): string {
  const members = readMembers(text, at)
  const starts = new Map<string, number>()
  for (let i = 0; i < members.length; i += 4) {
    starts.set(memberName(text, members, i), members[i + 2] as number)
  }
  const parts: string[] = []
  for (const name of Object.keys(value)) {
    const start = starts.get(name)
    const part =
      start === undefined
        ? JSON.stringify(value[name])
        : write(value[name], original[name], text, start, depth)
    if (part !== undefined) parts.push(`${JSON.stringify(name)}:${part}`)
  }
  return `{${parts.join(',')}}`
}
