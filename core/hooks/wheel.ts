import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../../sdk/index.ts'
import { Slots, type Slotted } from './slots.ts'

const TICK = 250

/** Something to happen at a time, unless it is removed before. */
export interface Alarm extends Slotted {
  deadline: number
  ring(): void
}

/**
 * Deadlines for things that rarely reach them. One interval for the whole gateway instead of a timer
 * each: an alarm costs next to nothing, and rings up to a tick (250 ms) late.
 */
export class Wheel {
  readonly #clock: Clock
  readonly #alarms = new Slots<Alarm>()
  /** What rings belongs to nobody, whoever set the first alarm: not to a plugin that runs dry. */
  readonly #outside = AsyncLocalStorage.snapshot()
  #stop: (() => void) | undefined
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds on the wheel's clock; `Alarm.deadline` is on the same scale. */
  now(): number {
    return this.#clock.monotonic()
  }

  add(alarm: Alarm): void {
    if (this.#closed) return
    this.#alarms.add(alarm)
    this.#stop ??= this.#outside(() => this.#clock.every(TICK, () => this.#turn()))
  }

  remove(alarm: Alarm): void {
    this.#alarms.delete(alarm)
  }

  /** Rings after `ms`. */
  after(ms: number, ring: () => void): Alarm {
    const alarm = { deadline: this.now() + ms, ring, slot: -1 }
    this.add(alarm)
    return alarm
  }

  /**
   * Settles like `promise`, or rejects with `late()` after `ms`.
   * The promise itself goes on: there is no way to stop it.
   */
  limit<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const alarm = this.after(ms, () => reject(late()))
      promise.then(resolve, reject).finally(() => this.remove(alarm))
    })
  }

  /** Forgets every alarm, and every one still to come. */
  close(): void {
    this.#closed = true
    for (const alarm of this.#alarms.all()) this.#alarms.delete(alarm)
    this.#stop?.()
    this.#stop = undefined
  }

  #turn(): void {
    const now = this.now()
    for (const alarm of this.#alarms.all()) {
      // One that rang before it may have removed this one.
      if (alarm.deadline > now || alarm.slot < 0) continue
      this.#alarms.delete(alarm)
      alarm.ring()
    }
    if (this.#alarms.size === 0) {
      this.#stop?.()
      this.#stop = undefined
    }
  }
}
