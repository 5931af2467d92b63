import { type Denial, deny, type Maybe, type Message, type Question } from '../../sdk/index.ts'
import { type HookTable, isPromise } from '../hooks/hooks.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { isObject } from '../wire/json.ts'
import { MessageFilter } from './message-filter.ts'
import type { UpstreamAsk } from './pauses.ts'
import type { Round } from './round.ts'

/**
 * What upstreams ask and what they are answered, as plugins see it (`onMessage`): each question once and each
 * answer once, whatever the era. One that a plugin drops ends the call: it cannot go on without.
 */
export class QuestionFilter {
  readonly #filter: MessageFilter

  constructor(hooks: HookTable) {
    this.#filter = new MessageFilter(hooks)
  }

  /** The questions as plugins leave them. */
  questions(round: Round, ask: UpstreamAsk): Maybe<UpstreamAsk | Denial> {
    const shown = Object.entries(ask.questions).map(
      ([key, { method, params = {} }]) => [key, { jsonrpc: '2.0', method, params }] as const,
    )
    const judged = this.#all(round, shown, 'toClient')
    const take = (found: ReadonlyMap<string, Message> | undefined): UpstreamAsk | Denial => {
      if (found === undefined) return keptBack(round, 'what it asked')
      const questions: Record<string, Question> = {}
      for (const [key, question] of Object.entries(ask.questions)) {
        const { params } = found.get(key) as Message
        // The same objects keep their source: numbers that JavaScript cannot hold survive.
        questions[key] =
          params === undefined || params === question.params ? question : { ...question, params }
      }
      return { ...ask, questions, text: writeChanged(questions, ask.questions, ask.text) }
    }
    return isPromise(judged) ? judged.then(take) : take(judged)
  }

  /** Puts the answers on their way, as plugins leave them. @returns why they do not go on */
  answers(round: Round): Maybe<Denial | undefined> {
    const { methods = {} } = round.paused?.relayed ?? {}
    const { text = '{}' } = round.answering ?? {}
    const said: Record<string, unknown> = JSON.parse(text)
    const shown = Object.entries(methods).flatMap(([key, method]) => {
      const result = Object.hasOwn(said, key) ? said[key] : undefined
      return isObject(result) ? [[key, { jsonrpc: '2.0', method, result }] as const] : []
    })
    const judged = this.#all(round, shown, 'toServer')
    const take = (found: ReadonlyMap<string, Message> | undefined): Denial | undefined => {
      if (found === undefined) return keptBack(round, 'what it was answered')
      const answers = Object.fromEntries([...found].map(([key, { result }]) => [key, result]))
      // What nobody asked was judged by nobody: it does not go on.
      round.answersText = writeChanged(answers, said, text)
      return undefined
    }
    return isPromise(judged) ? judged.then(take) : take(judged)
  }

  /** One after the other, in the order of the questions; `undefined` when one was dropped. */
  #all(
    round: Round,
    shown: readonly (readonly [string, Message])[],
    direction: 'toClient' | 'toServer',
    from = 0,
    found = new Map<string, Message>(),
  ): Maybe<ReadonlyMap<string, Message> | undefined> {
    for (let i = from; i < shown.length; i++) {
      const [key, message] = shown[i] as readonly [string, Message]
      const judged = this.#filter.judge({ caller: round.caller, call: round }, message, direction)
      if (isPromise(judged)) {
        return judged.then((last) => {
          if (last === undefined) return undefined
          return this.#all(round, shown, direction, i + 1, found.set(key, last))
        })
      }
      if (judged === undefined) return undefined
      found.set(key, judged)
    }
    return found
  }
}

function keptBack({ target }: Round, what: string): Denial {
  const message = `a plugin of the gateway kept back ${what} (${target?.upstream})`
  return { ...deny('FORBIDDEN', message), executed: true }
}
