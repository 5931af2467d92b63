import type { Failure, UpstreamStatus } from '../../sdk/index.ts'

/** What a call to an upstream that is not ready ends with. @param now milliseconds since the epoch */
export function unavailable(id: string, status: UpstreamStatus, now: number): Failure {
  const { error, nextAttempt, state, httpStatus } = status
  const retryAfterMs = Math.max(0, Math.round((nextAttempt ?? now) - now))
  const mend = state === 'auth-required' ? 'Tell the operator of this gateway, or try' : 'Try'
  const lacking =
    httpStatus === undefined
      ? 'cannot be given credentials'
      : 'refuses the credentials of this gateway'
  const how = state === 'auth-required' ? lacking : 'is down'
  return {
    kind: 'failure',
    code: 'UNAVAILABLE',
    message: `${id} ${how}: ${error ?? state}`,
    hint: `${mend} again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s.`,
    retryAfterMs,
    executed: false,
  }
}
