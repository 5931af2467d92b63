import { isPromise } from '../../core/hooks/hooks.ts'
import type { Exchange } from '../../core/kernel/ports.ts'
import type { Call, Event, Maybe, Outcome, PluginFailed } from '../index.ts'
import type { CallerParts } from './request.ts'

/** What a test may say about one call. */
export interface CallOptions {
  /** `tools/call` when left out. Of `resources/read` the name is the URI. */
  readonly method?: Call['method']
  readonly caller?: CallerParts
  /** The request's `_meta`. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** Aborting it is the caller's cancellation. */
  readonly cancel?: AbortSignal
}

/** How to come back to a question otherwise than as it was asked: what a client must not get away with. */
export interface AnswerOptions {
  readonly caller?: CallerParts
  readonly name?: string
  readonly args?: Readonly<Record<string, unknown>>
}

/** How a call ended, for a person; what a plugin threw included. */
export function describe(events: readonly Event[], outcome: Outcome): string {
  if (outcome.kind === 'result') return `result ${JSON.stringify(outcome.result)}`
  if (outcome.kind === 'cancelled') return `cancelled ${outcome.reason}`
  if (outcome.kind === 'question') return `question ${JSON.stringify(outcome.questions)}`
  const failed = failureBehind(events, outcome)
  const cause =
    failed === undefined
      ? ''
      : ` (plugin ${failed.plugin}, hook ${failed.hook}: ${String(failed.cause)})`
  return `${outcome.kind} ${outcome.code}, ${outcome.message}${cause}`
}

/** The error that a call ended otherwise than expected; its `cause` is what a plugin threw. */
export function unexpected(text: string, events: readonly Event[], outcome: Outcome): Error {
  const failed = failureBehind(events, outcome)
  const options = failed === undefined ? {} : { cause: failed.cause }
  return new Error(`${text}: ${describe(events, outcome)}`, options)
}

function failureBehind(events: readonly Event[], outcome: Outcome): PluginFailed | undefined {
  if (outcome.kind !== 'failure' || outcome.code !== 'PLUGIN_FAILED') return undefined
  return events.findLast((event) => event.type === 'plugin.failed')
}

/** Lets a signal cancel the call for as long as it runs. */
export async function cancellable(
  running: Maybe<Outcome>,
  exchange: Exchange,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  if (signal === undefined || !isPromise(running)) return running
  const cancel = () => exchange.round?.cancel(String(signal.reason))
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  try {
    return await running
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
