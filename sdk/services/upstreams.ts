import type { UpstreamStatus } from '../events.ts'
import { type Token, token } from '../token.ts'

/** The configured upstreams. Unknown ids throw ServiceError `NO_UPSTREAM`. */
export interface Upstreams {
  /** How each is doing, by id, in config order. */
  status(): Readonly<Record<string, UpstreamStatus>>
  /** Where its server is reached over HTTP; `undefined` for a server on pipes. */
  address(id: string): { readonly host: string; readonly port: number } | undefined
  /** Reads its list again, soon. Does nothing while it is not connected. */
  refresh(id: string): void
  /** Connects anew, now; calls under way end on the old connection. Resolves when `status` tells how it went. */
  reconnect(id: string): Promise<void>
}
/** The service of that name. */
export const Upstreams: Token<Upstreams> = token<Upstreams>('Upstreams')
