import type { Caller, Message } from '../../sdk/index.ts'
import { type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { isObject, repeatsNameAnywhere, writeChanged } from '../wire/json.ts'
import type { Exchange } from './ports.ts'
import type { Round } from './round.ts'

/**
 * The client's side of a call as upstreams see it when plugins want to read what goes there: each message
 * passes `onMessage`, one after the other. A message that a plugin could not judge is not delivered.
 */
export class FilteredExchange implements Exchange {
  round: Round | undefined
  readonly #exchange: Exchange
  readonly #caller: Caller
  readonly #hooks: HookTable
  readonly #listeners: readonly Listener<'onMessage'>[]
  #tail: Promise<void> | undefined

  /** @param listeners in the order of messages to the client */
  constructor(
    exchange: Exchange,
    caller: Caller,
    hooks: HookTable,
    listeners: readonly Listener<'onMessage'>[],
  ) {
    this.#exchange = exchange
    this.#caller = caller
    this.#hooks = hooks
    this.#listeners = listeners
  }

  get wire(): string {
    return this.#exchange.wire
  }

  get requestId(): string {
    return this.#exchange.requestId
  }

  get sessionId(): string | undefined {
    return this.#exchange.sessionId
  }

  get headers(): Exchange['headers'] {
    return this.#exchange.headers
  }

  /** Resolves when every message so far was judged; `undefined` when none is waiting. */
  get pending(): Promise<void> | undefined {
    return this.#tail
  }

  message(text: string): void {
    if (this.#tail !== undefined) {
      this.#wait(this.#tail.then(() => this.#judge(text, 0, JSON.parse(text))))
      return
    }
    const judged = this.#judge(text, 0, JSON.parse(text))
    if (judged !== undefined) this.#wait(judged)
  }

  #wait(judged: Promise<void>): void {
    const tail = judged.finally(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
    this.#tail = tail
  }

  #judge(text: string, from: number, first: Message): undefined | Promise<void> {
    let message = first
    for (let i = from; i < this.#listeners.length; i++) {
      const one = this.#listeners[i] as Listener<'onMessage'>
      try {
        const about = { caller: this.#caller, ...(this.round ? { call: this.round } : {}) }
        const start = one.counts.begin()
        const verdict = one.run(about, message, 'toClient')
        if (isPromise(verdict)) {
          const before = message
          return this.#hooks.settle(verdict, one, start).then(
            (settled) => {
              const next = this.#take(one, before, settled)
              return next === undefined ? undefined : this.#judge(text, i + 1, next)
            },
            () => (one.skip ? this.#judge(text, i + 1, before) : undefined),
          )
        }
        one.counts.end(start)
        const next = this.#take(one, message, verdict)
        if (next === undefined) return undefined
        message = next
      } catch (cause) {
        this.#hooks.report(one.plugin, 'onMessage', cause, one.skip)
        if (!one.skip) return undefined
      }
    }
    const original = JSON.parse(text) as Message
    this.#exchange.message(
      // What stands twice in it was judged once: it does not go on as it came.
      message === first && from === 0 && !repeatsNameAnywhere(text, 0)
        ? text
        : writeChanged(message, original, text),
    )
    return undefined
  }

  /** The message to go on with; `undefined` when it was dropped, or could not be judged. */
  #take(one: Listener<'onMessage'>, before: Message, verdict: unknown): Message | undefined {
    if (verdict === undefined) return before
    if (verdict === null) {
      one.counts.denial++
      return undefined
    }
    try {
      if (isObject(verdict) && verdict.method === before.method && isObject(verdict.params)) {
        // What JSON cannot say fails here, where its plugin is known.
        JSON.stringify(verdict)
        one.counts.change++
        return verdict as unknown as Message
      }
      throw new TypeError('returned something that is not a message of the same method')
    } catch (cause) {
      this.#hooks.report(one.plugin, 'onMessage', cause, one.skip)
      return one.skip ? before : undefined
    }
  }
}
