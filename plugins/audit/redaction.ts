import { InvalidSettings, matcher, type Secrets } from 'mcp-patchbay/sdk'
import { BLANK, isSecretName, withoutSecrets } from './secret-words.ts'
import type { Settings } from './settings.ts'

const DEEPEST = 16
const MOST_VALUES = 5_000
const MOST_NAMES = 2_000
/** Read beyond what is kept, so that a secret across the end is seen; and kept no more than without it. */
const MARGIN = 2_048
/** Longer texts that look like JSON are searched as texts. */
const LONGEST_JSON = 65_536

const CUT = '[cut]'
const DEEP = '[too deep]'
const CIRCLE = '[circular]'

/** What is left to one copy, and where it is. */
interface Walk {
  chars: number
  values: number
  readonly above: object[]
}

/** Copies what is recorded without its secrets: bounded in size, depth and time, whatever it is given. */
export class Redaction {
  readonly #secrets: Secrets
  readonly #size: number
  readonly #keys: (name: string) => string | undefined
  readonly #paths: ((path: string) => string | undefined) | undefined
  readonly #patterns: readonly RegExp[]
  /** What was found out about names; emptied when callers make up too many. */
  readonly #names = new Map<string, boolean>()

  /**
   * @param size how many characters of one value are kept
   * @throws InvalidSettings for globs and expressions that cannot be read
   */
  constructor({ keys, paths, patterns }: Settings['redact'], size: number, secrets: Secrets) {
    this.#secrets = secrets
    this.#size = size
    const lower = keys.map((key) => key.toLowerCase())
    this.#keys = globs(lower, 'redact.keys')
    this.#paths = paths.length === 0 ? undefined : globs(paths, 'redact.paths')
    this.#patterns = patterns.map(expression)
  }

  /** A copy that JSON can say. @param name where paths begin */
  copy(name: string, value: unknown): unknown {
    const walk: Walk = { chars: this.#size, values: MOST_VALUES, above: [] }
    return this.#copy(value, name, walk)
  }

  /** A text of which at most so many characters are kept. */
  text(text: string, most: number): string {
    const isCut = text.length > most + MARGIN
    let clean = this.#clean(isCut ? text.slice(0, most + MARGIN) : text)
    // What the end was cut out of may be half a secret.
    if (isCut) clean = clean.slice(0, Math.max(0, clean.length - MARGIN))
    if (!isCut && clean.length <= most) return clean
    return `${clean.slice(0, most).toWellFormed()}…`
  }

  /** Whether a member's value is a secret because of its name. */
  isSecret(name: string): boolean {
    let known = this.#names.get(name)
    if (known === undefined) {
      known = isSecretName(name) || this.#keys(name.toLowerCase()) !== undefined
      if (this.#names.size >= MOST_NAMES) this.#names.clear()
      if (name.length <= 200) this.#names.set(name, known)
    }
    return known
  }

  #clean(text: string): string {
    let clean = withoutSecrets(this.#secrets.redact(text))
    for (const pattern of this.#patterns) clean = clean.replace(pattern, BLANK)
    return clean
  }

  #copy(value: unknown, path: string, walk: Walk): unknown {
    if (walk.chars <= 0 || --walk.values <= 0) return CUT
    walk.chars -= 2
    if (typeof value === 'string') return this.#string(value, path, walk)
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) {
      walk.chars -= 3
      return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
    }
    if (walk.above.includes(value)) return CIRCLE
    if (walk.above.length >= DEEPEST) return DEEP
    walk.above.push(value)
    const copy = this.#inside(value, path, walk)
    walk.above.pop()
    return copy
  }

  #inside(value: object, path: string, walk: Walk): unknown {
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      return this.#copy(value.toJSON(), path, walk)
    }
    if (Array.isArray(value)) {
      const items: unknown[] = []
      for (const [index, one] of value.entries()) {
        items.push(this.#member(String(index), one, path, walk))
        if (walk.chars <= 0 || walk.values <= 0) break
      }
      return items
    }
    // Without a prototype every name is a name, `__proto__` too.
    const copy: Record<string, unknown> = Object.create(null)
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue
      if (walk.chars <= 0 || walk.values <= 0) {
        copy[CUT] = CUT
        break
      }
      walk.chars -= name.length
      const one = (value as Record<string, unknown>)[name]
      const isSecret =
        one !== null &&
        typeof one !== 'boolean' &&
        (this.isSecret(name) || this.#isPaired(name, value))
      copy[this.text(name, 200)] = isSecret ? BLANK : this.#member(name, one, path, walk)
    }
    return copy
  }

  /** `{ name: 'Authorization', value: '…' }`: the one says what the other is. */
  #isPaired(name: string, { name: said, key }: { name?: unknown; key?: unknown }): boolean {
    if (name !== 'value') return false
    const label = said ?? key
    return typeof label === 'string' && this.isSecret(label)
  }

  #member(name: string, value: unknown, path: string, walk: Walk): unknown {
    if (this.#paths === undefined) return this.#copy(value, '', walk)
    const inside = `${path}.${name}`.slice(0, 1_000)
    return this.#paths(inside) === undefined ? this.#copy(value, inside, walk) : BLANK
  }

  #string(text: string, path: string, walk: Walk): unknown {
    const most = walk.chars
    const clean = this.#json(text, path, walk) ?? this.text(text, most)
    walk.chars = most - clean.length
    return clean
  }

  /** JSON inside a text is looked through like any other. */
  #json(text: string, path: string, walk: Walk): string | undefined {
    if (text.length > LONGEST_JSON || !/^\s*[{["]/.test(text)) return undefined
    try {
      return JSON.stringify(this.#copy(JSON.parse(text), path, walk))
    } catch {
      return undefined
    }
  }
}

function globs(patterns: readonly string[], path: string): (name: string) => string | undefined {
  const matches = patterns.map((pattern, index) => {
    try {
      return matcher([pattern])
    } catch (cause) {
      const hint = 'List what is a secret.'
      throw new InvalidSettings(`${path}[${index}]`, (cause as Error).message, hint, { cause })
    }
  })
  return (name) => {
    for (const one of matches) if (one(name) !== undefined) return name
    return undefined
  }
}

function expression(pattern: string, index: number): RegExp {
  try {
    return new RegExp(pattern, 'gu')
  } catch (cause) {
    const hint = 'Write a regular expression as JavaScript has them, without slashes around it.'
    const path = `redact.patterns[${index}]`
    throw new InvalidSettings(path, (cause as Error).message, hint, { cause })
  }
}
