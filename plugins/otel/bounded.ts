/** What stands for every value beyond the limit. */
export const OTHER = '_OTHER'

/** Values that come from outside and become attributes: only so many different ones, the first that came. */
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
    if (this.#known.size >= this.#most) return OTHER
    this.#known.add(value)
    return value
  }
}
