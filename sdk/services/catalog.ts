import type { Entry } from '../entry.ts'
import { type Token, token } from '../token.ts'

/** The entries behind all lists, before any caller's filter. */
export interface Catalog {
  /** Grows by one with every real change. */
  readonly revision: number
  /** What everybody's upstreams offer; what only some identities see is not among them. */
  readonly entries: readonly Entry[]
  /**
   * Says that `listFilter` or `present` would answer differently now. Callers are asked again, and
   * those whose list really changed are told.
   * @param scope only the callers of this principal; everybody when left out
   */
  invalidate(scope?: { readonly issuer: string; readonly subject: string }): void
}
/** The service of that name. */
export const Catalog: Token<Catalog> = token<Catalog>('Catalog')
