/** How many records one statement writes at most; a power of two, so that few different statements are made. */
const BATCH = 512
/** How many characters of records may wait, whatever their number. */
const MOST_CHARS = 32 * 1024 * 1024

/** A record that waits to be written. */
export interface Waiting {
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number
  readonly text: string
  /** Whoever waits for it; nobody where it may be written later. */
  readonly done?: { resolve(): void; reject(cause: unknown): void }
}

/** Writes records in batches, one batch at a time. What waits is bounded. */
export class Writer {
  readonly #write: (batch: readonly Waiting[]) => Promise<void>
  readonly #most: number
  #waiting: Waiting[] = []
  #chars = 0
  #writing: Promise<void> | undefined
  /** How many records were written, and how many were given up because too many waited. */
  written = 0
  dropped = 0
  /** Why the last batch could not be written; `undefined` when it was. */
  failure: unknown

  /** @param most how many records may wait */
  constructor(write: (batch: readonly Waiting[]) => Promise<void>, most: number) {
    this.#write = write
    this.#most = most
  }

  /** How many records wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Takes a record that is written soon; drops and counts it when too many wait. */
  offer(at: number, text: string): void {
    if (this.#isFull(text)) {
      this.dropped++
      return
    }
    this.#add({ at, text })
    if (this.#waiting.length >= BATCH) void this.flush()
  }

  /** Resolves when the record is written. @throws Error when too many wait already; rejects when it is not written */
  settle(at: number, text: string): Promise<void> {
    if (this.#isFull(text)) {
      this.dropped++
      throw new Error(`${this.#waiting.length} records wait to be written already`)
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#add({ at, text, done: { resolve, reject } })
    void this.flush()
    return promise
  }

  /** Writes what waits, until nothing does or it fails. Never rejects. */
  flush(): Promise<void> {
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #run(): Promise<void> {
    // What comes in the same turn travels together.
    await undefined
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, sizeOf(this.#waiting.length))
      try {
        await this.#write(batch)
        this.#forget(batch)
        this.written += batch.length
        this.failure = undefined
        for (const { done } of batch) done?.resolve()
      } catch (cause) {
        this.failure = cause
        const later = batch.filter(({ done }) => done === undefined)
        const lost = batch.filter(({ done }) => done !== undefined)
        this.#forget(lost)
        // Nobody waits for these: they are tried again, in their order.
        this.#waiting.unshift(...later)
        for (const { done } of lost) done?.reject(cause)
        if (!this.#waiting.some(({ done }) => done !== undefined)) return
        // Those somebody waits for go on without the others, which would stop them again and again.
        if (later.length > 0) this.#waiting.push(...this.#waiting.splice(0, later.length))
      }
    }
  }

  #isFull(text: string): boolean {
    return this.#waiting.length >= this.#most || this.#chars + text.length > MOST_CHARS
  }

  #add(one: Waiting): void {
    this.#chars += one.text.length
    this.#waiting.push(one)
  }

  #forget(batch: readonly Waiting[]): void {
    for (const { text } of batch) this.#chars -= text.length
  }
}

/** The largest power of two that is neither more than waits nor more than a batch. */
function sizeOf(waiting: number): number {
  return waiting >= BATCH ? BATCH : 2 ** Math.floor(Math.log2(waiting))
}
