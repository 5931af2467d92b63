import type { UpstreamStatus } from '../../sdk/index.ts'
import { messageOf, Refused } from '../hooks/errors.ts'
import { ConnectError, type Link } from './link.ts'

/** What an upstream's status says of its server. */
export type Evidence = Pick<
  UpstreamStatus,
  'era' | 'transport' | 'protocolVersion' | 'server' | 'found'
>

/** What an open link shows of its server. */
export function evidence({ facts, transport }: Link): Evidence {
  const { era, protocolVersion, server, found } = facts
  return { era, transport, protocolVersion, ...(server === undefined ? {} : { server }), found }
}

/** The status of an upstream that is not there now, with what was last seen of it. */
export function downStatus(
  last: UpstreamStatus,
  cause: unknown,
  now: Required<Pick<UpstreamStatus, 'tools' | 'nextAttempt'>>,
  stderr: readonly string[] | undefined,
): UpstreamStatus {
  const httpStatus = cause instanceof ConnectError ? cause.httpStatus : undefined
  const { era, transport, protocolVersion, server, found } = last
  // A plugin that has no credentials to give says nothing of the server: it was not even asked.
  const lacksCredentials = httpStatus === 401 || httpStatus === 403 || cause instanceof Refused
  return {
    state: lacksCredentials ? 'auth-required' : 'down',
    era,
    ...(transport === undefined ? {} : { transport }),
    ...(protocolVersion === undefined ? {} : { protocolVersion }),
    ...(server === undefined ? {} : { server }),
    ...(found === undefined ? {} : { found }),
    ...now,
    error: messageOf(cause),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(stderr === undefined ? {} : { stderr }),
  }
}
