import type {
  AttemptSpan,
  Caller,
  Maybe,
  OperationSpan,
  Outcome,
  Target,
  TraceContext,
  Tracer,
} from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { NestedExchange } from '../kernel/nested.ts'
import type { CallRequest, Exchange, Traces } from '../kernel/ports.ts'
import type { Round } from '../kernel/round.ts'
import { isObject } from '../wire/json.ts'

const CONTEXT = ['traceparent', 'tracestate', 'baggage'] as const
const NOTHING: TraceContext = Object.freeze({})
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** What a header's value may be, without what could begin another one. */
const VALUE = /^[\t\x20-\x7e]*$/

type Given = { readonly [K in (typeof CONTEXT)[number]]?: unknown }

/** Calls as a plugin's tracer sees them. Whatever that does, no call is harmed. */
export class PluginTraces implements Traces {
  readonly #tracer: Tracer
  readonly #failed: (cause: unknown) => void

  /** @param failed told of what the tracer throws, and of what it may not return */
  constructor(tracer: Tracer, failed: (cause: unknown) => void) {
    this.#tracer = tracer
    this.#failed = failed
  }

  around(
    request: CallRequest,
    caller: Caller,
    exchange: Exchange,
    run: () => Maybe<Outcome>,
  ): Maybe<Outcome> {
    const operation = this.#operation(request, caller, exchange)
    exchange.operation = operation
    const outcome = run()
    if (operation === undefined) return outcome
    if (!isPromise(outcome)) return this.#end(operation, outcome, exchange)
    return outcome.then((settled) => this.#end(operation, settled, exchange))
  }

  attempt(round: Round, n: number): AttemptSpan | undefined {
    const { operation } = round.exchange
    let made: AttemptSpan | undefined
    try {
      made = this.#judged(this.#tracer.attempt(round, round.target as Target, n, operation))
    } catch (cause) {
      return this.#fail(cause)
    }
    return made === undefined ? undefined : new SafeAttempt(made, this.#failed)
  }

  #operation(
    { method, id, name, meta }: CallRequest,
    caller: Caller,
    exchange: Exchange,
  ): OperationSpan | undefined {
    const { wire, requestId, sessionId, headers } = exchange
    const request = { method, name, caller, wire, requestId, sessionId, rpcId: id }
    const outer = exchange instanceof NestedExchange ? exchange.parent.exchange : undefined
    const incoming =
      outer !== undefined
        ? NOTHING
        : contextOf(typeof meta.traceparent === 'string' ? meta : headers)
    try {
      return this.#judged(this.#tracer.operation(request, incoming, outer?.operation))
    } catch (cause) {
      return this.#fail(cause)
    }
  }

  #end(operation: OperationSpan, outcome: Outcome, { round }: Exchange): Outcome {
    try {
      const ended: unknown =
        round === undefined ? operation.end(outcome) : operation.end(outcome, round)
      if (isPromise(ended)) refuse(ended)
    } catch (cause) {
      this.#fail(cause)
    }
    return outcome
  }

  /** @throws TypeError for what is no span */
  #judged<S extends { end: unknown }>(made: S | undefined | null): S | undefined {
    if (made === undefined || made === null) return undefined
    if (isPromise<unknown>(made)) refuse(made)
    if (typeof made.end === 'function') return made
    throw new TypeError('returned something that has no `end`')
  }

  #fail(cause: unknown): undefined {
    this.#failed(cause)
    return undefined
  }
}

/** A tracer's attempt: what it has to send, read once and judged. */
class SafeAttempt implements AttemptSpan {
  readonly meta?: TraceContext
  readonly headers?: Readonly<Record<string, string>>
  readonly #span: AttemptSpan
  readonly #failed: (cause: unknown) => void

  constructor(span: AttemptSpan, failed: (cause: unknown) => void) {
    this.#span = span
    this.#failed = failed
    try {
      const { meta } = span
      if (meta !== undefined) this.meta = metaOf(meta)
    } catch (cause) {
      failed(cause)
    }
    try {
      const { headers } = span
      if (headers !== undefined) this.headers = headersOf(headers)
    } catch (cause) {
      failed(cause)
    }
  }

  end(outcome: Outcome): void {
    try {
      const ended: unknown = this.#span.end(outcome)
      if (isPromise(ended)) refuse(ended)
    } catch (cause) {
      this.#failed(cause)
    }
  }
}

/** @throws TypeError */
function refuse(promise: Promise<unknown>): never {
  // Nobody waits for it; unheard it would end the process when it rejects.
  promise.catch(() => {})
  throw new TypeError('returned a promise')
}

/** The members of a trace context that are there. */
function contextOf({ traceparent, tracestate, baggage }: Given): TraceContext {
  const parent = typeof traceparent === 'string'
  if (!parent && typeof tracestate !== 'string' && typeof baggage !== 'string') return NOTHING
  const found: { -readonly [K in keyof TraceContext]: TraceContext[K] } = {}
  if (parent) found.traceparent = traceparent
  if (typeof tracestate === 'string') found.tracestate = tracestate
  if (typeof baggage === 'string') found.baggage = baggage
  return found
}

/** @throws TypeError for what is not text */
function metaOf(meta: unknown): TraceContext {
  const given: Given = isObject(meta) ? meta : {}
  for (const name of CONTEXT) {
    if (given[name] !== undefined && typeof given[name] !== 'string') {
      throw new TypeError('returned a `meta` that is not text')
    }
  }
  return contextOf(given)
}

/** @throws TypeError for what cannot stand in headers */
function headersOf(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const all = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  for (const [name, value] of all) {
    if (!NAME.test(name) || typeof value !== 'string' || !VALUE.test(value)) {
      throw new TypeError(`returned a header \`${name}\` that cannot be sent`)
    }
  }
  return Object.fromEntries(all)
}
