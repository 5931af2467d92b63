import type { Maybe, Outcome } from '../../sdk/index.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import type { Vault } from '../kernel/ports.ts'
import type { Round } from '../kernel/round.ts'
import { callQuery } from './asker.ts'
import type { FlatHeaders } from './call-host.ts'
import type { Lost } from './link.ts'

/** What the calls to one upstream ask of the kernel. */
export class CallVault {
  readonly #upstream: string
  readonly #vault: Vault

  /** @param upstream its id */
  constructor(upstream: string, vault: Vault) {
    this.#upstream = upstream
    this.#vault = vault
  }

  /** What becomes of a call whose upstream asks. */
  asked(round: Round, ask: UpstreamAsk): Maybe<Outcome> {
    return this.#vault.asked(round, ask)
  }

  /** Asks for credentials anew. */
  credentials(round: Round): Maybe<FlatHeaders> {
    return this.#vault.credentials(callQuery(this.#upstream, round))
  }

  /** Whether the upstream's refusal can be mended. @param headers the credentials that were sent */
  refused(round: Round, why: Lost, headers: FlatHeaders): Maybe<'retry' | Outcome | undefined> {
    const query = callQuery(this.#upstream, round)
    return this.#vault.refused(query, why.httpStatus ?? 401, why.challenge, headers)
  }
}
