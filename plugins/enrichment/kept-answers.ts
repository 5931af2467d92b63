interface Kept {
  readonly value: unknown
  readonly size: number
  readonly until: number
}

/** All that one rule keeps, in characters of the answers and their addresses. */
const LARGEST = 4 * 1024 * 1024

/** Answers by their address, for a while; the oldest go first. */
export class KeptAnswers {
  readonly #ms: number
  readonly #now: () => number
  readonly #answers = new Map<string, Kept>()
  #size = 0

  /** @param ms how long each is kept; 0: not at all */
  constructor(ms: number, now: () => number) {
    this.#ms = ms
    this.#now = now
  }

  /** What was answered not too long ago. */
  get(url: string): unknown {
    const kept = this.#answers.get(url)
    if (kept === undefined) return undefined
    if (kept.until > this.#now()) return kept.value
    this.#drop(url, kept)
    return undefined
  }

  /** Keeps an answer. @param length in characters */
  set(url: string, value: unknown, length: number): void {
    if (this.#ms === 0) return
    const before = this.#answers.get(url)
    if (before !== undefined) this.#drop(url, before)
    const size = length + url.length
    this.#answers.set(url, { value, size, until: this.#now() + this.#ms })
    this.#size += size
    for (const [oldest, kept] of this.#answers) {
      if (this.#size <= LARGEST) break
      this.#drop(oldest, kept)
    }
  }

  #drop(url: string, { size }: Kept): void {
    this.#answers.delete(url)
    this.#size -= size
  }
}
