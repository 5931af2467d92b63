import type { Kernel } from '../../core/kernel/kernel.ts'
import { PausedOutcome } from '../../core/kernel/paused-call.ts'
import type { CallRequest, Exchange } from '../../core/kernel/ports.ts'
import type { Caller, Event, Message, Outcome } from '../index.ts'
import { type AnswerOptions, type CallOptions, cancellable, describe } from './call.ts'
import { deepFreeze } from './freeze.ts'
import { type CallerParts, callRequest, type TestCallers } from './request.ts'

/** What the clients of a test need of its gateway. */
export interface TestClientParts {
  readonly kernel: Kernel
  readonly callers: TestCallers
  readonly events: readonly Event[]
  /** What was thrown by nobody's plugin. */
  readonly faults: unknown[]
}

interface Asked {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly options: CallOptions
}

/** The clients of one test gateway: they call, are told and asked, and come back with answers. */
export class TestClient {
  /** The notifications that came before answers, oldest first. */
  readonly messages: Message[] = []
  readonly #parts: TestClientParts
  readonly #asked = new WeakMap<Outcome, Asked>()
  #requests = 0

  constructor(parts: TestClientParts) {
    this.#parts = parts
  }

  /** The id of the next request, whatever it is. */
  nextRequest(): string {
    return `request-${++this.#requests}`
  }

  /** The caller with these parts, the same object for the same parts. */
  caller(parts: CallerParts | undefined): Caller {
    const caller = this.#parts.callers.complete(parts)
    const { principal, client, path } = caller
    const key = JSON.stringify(client)
    return deepFreeze(this.#parts.kernel.callers.get(principal, path, key, () => client))
  }

  /** Calls a tool, or what else `method` says. Rejects with what `reply` threw. */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: CallOptions,
    retry: Pick<CallRequest, 'state' | 'responses'> = {},
  ): Promise<Outcome> {
    const { caller, meta = {}, cancel, method } = options
    const { kernel, faults } = this.#parts
    const requestId = this.nextRequest()
    const exchange: Exchange = {
      wire: 'test',
      requestId,
      sessionId: undefined,
      headers: {},
      message: (text) => void this.messages.push(deepFreeze(JSON.parse(text))),
      round: undefined,
    }
    const running = kernel.call(
      callRequest(requestId, name, args, meta, retry, method),
      this.caller(caller),
      exchange,
    )
    const outcome = await cancellable(running, exchange, cancel)
    if (faults.length > 0) throw faults.shift()
    if (outcome.kind === 'question') this.#asked.set(outcome, { name, args, options })
    return outcome
  }

  /**
   * Comes back to a question.
   * @throws Error when the outcome is none
   */
  async answer(
    question: Outcome,
    answers: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    { caller, name, args }: AnswerOptions,
  ): Promise<Outcome> {
    const asked = this.#asked.get(question)
    if (asked === undefined || !(question instanceof PausedOutcome)) {
      throw new Error(`nothing was asked: ${describe(this.#parts.events, question)}`)
    }
    const responses = Object.fromEntries(
      [question.paused, ...question.paused.inside]
        .flatMap(({ asked }) => asked)
        .flatMap(([wire, , key]) => (Object.hasOwn(answers, key) ? [[wire, answers[key]]] : [])),
    )
    const options = caller === undefined ? asked.options : { ...asked.options, caller }
    return this.call(name ?? asked.name, args ?? asked.args, options, {
      state: question.state,
      responses,
    })
  }
}
