/** Counts what is being answered, so that a stop can wait for it. */
export class InFlight {
  #count = 0
  #waiting: (() => void)[] = []
  #draining = false

  get count(): number {
    return this.#count
  }

  /** Whether the gateway is about to stop. */
  get draining(): boolean {
    return this.#draining
  }

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    if (this.#count > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** From now on the gateway is about to stop. */
  drain(): void {
    this.#draining = true
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
