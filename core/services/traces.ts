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
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** What a header's value may be, without what could begin another one. */
const VALUE = /^[\t\x20-\x7e]*$/

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
    const made = this.#safely(() =>
      this.#tracer.attempt(round, round.target as Target, n, operation),
    )
    const span = this.#safely(() => spanOf(made))
    if (span === undefined) return undefined
    const [meta, headers] = [this.#safely(() => metaOf(span)), this.#safely(() => headersOf(span))]
    return {
      ...(meta === undefined ? {} : { meta }),
      ...(headers === undefined ? {} : { headers }),
      end: (outcome) => this.#safely(() => span.end(outcome)),
    }
  }

  #operation(
    { method, name, meta }: CallRequest,
    caller: Caller,
    exchange: Exchange,
  ): OperationSpan | undefined {
    const { wire, requestId, sessionId, headers } = exchange
    const request = { method, name, caller, wire, requestId, sessionId }
    const outer = exchange instanceof NestedExchange ? exchange.parent.exchange : undefined
    const incoming =
      outer !== undefined ? {} : contextOf(typeof meta.traceparent === 'string' ? meta : headers)
    const made = this.#safely(() => this.#tracer.operation(request, incoming, outer?.operation))
    return this.#safely(() => spanOf(made))
  }

  #end(operation: OperationSpan, outcome: Outcome, { round }: Exchange): Outcome {
    this.#safely(() => operation.end(outcome, ...(round === undefined ? [] : [round])))
    return outcome
  }

  #safely<T>(run: () => T): T | undefined {
    try {
      const value = run()
      if (!isPromise<unknown>(value)) return value
      // Nobody waits for it; unheard it would end the process when it rejects.
      value.catch(() => {})
      throw new TypeError('returned a promise')
    } catch (cause) {
      this.#failed(cause)
      return undefined
    }
  }
}

/** @throws TypeError for what is no span */
function spanOf<S extends { end: unknown }>(value: S | undefined | null): S | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value.end === 'function') return value
  throw new TypeError('returned something that has no `end`')
}

/** The members of a trace context that are there. */
function contextOf(from: Readonly<Record<string, unknown>>): TraceContext {
  const found = CONTEXT.filter((name) => typeof from[name] === 'string')
  return Object.fromEntries(found.map((name) => [name, from[name]]))
}

/** @throws TypeError for what is not text */
function metaOf({ meta }: AttemptSpan): TraceContext | undefined {
  if (meta === undefined) return undefined
  const given = CONTEXT.filter((name) => isObject(meta) && meta[name] !== undefined)
  if (given.every((name) => typeof meta[name] === 'string')) return contextOf({ ...meta })
  throw new TypeError('returned a `meta` that is not text')
}

/** @throws TypeError for what cannot stand in headers */
function headersOf({ headers }: AttemptSpan): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return undefined
  const all = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  for (const [name, value] of all) {
    if (!NAME.test(name) || typeof value !== 'string' || !VALUE.test(value)) {
      throw new TypeError(`returned a header \`${name}\` that cannot be sent`)
    }
  }
  return Object.fromEntries(all)
}
