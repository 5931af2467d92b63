import type { OpenExchange } from './arrival.ts'
import { Cancellable } from './cancellable.ts'
import type { StatusExchange } from './operations.ts'

/** One message of a batch: its own call on the batch's stream. */
export class BatchPart extends Cancellable implements StatusExchange {
  readonly statusOpen = false
  readonly #whole: OpenExchange

  constructor(whole: OpenExchange) {
    super()
    this.#whole = whole
  }

  get wire(): string {
    return this.#whole.wire
  }

  get requestId(): string {
    return this.#whole.requestId
  }

  get sessionId(): string | undefined {
    return this.#whole.sessionId
  }

  get headers(): OpenExchange['headers'] {
    return this.#whole.headers
  }

  message(text: string): void {
    this.#whole.message(text)
  }

  deliver(text: string): boolean {
    return this.#whole.deliver(text)
  }
}
