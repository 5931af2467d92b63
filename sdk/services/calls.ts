import type { Call } from '../call.ts'
import type { Caller } from '../caller.ts'
import type { EntryKind } from '../entry.ts'
import type { Maybe, PermittedEntry } from '../hooks.ts'
import type { Outcome } from '../outcome.ts'
import { type Token, token } from '../token.ts'

/** How a call is made from inside. */
export interface NestedOptions {
  /** The call it is made for. Cancelling that one cancels it; its client is asked its questions. */
  readonly parent: Call
}

/** What a list from inside holds. */
export interface NestedListOptions {
  /** Tools only when left out. */
  readonly kinds?: readonly EntryKind[]
  /**
   * Whose `present` shows the entries: every plugin's, as the caller itself lists them, every other
   * plugin's, or nobody's, which is the default.
   */
  readonly present?: 'all' | 'others' | 'none'
}

/** Calls and lists as the caller itself would: through every hook, filters and limits included. */
export interface Calls {
  /**
   * Calls a tool by the name clients use. Never rejects. A question comes back as an outcome: returning
   * it from an offered tool asks the client, and the same call made again goes on with the answers; in
   * `afterCall` nobody can be asked. A tool that asked runs again from its beginning: calls it made before
   * the one that asks are made again, with their own answers. At most 8 deep, and never the same call
   * inside itself.
   */
  call(
    caller: Caller,
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: NestedOptions,
  ): Maybe<Outcome>
  /** What this caller may call. Rejects when a filter or a presentation fails. */
  list(caller: Caller, options?: NestedListOptions): Maybe<readonly PermittedEntry[]>
}
/** The service of that name. */
export const Calls: Token<Calls> = token<Calls>('Calls')
