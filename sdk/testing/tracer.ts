import type { Call, OperationSpan, Outcome, Tracer } from '../index.ts'
import { deepFreeze, frozenArgument } from './freeze.ts'

/** The tracer, receiving everything frozen, and calls as the contract describes them. */
export function frozenTracer(tracer: Tracer): Tracer {
  /** What it gets back is what it made. */
  const made = new WeakMap<object, OperationSpan>()
  const own = (span: OperationSpan | undefined) => span && (made.get(span) ?? span)
  return {
    operation(request, incoming, outer) {
      const span = tracer.operation(deepFreeze(request), deepFreeze(incoming), own(outer))
      // What is no span goes on as it is: the gateway judges it.
      if (typeof span?.end !== 'function') return span
      const end = (outcome: Outcome, call?: Call) =>
        span.end(deepFreeze(outcome), ...(call === undefined ? [] : [frozenArgument(call) as Call]))
      const frozen = { end }
      made.set(frozen, span)
      return frozen
    },
    attempt(call, target, n, parent) {
      const seen = frozenArgument(call) as Call
      const span = tracer.attempt(seen, deepFreeze(target), n, own(parent))
      if (typeof span?.end !== 'function') return span
      const { meta, headers } = span
      return {
        ...(meta === undefined ? {} : { meta }),
        ...(headers === undefined ? {} : { headers }),
        end: (outcome) => span.end(deepFreeze(outcome)),
      }
    },
  }
}
