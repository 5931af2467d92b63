import type { Message, MessageContext } from '../../sdk/index.ts'
import { type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'

type Direction = 'toClient' | 'toServer'
type Judged = Message | undefined

/** Shows messages to the plugins, one after the other. What a plugin could not judge goes no further. */
export class MessageFilter {
  readonly #hooks: HookTable

  constructor(hooks: HookTable) {
    this.#hooks = hooks
  }

  /** @returns what is left of the message: itself when nobody changed it, `undefined` when it was dropped */
  judge(about: MessageContext, message: Message, direction: Direction): Judged | Promise<Judged> {
    const { messages, answers } = this.#hooks
    return this.#judge((direction === 'toClient' ? messages : answers) ?? [], 0, {
      about,
      message,
      direction,
    })
  }

  #judge(
    listeners: readonly Listener<'onMessage'>[],
    from: number,
    shown: { readonly about: MessageContext; message: Message; readonly direction: Direction },
  ): Judged | Promise<Judged> {
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as Listener<'onMessage'>
      const { message } = shown
      try {
        const start = one.counts.begin()
        const verdict = one.run(shown.about, message, shown.direction)
        if (isPromise(verdict)) {
          const go = (next: Judged) => {
            if (next === undefined) return undefined
            shown.message = next
            return this.#judge(listeners, i + 1, shown)
          }
          return this.#hooks.settle(verdict, one, start).then(
            (settled) => go(this.#take(one, message, settled)),
            () => go(one.skip ? message : undefined),
          )
        }
        one.counts.end(start)
        const next = this.#take(one, message, verdict)
        if (next === undefined) return undefined
        shown.message = next
      } catch (cause) {
        this.#hooks.report(one.plugin, 'onMessage', cause, one.skip)
        if (!one.skip) return undefined
      }
    }
    return shown.message
  }

  /** The message to go on with; `undefined` when it was dropped, or could not be judged. */
  #take(one: Listener<'onMessage'>, before: Message, verdict: unknown): Judged {
    if (verdict === undefined) return before
    if (verdict === null) {
      one.counts.denial++
      return undefined
    }
    try {
      const part = before.result === undefined ? 'params' : 'result'
      if (isObject(verdict) && verdict.method === before.method && isObject(verdict[part])) {
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
