import { randomBytes } from 'node:crypto'
import { GatewayError, type Problem } from '../../hooks/errors.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { Backoff } from '../../outbound/backoff.ts'
import type { Hub } from '../../services/workers/hub.ts'
import type { Logger } from '../log.ts'
import type { Begin, Listening, ToPrimary } from './messages.ts'
import type { Fork, WorkerProcess } from './worker-process.ts'

/** How long after `drain` a worker may take to end what is left, in milliseconds. */
const LAST_STEPS = 20_000

/** What workers are kept running with. */
export interface SupervisorParts {
  readonly count: number
  /** What every worker is begun with. */
  readonly begin: Pick<Begin, 'file' | 'record' | 'keys' | 'pretty'>
  /** How long open calls may go on after a stop, in milliseconds. */
  readonly drain: number
  readonly hub: Pick<Hub, 'join'>
  readonly wheel: Wheel
  readonly log: Logger
  readonly fork: Fork
  /** Told of what workers say besides. */
  heard(slot: number, message: ToPrimary): void
}

/** A worker's place, and who is there. */
interface Place {
  readonly slot: number
  readonly backoff: Backoff
  process: WorkerProcess | undefined
  /** It is no longer among the workers. */
  leave: () => void
  /** Why it cannot start, by its own word. */
  failed:
    | { readonly problems: readonly Problem[] | undefined; readonly message: string }
    | undefined
  /** Whoever waits for the first worker there. */
  first: PromiseWithResolvers<Listening> | undefined
  /** Who waits for its end. */
  readonly gone: (() => void)[]
}

/** Starts the workers, replaces those that die, and stops them. */
export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #places: readonly Place[]
  #stopping = false
  #cut = 0

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    const { wheel } = parts
    this.#places = Array.from({ length: parts.count }, (_, slot) => ({
      slot,
      backoff: new Backoff({ wheel, random: () => 0.5 }),
      process: undefined,
      leave: () => {},
      failed: undefined,
      first: undefined,
      gone: [],
    }))
  }

  /**
   * Starts the first worker, then the others: it makes the tables that all of them use. Resolves when all listen.
   * @throws GatewayError, or Error, when one cannot; none is left running then
   */
  async start(): Promise<Listening> {
    const [first, ...others] = this.#places
    try {
      const listening = await this.#begin(first as Place)
      await Promise.all(others.map((place) => this.#begin(place)))
      return listening
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Stops all workers. @returns how many calls were not waited for. Idempotent */
  async stop(): Promise<number> {
    this.#stopping = true
    const { wheel, drain, log } = this.#parts
    const open = this.#places.filter(({ process }) => process !== undefined)
    const ends = open.map(
      (place) =>
        new Promise<void>((resolve) => {
          place.gone.push(resolve)
        }),
    )
    for (const { process } of open) process?.stop()
    const alarm = wheel.after(drain + LAST_STEPS, () => {
      for (const { slot, process } of this.#places) {
        if (process === undefined) continue
        log.error({ worker: slot, pid: process.pid }, 'a worker did not stop and was ended')
        process.kill()
      }
    })
    await Promise.all(ends)
    wheel.remove(alarm)
    return this.#cut
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const { process } of this.#places) process?.kill()
  }

  #begin(place: Place): Promise<Listening> {
    place.first = Promise.withResolvers<Listening>()
    this.#fork(place)
    return place.first.promise
  }

  #fork(place: Place): void {
    const { begin, count, fork, hub } = this.#parts
    const { slot } = place
    const replica = `${slot}.${randomBytes(9).toString('base64url')}`
    place.failed = undefined
    const started = fork(
      { ...begin, slot, count, replica },
      {
        message: (message) => this.#heard(place, message),
        exited: (code, signal) => this.#exited(place, code, signal),
      },
    )
    place.process = started
    place.leave = hub.join({ slot, replica, pid: started.pid }, started.channel)
  }

  #heard(place: Place, message: ToPrimary): void {
    const { slot } = place
    if (message.kind === 'failed') place.failed = message
    if (message.kind === 'stopped') this.#cut += message.cut
    if (message.kind === 'listening') {
      place.backoff.ready()
      if (place.first === undefined) {
        this.#parts.log.info({ worker: slot, pid: place.process?.pid }, `worker ${slot} is back`)
      }
      place.first?.resolve(message.listening)
      place.first = undefined
    }
    this.#parts.heard(slot, message)
  }

  #exited(place: Place, code: number | null, signal: string | null): void {
    const { log, wheel } = this.#parts
    const { slot, process, failed, first } = place
    place.process = undefined
    place.leave()
    for (const told of place.gone.splice(0)) told()
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
    if (first !== undefined) {
      place.first = undefined
      first.reject(reasonOf(failed) ?? new Error(`worker ${slot} ${how} before it listened`))
      return
    }
    if (this.#stopping) return
    const delay = Math.round(place.backoff.next())
    const about = { worker: slot, pid: process?.pid, code, signal, delay }
    const why = failed === undefined ? '' : `: ${failed.message}`
    log.error(about, `worker ${slot} ${how}${why}; it starts again in ${delay / 1_000} s`)
    wheel.after(delay, () => {
      if (!this.#stopping) this.#fork(place)
    })
  }
}

function reasonOf(failed: Place['failed']): Error | undefined {
  if (failed === undefined) return undefined
  return failed.problems === undefined
    ? new Error(failed.message)
    : new GatewayError(failed.problems)
}
