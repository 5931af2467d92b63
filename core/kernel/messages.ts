import type { Caller, Message } from '../../sdk/index.ts'
import { type HookTable, isPromise } from '../hooks/hooks.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { repeatsNameAnywhere } from '../wire/json.ts'
import { MessageFilter } from './message-filter.ts'
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
  readonly #filter: MessageFilter
  #tail: Promise<void> | undefined

  constructor(exchange: Exchange, caller: Caller, hooks: HookTable) {
    this.#exchange = exchange
    this.#caller = caller
    this.#filter = new MessageFilter(hooks)
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
    const judged =
      this.#tail === undefined ? this.#judge(text) : this.#tail.then(() => this.#judge(text))
    if (isPromise(judged)) this.#wait(judged)
  }

  #wait(judged: Promise<void>): void {
    const tail = judged.finally(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
    this.#tail = tail
  }

  #judge(text: string): undefined | Promise<void> {
    const first: Message = JSON.parse(text)
    const about = { caller: this.#caller, ...(this.round ? { call: this.round } : {}) }
    const judged = this.#filter.judge(about, first, 'toClient')
    const tell = (last: Message | undefined) => {
      if (last === undefined) return
      this.#exchange.message(
        // What stands twice in it was judged once: it does not go on as it came.
        last === first && !repeatsNameAnywhere(text, 0)
          ? text
          : writeChanged(last, JSON.parse(text), text),
      )
    }
    if (isPromise(judged)) return judged.then(tell)
    tell(judged)
    return undefined
  }
}
