import type { Caller } from './caller.ts'
import type { Entry, Target } from './entry.ts'
import type { Question } from './question.ts'

/** One request aimed at an entry, as plugins see it. The same object from `beforeCall` to `afterCall`. */
export interface Call {
  /** Unique within this gateway process. */
  readonly id: string
  readonly method: 'tools/call' | 'prompts/get' | 'resources/read' | 'completion/complete'
  readonly caller: Caller
  readonly entry: Entry
  /** The targets of the entry that this caller may use. */
  readonly candidates: readonly Target[]
  /**
   * Where it goes; `undefined` while several candidates are left and no shaper has chosen. In a guard only where a
   * shaper answered such a call.
   */
  readonly target: Target | undefined
  /**
   * The arguments as they stand now; of `resources/read` the `uri`, of `completion/complete` `ref`,
   * `argument` and `context`. Plain JavaScript values; never change
   * them in place.
   */
  readonly args: Readonly<Record<string, unknown>>
  /**
   * Whose credentials the upstream will see: the `identity` of the target, `""` when it is shared by
   * all callers. Anything stored about a result must be keyed by it.
   * @throws TypeError while `target` is undefined and upstreams have identities
   */
  readonly audience: string
  /** 0 for a client's call; one more for each call around it that a plugin makes with `Calls`. */
  readonly depth: number
  /** The request's `_meta`, without the keys the protocol reserves for the envelope. */
  readonly meta: Readonly<Record<string, unknown>>
  /** Aborted when the caller cancels or goes away. Made when first read. */
  readonly signal: AbortSignal
  /**
   * Whether this plugin's `beforeCall` is reached for the first time in this call. A call that asks runs
   * again from its beginning: what counts calls counts then.
   */
  readonly first: boolean
  /**
   * Whether this is only to find out what the plugin would say: nothing it returns is applied. What it keeps
   * in `KeyValue` is kept apart; what it keeps elsewhere, for example in `Database`, it must leave alone.
   */
  readonly dry: boolean
  /**
   * Every answer so far to this plugin's own questions, by its own keys, as the client sent them: of an elicitation
   * `{ action: 'accept' | 'decline' | 'cancel', content? }`, `content` not held to `requestedSchema`.
   */
  readonly answers: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /**
   * Whether this caller can be asked: it declared the capability, which handshake clients do for their
   * session. Always false in
   * `afterCall`.
   * @param mode of an elicitation; `form` when left out
   */
  canAsk(method: Question['method'], mode?: 'form' | 'url'): boolean
  /**
   * Runs when this round of the call is over, however it ended, also with a question; at once if it
   * already is. For what a plugin holds while a call runs: a slot, a lock, a timer.
   */
  onEnd(run: () => void): void
}
