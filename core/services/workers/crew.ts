import type { Bus, Maybe } from '../../../sdk/index.ts'
import { messageOf } from '../../hooks/errors.ts'
import type { Peer } from './frames.ts'

/** How long a worker has to answer, in milliseconds. */
const PATIENCE = 5_000

/** What one of the other workers said. */
export type CrewAnswer =
  | { readonly slot: number; readonly pid: number; readonly value: unknown }
  | {
      readonly slot: number
      /** `undefined` when nobody is in that place. */
      readonly pid: number | undefined
      /** Why it said nothing. */
      readonly error: string
    }

/** The workers as one of them sees them: whom to ask for what only all together know. */
export class Crew {
  /** Which of them this is. */
  readonly slot: number
  /** How many there are when all are there. */
  readonly count: number
  readonly #bus: Bus
  readonly #peers: () => readonly Peer[]

  /** @param bus on which nobody but the gateway itself is heard */
  constructor(slot: number, count: number, bus: Bus, peers: () => readonly Peer[]) {
    this.slot = slot
    this.count = count
    this.#bus = bus
    this.#peers = peers
  }

  /** Answers what another worker asks. */
  answer(topic: string, handler: (message: unknown) => Maybe<unknown>): void {
    this.#bus.answer(topicOf(topic), handler)
  }

  /**
   * Asks all others at once.
   * @param message something JSON can say
   * @param timeoutMs how long each has
   * @returns one answer for every other place, by slot: who is not there or does not answer says why. Never rejects
   */
  ask(topic: string, message: unknown, timeoutMs = PATIENCE): Promise<CrewAnswer[]> {
    const others = Array.from({ length: this.count }, (_, slot) => slot)
    return Promise.all(
      others
        .filter((slot) => slot !== this.slot)
        .map((slot) => this.#askOne(slot, topic, message, timeoutMs)),
    )
  }

  async #askOne(
    slot: number,
    topic: string,
    message: unknown,
    timeoutMs: number,
  ): Promise<CrewAnswer> {
    const peer = this.#peers().find((one) => one.slot === slot)
    if (peer === undefined) {
      return { slot, pid: undefined, error: 'it is not there: it starts, or starts again soon' }
    }
    const { replica, pid } = peer
    try {
      const value = await this.#bus.request(replica, topicOf(topic), message, { timeoutMs })
      return { slot, pid, value }
    } catch (cause) {
      return { slot, pid, error: messageOf(cause) }
    }
  }
}

function topicOf(topic: string): string {
  return `workers/${topic}`
}
