import type { Clock } from 'mcp-patchbay/sdk'

/** What a batch needs. */
export interface BatchParts<T> {
  readonly clock: Clock
  /** Items that may wait; what comes after is dropped. */
  readonly queue: number
  /** Items sent at a time, at most. */
  readonly batch: number
  /** How long items wait for others. Milliseconds. */
  readonly delay: number
  /** Sends items and resolves when that is over, however it ended. Never rejects. */
  send(items: readonly T[]): Promise<void>
}

/** Collects items and sends many at a time, one sending after the other. Adding one never waits and never throws. */
export class Batch<T> {
  /** How many were dropped because too many waited. */
  dropped = 0
  readonly #parts: BatchParts<T>
  #waiting: T[] = []
  #sending: Promise<void> | undefined
  #due = false
  #stop: (() => void) | undefined

  constructor(parts: BatchParts<T>) {
    this.#parts = parts
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Sends from now on what waits, every so often. */
  start(): void {
    this.#stop = this.#parts.clock.every(this.#parts.delay, () => void this.flush())
  }

  /** Adds one. A full batch leaves at once, though not on the way of the call that filled it. */
  add(item: T): void {
    const { queue, batch } = this.#parts
    if (this.#waiting.length >= queue) {
      this.dropped++
      return
    }
    this.#waiting.push(item)
    if (this.#waiting.length < batch || this.#due || this.#sending !== undefined) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      void this.flush()
    })
  }

  /** Sends all that waits. Resolves when it has been sent, or could not be. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** Sends no more by itself. */
  stop(): void {
    this.#stop?.()
  }

  async #send(): Promise<void> {
    const { batch, send } = this.#parts
    while (this.#waiting.length > 0) {
      const items = this.#waiting.slice(0, batch)
      this.#waiting = this.#waiting.slice(batch)
      await send(items)
    }
  }
}
