/** What stands for every value beyond the limit. */
export const OTHER = '_OTHER'

/** Characters of a value at most. */
const LONGEST = 256

/**
 * The beginning of a text, as one of its own: a part of a string holds on to all of it, and texts of clients may be
 * megabytes long.
 */
export function beginning(text: string, most: number): string {
  return text.length <= most ? text : Buffer.from(text.slice(0, most)).toString()
}

/** Values that come from outside and become attributes: short ones, and only so many different, the first that came. */
export class Bounded {
  readonly #known = new Set<string>()
  readonly #most: number

  /** @param most different values to let through */
  constructor(most: number) {
    this.#most = most
  }

  /** The value itself, or {@link OTHER}. */
  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#known.size >= this.#most || value.length > LONGEST) return OTHER
    this.#known.add(value)
    return value
  }
}
