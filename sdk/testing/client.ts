import { didYouMean } from '../../core/hooks/nearest.ts'
import type { Kernel } from '../../core/kernel/kernel.ts'
import { type PausedCall, PausedOutcome } from '../../core/kernel/paused-call.ts'
import type { CallRequest, Exchange } from '../../core/kernel/ports.ts'
import type { Caller, EntryKind, Event, Message, Outcome, ToolDefinition } from '../index.ts'
import { type AnswerOptions, type CallOptions, cancellable, describe } from './call.ts'
import type { FakeClock } from './clock.ts'
import { deepFreeze } from './freeze.ts'
import { patiently } from './patience.ts'
import { type CallerParts, callRequest, type TestCallers } from './request.ts'

/** What the clients of a test need of its gateway. */
export interface TestClientParts {
  readonly kernel: Kernel
  readonly callers: TestCallers
  readonly clock: FakeClock
  readonly events: readonly Event[]
  /** What was thrown by nobody's plugin. */
  readonly faults: unknown[]
}

interface Asked {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly options: CallOptions
}

const METHODS: Readonly<Record<EntryKind, string>> = {
  tool: 'tools/list',
  prompt: 'prompts/list',
  resource: 'resources/list',
  template: 'resources/templates/list',
}
/** What of a definition clients ask for. */
export const NAMED_BY: Readonly<Record<EntryKind, string>> = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  template: 'uriTemplate',
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

  /** The definitions of one kind that a caller lists. Rejects when a hook fails. */
  async listed(parts: CallerParts | undefined, kind: EntryKind): Promise<ToolDefinition[]> {
    const { kernel, clock } = this.#parts
    const caller = this.caller(parts)
    const lists = await patiently(kernel.list(caller), clock, () => 'the list')
    const { text, entries } = lists[kind]
    await kernel.listed(caller, METHODS[kind], entries.length, this.nextRequest())
    return JSON.parse(text)
  }

  /** Calls a tool, or what else `method` says. Rejects with what `reply` threw. */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: CallOptions,
    retry: Pick<CallRequest, 'state' | 'responses'> = {},
  ): Promise<Outcome> {
    const { caller, meta = {}, cancel, method } = options
    const { kernel, faults, clock } = this.#parts
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
    const outcome = await patiently(cancellable(running, exchange, cancel), clock, () => {
      const { current } = exchange.round ?? {}
      return current ? `${name}, last in plugin ${current},` : name
    })
    if (faults.length > 0) throw faults.shift()
    if (outcome.kind === 'question') this.#asked.set(outcome, { name, args, options })
    return outcome
  }

  /**
   * Comes back to a question.
   * @throws Error when the outcome is none, or does not ask what is answered
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
    const open = askedIn(question)
    const keys = open.map(([, , key]) => key)
    for (const key of Object.keys(answers)) {
      if (keys.includes(key)) continue
      throw new Error(`nothing asks \`${key}\`${didYouMean(key, keys)}; asked: ${keys.join(', ')}`)
    }
    const responses = Object.fromEntries(
      open.flatMap(([wire, , key]) => (Object.hasOwn(answers, key) ? [[wire, answers[key]]] : [])),
    )
    const options = caller === undefined ? asked.options : { ...asked.options, caller }
    return this.call(name ?? asked.name, args ?? asked.args, options, {
      state: question.state,
      responses,
    })
  }
}

/** What a call asked, or a call inside it, however deep. */
function askedIn({ source, questions, paused }: PausedOutcome): PausedCall['asked'] {
  const within = ({ asked, inside }: PausedCall): PausedCall['asked'] => {
    return [...asked, ...inside.flatMap(within)]
  }
  // An upstream asks by keys of its own.
  const keys = source === 'upstream' ? Object.keys(questions) : []
  return [...within(paused), ...keys.map((key) => [key, '', key] as const)]
}
