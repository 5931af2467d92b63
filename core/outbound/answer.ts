import type { Failure, Outcome } from '../../sdk/index.ts'
import { RelayedResult } from '../kernel/outcome.ts'
import type { Round } from '../kernel/round.ts'
import { editMembers, isObject } from '../wire/json.ts'
import { NEWEST_LEGACY } from '../wire/protocol.ts'
import type { CallLimits } from './call-host.ts'
import type { Message } from './link.ts'
import { isWanted } from './log-level.ts'
import { textOf } from './message.ts'
import { progressToken } from './outgoing.ts'

/** Known to one revision only: what a URL was opened for is done. */
const URL_DONE = 'notifications/elicitation/complete'

/** What an upstream's result means for the call; questions in it are read before. @param upstream its id */
export function resultOf(upstream: string, result: unknown, text: string | undefined): Outcome {
  if (!isObject(result) || text === undefined) {
    return failure(
      upstream,
      'UNAVAILABLE',
      'answered with a result that is not an object',
      'unknown',
    )
  }
  const { resultType } = result
  if (resultType === undefined || resultType === 'complete') return new RelayedResult(result, text)
  const said = JSON.stringify(resultType).slice(0, 100)
  const what = `wants something this gateway did not offer (${said})`
  return failure(upstream, 'UNAVAILABLE', what, true)
}

/** Why a call ends that has taken too long. @param isOver in all; else without a sign of life */
export function lateness({ timeout, totalTimeout = 0 }: CallLimits, isOver: boolean): string {
  const seconds = Math.round((isOver ? totalTimeout : timeout) / 1000)
  return isOver ? `took longer than ${seconds} s` : `was silent for ${seconds} s`
}

/** An upstream that gave no answer. @param upstream its id */
export function failure(
  upstream: string,
  code: 'UNAVAILABLE' | 'TIMEOUT',
  message: string,
  executed: Outcome['executed'],
): Failure {
  const hint =
    executed === false ? 'Try again later.' : 'Check whether it was done before trying again.'
  return { kind: 'failure', code, message: `${upstream}: ${message}`, hint, executed }
}

/** Passes a notification of a call on to its client, if it wanted it. */
export function relayMessage(round: Round, message: Message): void {
  const { caller, exchange, request } = round
  const { method } = message.value
  if (method === 'notifications/progress' && request.meta.progressToken !== undefined) {
    const params = editMembers(textOf(message, 'params') ?? '{}', 0, {
      progressToken: progressToken(round),
    })
    exchange.message(`{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`)
  } else if (method === 'notifications/message' && request.logLevel !== undefined) {
    if (isWanted(message, request.logLevel)) exchange.message(message.text)
  } else if (method === URL_DONE && caller.client.protocolVersion === NEWEST_LEGACY) {
    exchange.message(message.text)
  }
}
