/** One end of a channel between a worker and the primary: what is sent arrives once, and in order. */
export interface Channel<Out, In> {
  /** Sends, soon. What is sent after the channel has closed is lost. */
  send(frame: Out): void
  /** Who is told of what arrives. Called once, before anything can. */
  receive(take: (frame: In) => void): void
}

/**
 * Sends frames of one turn of the event loop together: a message between processes costs far more than what
 * it holds.
 */
export class Batches<Out> {
  readonly #write: (frames: readonly Out[]) => void
  #next: Out[] = []

  /** @param write sends several at once; must not throw */
  constructor(write: (frames: readonly Out[]) => void) {
    this.#write = write
  }

  add(frame: Out): void {
    if (this.#next.push(frame) === 1) setImmediate(() => this.flush())
  }

  /** Sends what waits, now. */
  flush(): void {
    const frames = this.#next
    this.#next = []
    if (frames.length > 0) this.#write(frames)
  }
}
