/** How long a tool waits for its next renewal, in milliseconds. */
const PAUSE = 60_000

/**
 * When calls of a tool last had the link renewed because the upstream refused what the transport says
 * of them. A refusal that a fresh link does not cure must not make every call reconnect.
 */
export class Renewals {
  readonly #last = new Map<string, number>()

  /** Whether the tool may have the link renewed now; if so, not again for a minute. @param now monotonic ms */
  take(tool: string, now: number): boolean {
    const last = this.#last.get(tool)
    if (last !== undefined && now - last < PAUSE) return false
    this.#last.set(tool, now)
    return true
  }
}
