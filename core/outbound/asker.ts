import type { CredentialsQuery } from '../../sdk/index.ts'
import type { Round } from '../kernel/round.ts'

/** For whom a server is contacted; nobody of either when the gateway itself does. */
export type Asker = Pick<CredentialsQuery, 'caller' | 'call'>

/** Whoever makes a call. */
export function askerOf(round: Round): Asker {
  return { caller: round.caller, call: round }
}

/** What credentials for a call are asked with. */
export function callQuery(upstream: string, round: Round): CredentialsQuery {
  return { ...askerOf(round), upstream, purpose: 'call' }
}
