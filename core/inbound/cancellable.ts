import type { Round } from '../kernel/round.ts'

/** The side of an exchange that a client cancels. A cancellation that comes before the call runs is kept for it. */
export class Cancellable {
  #round: Round | undefined
  #reason: string | undefined
  /** What waits while no round runs. */
  waiting: { cancel(reason: string): void } | undefined

  get round(): Round | undefined {
    return this.#round
  }

  set round(round: Round | undefined) {
    this.#round = round
    if (this.#reason !== undefined) round?.cancel(this.#reason)
  }

  /** The client no longer wants the answer. Idempotent. */
  cancel(reason: string): void {
    this.#reason ??= reason
    this.#round?.cancel(this.#reason)
    this.waiting?.cancel(this.#reason)
  }
}
