import type { Clock, Log } from 'mcp-patchbay/sdk'
import type { RuleFailure } from './failure.ts'

const EVERY = 60_000

/** Tells operators of failing rules: of each rule and reason once a minute at most. */
export class FailureNews {
  readonly #log: Log
  readonly #clock: Clock
  readonly #told = new Map<string, number>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** A rule has added nothing. */
  tell(rule: string, { code, message, detail }: RuleFailure): void {
    const key = `${rule} ${code}`
    const now = this.#clock.monotonic()
    const told = this.#told.get(key)
    if (told !== undefined && now - told < EVERY) return
    this.#told.set(key, now)
    const reason = detail === '' ? message : detail
    this.#log.warn({ rule, code, reason }, `the rule ${rule} added nothing to a result`)
  }
}
