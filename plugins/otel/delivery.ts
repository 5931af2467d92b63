import type { Log } from 'mcp-patchbay/sdk'

/** What became of exports: told once when they begin to fail, and once when they arrive again. */
export class Delivery {
  exported = 0
  failed = 0
  /** Why the last one failed; `undefined` while they arrive. */
  error: string | undefined
  readonly #what: string
  readonly #where: string
  readonly #log: Log

  /** @param what goes out, in the plural */
  constructor(what: string, where: string, log: Log) {
    this.#what = what
    this.#where = where
    this.#log = log
  }

  /** Waits for one export of so many, and tells of a change. Never rejects. */
  async of(count: number, sending: Promise<void>): Promise<void> {
    try {
      await sending
    } catch (cause) {
      this.failed += count
      this.#fails(cause)
      return
    }
    this.exported += count
    if (this.error === undefined) return
    this.error = undefined
    this.#log.info({ collector: this.#where }, `${this.#what} are exported again.`)
  }

  #fails(cause: unknown): void {
    const known = this.error !== undefined
    const { message, code } = cause as { message?: string; code?: unknown }
    // Of several addresses that refuse, Node.js says nothing but the code.
    this.error = message || String(code ?? cause)
    if (known) return
    this.#log.warn(
      { collector: this.#where, error: this.error },
      `${this.#what} could not be exported to ${this.#where}: ${this.error}. What could not is lost, calls go on, and ` +
        'it is tried again; this is told once. Check that a collector takes OTLP over HTTP there (`otlp.endpoint`).',
    )
  }
}
