// Makes JSON in source text that a careless relay would change; the same for the same seed.

/** Numbers as nobody would print them. */
const NUMBERS = [
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551615',
  '123456789012345678901234567890',
  '0.1000000000000000055511151231257827',
  '3.14159265358979323846264338327950288',
  '1e2',
  '1E+400',
  '-1e-400',
  '5E-324',
  '-0',
  '-0.0',
  '1.0',
  '100.50',
  '0e0',
] as const

/** Parts of strings, as JSON writes them. */
const PIECES = [
  '\\u0041',
  '\\/',
  '\\n\\r\\t\\b\\f',
  '\\u0000',
  '\\ud800',
  '\\uDFFF',
  '\\ud83d\\ud83d',
  '\\ud83c\\udf0d',
  '\\u2028',
  '\u2028\u2029',
  '\u0085\ufeff\u200b',
  '🌍👩‍👩‍👧',
  'e\u0301ﬁ',
  '\\\\',
  '\\"',
  'data: x',
  '</script>',
  '"}]'.replace('"', '\\"'),
] as const

const NAMES = ['', '__proto__', 'constructor', 'toString', '2', '1', 'id', 'type', 'resultType']

const KINDS = ['text', 'image', 'audio', 'resource_link', 'resource'] as const

/** A source of texts. */
export class Generator {
  #state: number

  /** @param seed a whole number */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 ≤ n < `below`. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  one<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T
  }

  number(): string {
    if (this.int(3) > 0) return this.one(NUMBERS)
    const digits = Array.from({ length: 1 + this.int(30) }, () => this.int(10)).join('')
    return `${this.one(['', '-'])}${1 + this.int(9)}${digits}${this.one(['', '.25', '.50', 'e7'])}`
  }

  string(): string {
    if (this.int(10) === 0) return '""'
    if (this.int(60) === 0) return `"${'long '.repeat(4_000)}"`
    const parts = Array.from({ length: 1 + this.int(4) }, () =>
      this.int(2) === 0 ? this.one(PIECES) : this.#characters(),
    )
    return `"${parts.join('')}"`
  }

  /** Any value. @param depth how deep it may be */
  value(depth: number): string {
    switch (this.int(depth > 0 ? 7 : 4)) {
      case 0:
        return this.one(['null', 'true', 'false'])
      case 1:
        return this.string()
      case 2:
      case 3:
        return this.number()
      case 4: {
        const items = Array.from({ length: this.int(4) }, () => this.value(depth - 1))
        return `[${items.join(this.one([',', ' ,\t']))}]`
      }
      case 5:
        return this.object(depth - 1)
      default: {
        const levels = this.int(100)
        return `${'['.repeat(levels)}${this.value(0)}${']'.repeat(levels)}`
      }
    }
  }

  /** An object in which no name stands twice. */
  object(depth: number): string {
    const members = this.members(depth, this.int(5), () =>
      this.int(2) === 0 ? JSON.stringify(this.one(NAMES)) : this.string(),
    )
    const space = this.one(['', ' '])
    return `{${space}${members.map(([name, value]) => `${name}${space}:${value}`).join(',')}}`
  }

  members(depth: number, count: number, name: (i: number) => string): [string, string][] {
    const all = new Map<string, [string, string]>()
    for (let i = 0; i < count; i++) {
      const written = name(i)
      all.set(JSON.parse(written), [written, this.value(depth)])
    }
    return [...all.values()]
  }

  /** A content block of any kind that the revisions from 2025-06-18 on know, with fields that none knows. */
  block(): string {
    const own = {
      text: () => `"text":${this.string()}`,
      image: () => '"data":"AAEC","mimeType":"image/png"',
      audio: () => '"data":"AAEC","mimeType":"audio/wav"',
      resource_link: () => `"uri":"x://y/${this.int(99)}","name":${this.string()}`,
      resource: () =>
        `"resource":{"uri":"x://z",${this.one(['"blob":"AAEC"', `"text":${this.string()}`])},"x-n":${this.number()}}`,
    }
    const kind = this.one(KINDS)
    const extra = this.one(['', ',"annotations":{"audience":["user"],"priority":0.50}'])
    return `{"type":"${kind}",${own[kind]()}${extra},"_meta":{"example.com/x":${this.value(1)}},"x-unknown":${this.value(2)}}`
  }

  /** The members of a tool's result, each with its source. */
  result(): [string, string][] {
    const content = Array.from({ length: this.int(4) }, () => this.block())
    return [
      ['content', `[${content.join(',')}]`],
      ['structuredContent', this.object(3)],
      ['isError', this.one(['true', 'false'])],
      ['_meta', `{"example.com/y":${this.value(2)}}`],
      ['x-more', this.value(4)],
    ]
  }

  #characters(): string {
    return Array.from({ length: this.int(8) }, () => {
      const code = 0x20 + this.int(0x10fff0 - 0x20)
      const surrogate = code >= 0xd800 && code <= 0xdfff
      const c = surrogate ? 'x' : String.fromCodePoint(code)
      return c === '"' || c === '\\' ? 'y' : c
    }).join('')
  }
}
