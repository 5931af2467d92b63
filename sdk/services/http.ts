import { type Token, token } from '../token.ts'

/** What to send, and how much to put up with. */
export interface HttpOptions {
  /** `GET` when left out. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Milliseconds for everything, redirects and body included; 10 s when left out. */
  readonly timeoutMs?: number
  /** The largest body, in bytes; 1 MiB when left out. */
  readonly maxBytes?: number
  /** How many redirects to follow, each under the same rules; 3 when left out. 0 answers with the redirect. */
  readonly redirects?: number
  /** Aborting it ends the request; the promise rejects with its reason. */
  readonly signal?: AbortSignal
}

/** An answer, read to its end. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; what was sent several times is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the answer came from, after redirects. */
  readonly url: string
  /** The body as UTF-8. */
  text(): string
  /** The body as JSON. @throws ServiceError `NOT_JSON` */
  json(): unknown
}

/**
 * Requests to the outside that cannot be led inside: https only, and no address of a private, loopback,
 * link-local or otherwise special network, wherever a name or a redirect points. The address that was
 * judged is the address that is connected to. Operators allow more with `egress.allow`.
 *
 * An HTTP status is an answer, not an error. Rejects with ServiceError: `EGRESS_REFUSED` (says which rule
 * and which setting), `TIMEOUT`, `TOO_LARGE`, `TOO_MANY_REDIRECTS`, `UNREACHABLE`.
 */
export interface Http {
  request(url: string | URL, options?: HttpOptions): Promise<HttpAnswer>
}
/** The service of that name. */
export const Http: Token<Http> = token<Http>('Http')
