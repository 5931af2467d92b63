import type {
  AttemptSpan,
  Caller,
  Client,
  CredentialsQuery,
  Entry,
  Failure,
  Maybe,
  OperationSpan,
  Outcome,
  Principal,
} from '../../sdk/index.ts'
import type { Discovery, EntryMethod } from '../catalog/ports.ts'
import type { Members } from '../wire/json.ts'
import type { UpstreamAsk } from './pauses.ts'
import type { OpenCall, Round } from './round.ts'

/** A client's request for an entry, as a wire hands it to the kernel. */
export interface CallRequest {
  readonly method: EntryMethod
  /** The source text of the JSON-RPC id, where a client sent one. */
  readonly id?: string | undefined
  /** The entry's name; of a resource the URI. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  /** The request body; `params` and `argsAt` point into it. */
  readonly text: string
  readonly params: Members
  /** Where the source of `args` starts in `text`; -1 when the client sent none, or they are no such object. */
  readonly argsAt: number
  /** `_meta` as it came, envelope included. */
  readonly meta: Readonly<Record<string, unknown>>
  /** From which level on the client wants log messages of this call; none when left out. */
  readonly logLevel?: string | undefined
  /** `requestState`: the paused call that this one goes on with. */
  readonly state?: string | undefined
  /** `inputResponses`. */
  readonly responses?: Readonly<Record<string, unknown>> | undefined
  /** Their source text, where the request's own text does not hold them. */
  readonly responsesText?: string
  /** What the client would not answer: the source text of its JSON-RPC errors, by question. */
  readonly refusals?: Readonly<Record<string, string>> | undefined
}

/** The client's side of one call: made by a wire, used by the kernel and the outbound room. */
export interface Exchange {
  readonly wire: string
  readonly requestId: string
  readonly sessionId: string | undefined
  /** The HTTP request's headers, for `forwardHeaders`. Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Sends a JSON-RPC notification, as text, before the answer. */
  message(text: string): void
  /** Set by the kernel once the call runs: what to cancel when the client goes away. */
  round: Round | undefined
  /** The trace it belongs to, when somebody traces. */
  operation?: OperationSpan | undefined
}

/** Whoever traces calls. Never throws, never rejects. */
export interface Traces {
  /** Runs a call, or a round of it, as one operation. @param run never throws, never rejects */
  around(
    request: CallRequest,
    caller: Caller,
    exchange: Exchange,
    run: () => Maybe<Outcome>,
  ): Maybe<Outcome>
  /** The round is sent for the nth time. */
  attempt(round: Round, n: number): AttemptSpan | undefined
}

/** The upstreams, as the kernel sees them. */
export interface Servers extends Discovery {
  /** The extensions of connected upstreams that clients are to know of, with their settings; `{}` for none. */
  extensions(): Readonly<Record<string, unknown>>
  /**
   * Sends the round to its target and answers with what came back. Never rejects.
   * @param headers what `credentials` gave for this identity
   */
  send(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome>
}

/** What a held call is answered: members of a JSON-RPC response behind its id, by question. */
export type HeldAnswers = Readonly<Record<string, string>>

/** How the part of a held call ends that one round waits for. Texts are JSON as the server wrote it. */
export type HeldEnd =
  | { readonly kind: 'result' | 'error'; readonly text: string }
  /** It asks again. The handle is good for its next round. */
  | { readonly kind: 'asked'; readonly ask: UpstreamAsk }
  | { readonly kind: 'lost'; readonly message: string; readonly executed: Outcome['executed'] }
  | { readonly kind: 'late'; readonly message: string }

/** The round that waits for a held call. */
export interface HeldSide {
  /** A notification of the server's, as it came. */
  message(text: string): void
  /** Once, and nothing after it. */
  ended(end: HeldEnd): void
}

/**
 * A call whose server has asked, and waits for the answer with its request open (handshake revisions). It
 * outlives the round in which it asked.
 */
export interface HeldCall {
  /** Goes on: the answers go to the server, and what it says from now on to this side. */
  resume(answers: HeldAnswers, side: HeldSide): void
  /** Nobody wants it any more: the server is told. Idempotent. */
  cancel(reason: string): void
}

/** Keeps held calls until somebody comes back to them, in this replica or another. */
export interface HeldCalls {
  /**
   * Keeps one for its principal.
   * @returns the handle that comes back in the sealed state; `undefined` when too many are held
   */
  hold(call: HeldCall, principal: Principal): string | undefined
  /**
   * Goes on with a call, wherever it is held. The side is told of everything, also that there is no such call.
   * @returns cancels it
   */
  resume(handle: string, answers: HeldAnswers, side: HeldSide): OpenCall
  /** Its client will not come back. Does nothing for one that somebody has come back to. */
  release(handle: string, reason: string): void
  /** A call that is held here has ended meanwhile. */
  over(call: HeldCall): void
  /** Runs once if the call ends while it is held here. */
  whenOver(handle: string, run: () => void): void
}

/** What the outbound room asks of the kernel. */
export interface Vault {
  /** Headers for an upstream: `undefined` when no plugin has any. Rejects with HookError or {@link Refused}. */
  credentials(query: CredentialsQuery): Maybe<Readonly<Record<string, string>> | undefined>
  /** The round waits: what its upstream asks goes to the client's side. */
  asked(round: Round, ask: UpstreamAsk): Maybe<Outcome>
  /**
   * Whether to ask again and retry after a refusal of our credentials, or how the call ends.
   * @param headers the credentials that were refused, where that is known
   */
  refused(
    query: CredentialsQuery,
    httpStatus: number,
    challenge: string | undefined,
    headers?: Readonly<Record<string, string>>,
  ): Maybe<'retry' | Outcome | undefined>
}

/** Somebody whose list may change: told so, once per change of the catalog or of a policy. */
export interface ListWatcher {
  readonly caller: Caller
  listsMayHaveChanged(): void
}

/**
 * What the eras of the protocol say differently about one thing, and what older revisions cannot say. Filled
 * in by the bridge.
 */
export interface Shapes {
  /** A definition as clients of that era read it; `text` itself where they read the same. */
  definition(entry: Entry, text: string, era: Client['era']): string
  /**
   * A result as a client of that revision can read it; `text` itself where it can as it is.
   * @param entry what was asked for, where that is known
   */
  result(
    method: EntryMethod,
    entry: Entry | undefined,
    result: Readonly<Record<string, unknown>>,
    text: string,
    version: string,
  ): string
  /**
   * What a client of that revision is told in place of a server's error that it does not know; `undefined`
   * where it knows it. A member of a tool's result: what the model reads.
   */
  unknownError(error: NonNullable<Failure['error']>, client: Client): string | undefined
}

/** Turns facts into text that only this gateway (or a replica with the same keys) can make and read. */
export interface Sealer {
  /** @param purpose bound to the seal: text sealed for one purpose opens for no other */
  seal(facts: string, purpose: string): string
  /** The facts, or `undefined` for anything that was not sealed here for this purpose. */
  open(text: string, purpose: string): string | undefined
}

/** Why arguments do not fit, with the path; `undefined` when they do. */
export type ArgumentCheck = (args: Readonly<Record<string, unknown>>) => string | undefined
