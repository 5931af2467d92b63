import type { Alarm, Wheel } from '../hooks/wheel.ts'

/** How long a server that does not say so is left alone before it is asked to go on, in milliseconds. */
const DELAY = 1_000
/** Longer than this nobody waits, whatever the server says. */
const LONGEST_DELAY = 30_000
/** How often a server is asked to go on without anything new coming of it. */
const MOST = 5
/** An id that can stand in a header. */
const USABLE = /^[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?$/

/** Somebody whose stream can be taken up again. */
export interface Resumable {
  /** Asks for what came after that event. */
  resume(lastEventId: string): void
}

/**
 * Where the SSE stream of a handshake server broke off, and when it may be asked to go on (2025-11-25,
 * transports: resumability and redelivery).
 */
export class Resumption implements Alarm {
  deadline = 0
  slot = -1
  readonly #wheel: Wheel
  readonly #stream: Resumable
  #id: string | undefined
  #delay = DELAY
  #fruitless = 0

  constructor(wheel: Wheel, stream: Resumable) {
    this.#wheel = wheel
    this.#stream = stream
  }

  /** An event of that id came. */
  marked(id: string): void {
    if (id === this.#id) return
    this.#id = USABLE.test(id) ? id : undefined
    this.#fruitless = 0
  }

  /** The server said how long to wait, in milliseconds. */
  retryAfter(ms: number): void {
    this.#delay = Math.min(ms, LONGEST_DELAY)
  }

  /** The stream ended: it is resumed soon. @returns false when there is nothing to go on from, or no use in it */
  begin(): boolean {
    if (this.#id === undefined || this.#fruitless >= MOST) return false
    this.#fruitless++
    this.deadline = this.#wheel.now() + this.#delay
    this.#wheel.add(this)
    return true
  }

  /** Nobody wants it any more. */
  stop(): void {
    this.#wheel.remove(this)
  }

  ring(): void {
    if (this.#id !== undefined) this.#stream.resume(this.#id)
  }
}
