import type { Bus, Principal } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import { hear } from '../hooks/hooks.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import { PATIENCE } from '../kernel/pauses.ts'
import type { HeldAnswers, HeldCall, HeldCalls, HeldEnd, HeldSide } from '../kernel/ports.ts'
import type { OpenCall } from '../kernel/round.ts'

/** Calls that wait for one principal's answers, and for everybody's; workers divide both among them. */
const MOST_OF_ONE = 32
const MOST = 1_024
/** What replicas ask each other. */
const RESUME = 'held/resume'
const RELEASE = 'held/release'

interface Kept {
  readonly call: HeldCall
  readonly principal: string
  readonly expiry: Alarm
  /** Its server has ended it without waiting for the answer. */
  ended: boolean
  over: (() => void) | undefined
}

/** A round that goes on in another replica than the one that holds its call. */
interface Resumed {
  readonly id: string
  readonly answers: HeldAnswers
}

/** What holding is made of. */
export interface HeldParts {
  readonly bus: Pick<Bus, 'replica' | 'serve' | 'stream' | 'publish' | 'subscribe'>
  readonly wheel: Wheel
  /** Ids that no other replica makes. */
  readonly nextId: () => string
  /** How many processes divide what may be held. */
  readonly workers: number
}

/**
 * The calls that this replica holds: each waits for one round to come back, for ten minutes, whichever replica
 * that round arrives at. One with an answer under way is not here.
 */
export class HeldCallStore implements HeldCalls {
  readonly #parts: HeldParts
  readonly #kept = new Map<string, Kept>()
  readonly #mostOfOne: number
  readonly #most: number
  readonly #counts = new Map<string, number>()
  readonly #ends: (() => void)[]

  constructor(parts: HeldParts) {
    this.#parts = parts
    const { bus, workers } = parts
    this.#mostOfOne = Math.max(1, Math.floor(MOST_OF_ONE / workers))
    this.#most = Math.max(1, Math.floor(MOST / workers))
    this.#ends = [
      bus.serve(RESUME, (message, stream) => {
        const { id, answers } = message as Resumed
        return new Promise<HeldEnd>((resolve) => {
          const side = { message: (text: string) => stream.send(text), ended: resolve }
          const call = this.#resume(id, answers, side)
          const stop = () => {
            call.cancel('the client cancelled')
            resolve(lost('the client cancelled'))
          }
          if (stream.signal.aborted) stop()
          else stream.signal.addEventListener('abort', stop, { once: true })
        })
      }),
      bus.subscribe(RELEASE, (message) => {
        const { handle, reason } = message as { handle: string; reason: string }
        const { owner, id } = read(handle)
        if (owner === bus.replica) this.#take(id)?.call.cancel(reason)
      }),
    ]
  }

  hold(call: HeldCall, { issuer, subject }: Principal): string | undefined {
    const principal = JSON.stringify([issuer, subject])
    const count = this.#counts.get(principal) ?? 0
    if (count >= this.#mostOfOne || this.#kept.size >= this.#most) return undefined
    const id = this.#parts.nextId()
    const expiry = this.#parts.wheel.after(PATIENCE, () => {
      this.#take(id)?.call.cancel('nobody answered')
    })
    this.#counts.set(principal, count + 1)
    this.#kept.set(id, { call, principal, expiry, ended: false, over: undefined })
    return `${this.#parts.bus.replica}/${id}`
  }

  resume(handle: string, answers: HeldAnswers, side: HeldSide): OpenCall {
    const { owner, id } = read(handle)
    const { bus } = this.#parts
    if (owner === bus.replica) return this.#resume(id, answers, side)
    const abort = new AbortController()
    const ask = async () =>
      bus.stream(owner, RESUME, { id, answers } satisfies Resumed, {
        signal: abort.signal,
        onMessage: (text) => side.message(text as string),
      })
    ask().then(
      (end) => side.ended(end as HeldEnd),
      (cause: unknown) => side.ended(lost(`its replica did not go on: ${messageOf(cause)}`)),
    )
    return { cancel: (reason) => abort.abort(new Error(reason)) }
  }

  release(handle: string, reason: string): void {
    const { owner, id } = read(handle)
    const { bus } = this.#parts
    if (owner === bus.replica) this.#take(id)?.call.cancel(reason)
    else {
      // A word that is lost costs nothing but the time until the call expires.
      try {
        hear(bus.publish(RELEASE, { handle, reason }), () => {})
      } catch {
        // As said.
      }
    }
  }

  over(call: HeldCall): void {
    for (const kept of this.#kept.values()) {
      if (kept.call !== call) continue
      kept.ended = true
      kept.over?.()
    }
  }

  whenOver(handle: string, run: () => void): void {
    const { owner, id } = read(handle)
    const kept = owner === this.#parts.bus.replica ? this.#kept.get(id) : undefined
    // It may have ended before anybody could be asked.
    if (kept?.ended === true) run()
    else if (kept !== undefined) kept.over = run
  }

  /** Gives up what is held here. */
  close(): void {
    for (const end of this.#ends) end()
    for (const id of [...this.#kept.keys()]) this.#take(id)?.call.cancel('the gateway is stopping')
  }

  #resume(id: string, answers: HeldAnswers, side: HeldSide): OpenCall {
    const kept = this.#take(id)
    if (kept === undefined) {
      side.ended(
        lost('the call that asked is gone: it was waited for too long, or the gateway restarted'),
      )
      return { cancel() {} }
    }
    kept.call.resume(answers, side)
    return kept.call
  }

  #take(id: string): Kept | undefined {
    const kept = this.#kept.get(id)
    if (kept === undefined) return undefined
    this.#kept.delete(id)
    this.#parts.wheel.remove(kept.expiry)
    const left = (this.#counts.get(kept.principal) ?? 1) - 1
    if (left > 0) this.#counts.set(kept.principal, left)
    else this.#counts.delete(kept.principal)
    return kept
  }
}

function read(handle: string): { owner: string; id: string } {
  const at = handle.lastIndexOf('/')
  return { owner: handle.slice(0, at), id: handle.slice(at + 1) }
}

function lost(message: string): HeldEnd {
  return { kind: 'lost', message, executed: 'unknown' }
}
