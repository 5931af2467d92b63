import type { CredentialsQuery } from '../../sdk/index.ts'
import type { Round } from '../kernel/round.ts'

/** For whom a server is contacted; nobody of either when the gateway itself does. */
export interface Asker extends Pick<CredentialsQuery, 'caller' | 'call'> {
  /** What the clients of the link can be asked, as JSON; nothing when left out. */
  readonly capabilities?: string
}

/** Whoever makes a call. @param capabilities what the link's session may ask, as JSON */
export function askerOf(round: Round, capabilities: string): Asker {
  return { caller: round.caller, call: round, capabilities }
}

/** What credentials for a call are asked with. */
export function callQuery(upstream: string, round: Round): CredentialsQuery {
  return { caller: round.caller, call: round, upstream, purpose: 'call' }
}
