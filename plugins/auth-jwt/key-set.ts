import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import type { Clock } from 'mcp-patchbay/sdk'

/** The keys of an issuer at one time. */
export interface Keys {
  /** Finds the key that a token names. Rejects with errors of `jose`. */
  readonly find: ReturnType<typeof createLocalJWKSet>
  /** Another number after every change. */
  readonly generation: number
}

/** Where keys come from. Rejects when they cannot be had. */
export type ReadKeys = () => Promise<JSONWebKeySet>

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** Read again after this long. */
const FRESH = 10 * MINUTE
/** Not relied on after this long: a key that was withdrawn must not count for ever because its issuer is silent. */
const KEPT = 60 * MINUTE
/** At least this long between two readings for a key that is not there. */
const COOLDOWN = 30 * SECOND

/** An issuer's keys: read when they are wanted, by one reading at a time, and not more often than is good. */
export class KeySet {
  readonly #read: ReadKeys
  readonly #clock: Clock
  readonly #told: (problem: unknown) => void
  #keys: Keys | undefined
  #text = ''
  #readAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #reading: Promise<void> | undefined

  /** @param told hears of every reading that failed */
  constructor(read: ReadKeys, clock: Clock, told: (problem: unknown) => void) {
    this.#read = read
    this.#clock = clock
    this.#told = told
  }

  /** Another number after every change of the keys; 0 before there are any. */
  get generation(): number {
    return this.#keys?.generation ?? 0
  }

  /** How many milliseconds ago the keys were read; `undefined` before they were. */
  get age(): number | undefined {
    return this.#keys === undefined ? undefined : this.#clock.monotonic() - this.#readAt
  }

  /** In how many milliseconds they are read again after a failure. */
  get pause(): number {
    if (this.#failures === 0) return 0
    const pause = Math.min(COOLDOWN, SECOND * 2 ** (this.#failures - 1))
    return Math.max(0, this.#triedAt + pause - this.#clock.monotonic())
  }

  /** The keys; `undefined` while there are none to rely on. Reads them first when it is time. */
  async current(): Promise<Keys | undefined> {
    await this.refresh()
    return (this.age ?? Number.POSITIVE_INFINITY) <= KEPT ? this.#keys : undefined
  }

  /** Reads the keys when it is time. Resolves when that is done, well or not. */
  refresh(): Promise<void> | undefined {
    if (this.#clock.monotonic() - this.#readAt < FRESH) return undefined
    if (this.#reading === undefined && this.pause > 0) return undefined
    return this.#load()
  }

  /**
   * Reads the keys because a token names one that is not among them: whoever makes up such tokens has them read
   * no more than once in a while.
   * @returns whether they have changed
   */
  async renew(): Promise<boolean> {
    const { generation } = this
    const isEarly = this.#clock.monotonic() - this.#triedAt < COOLDOWN
    if (this.#reading === undefined && isEarly) return false
    await this.#load()
    return this.generation !== generation
  }

  #load(): Promise<void> {
    this.#reading ??= this.#attempt().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #attempt(): Promise<void> {
    this.#triedAt = this.#clock.monotonic()
    try {
      const keys = await this.#read()
      const text = JSON.stringify(keys)
      if (text !== this.#text) {
        this.#keys = { find: createLocalJWKSet(keys), generation: this.generation + 1 }
        this.#text = text
      }
      this.#readAt = this.#clock.monotonic()
      this.#failures = 0
    } catch (cause) {
      this.#failures++
      this.#told(cause)
    }
  }
}
