import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'koa'
import type { Call } from './call.ts'
import type { Caller, Principal } from './caller.ts'
import type { Entry, EntryKind, Target } from './entry.ts'
import type { CallFinished, CallRound, Event, Listed } from './events.ts'
import type { Message, MessageContext } from './message.ts'
import type { OfferedPrompt, OfferedResource, OfferedTool } from './offered.ts'
import type { Answer, Change, Denial, Outcome } from './outcome.ts'
import type { Ask } from './question.ts'
import type { Schema } from './schema.ts'

/** A value now, or a promise of it. Hooks that return values directly cost almost nothing. */
export type Maybe<T> = T | Promise<T>

/** A request as auth plugins see it, before its body is read. */
export interface AuthRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string | undefined
  readonly requestId: string
}

/** A caller that an auth plugin vouches for. */
export interface Authenticated {
  /**
   * Return the same object for the same credentials: the gateway keeps what it knows of a caller per
   * principal object.
   */
  readonly principal: Principal
  /** When the credentials end, in milliseconds since the epoch. */
  readonly until?: number
}

/** One `WWW-Authenticate` challenge (RFC 9110, 11.6.1). */
export interface Challenge {
  readonly scheme: string
  readonly params?: Readonly<Record<string, string>>
}

/** Why an entry is not permitted. */
export interface Refusal {
  readonly rule: string
  readonly reason: string
  /** Scopes that would permit it: offered to the caller if every candidate is refused. */
  readonly scopes?: readonly string[]
}

/** What one caller may use. */
export interface Filter {
  /** Same key = same answers of `test`: lists are computed once per key. */
  readonly key: string
  /** When to ask again, in milliseconds since the epoch. */
  readonly until?: number
  /** Asked per candidate, for lists and for calls alike. Pure and synchronous. */
  test(entry: Entry, target: Target): true | Refusal
}

/** An entry with the targets one caller may use. */
export interface PermittedEntry<K extends EntryKind = EntryKind> extends Entry<K> {
  readonly candidates: readonly Target[]
}

/** How permitted entries are shown to one caller. Lists only: what is dropped here stays callable. */
export interface Presentation {
  /** Same key and same permitted entries = same result of `apply`. */
  readonly key: string
  /** When to ask again, in milliseconds since the epoch. */
  readonly until?: number
  apply(entries: readonly PermittedEntry[]): readonly PermittedEntry[]
}

/** Which upstream `identity` is asked for. */
export interface IdentityQuery {
  readonly upstream: string
  readonly caller: Caller
}

/** What credentials are wanted for. */
export interface CredentialsQuery {
  readonly upstream: string
  readonly purpose: 'discover' | 'call' | 'listen'
  /** Absent when the gateway itself contacts the upstream. */
  readonly caller?: Caller
  readonly call?: Call
}

/** Credentials for an upstream. Return the same `headers` object for the same headers: it is prepared once. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
}

/** An upstream's refusal of our credentials. */
export interface RefusedQuery extends CredentialsQuery {
  readonly httpStatus: number
  /** Its `WWW-Authenticate` header. Untrusted text. */
  readonly challenge: string | undefined
  /**
   * The very object of `credentials` that was refused; absent when there was none, or it is not known. Another than
   * the one at hand: it has been renewed since, and a retry may do.
   */
  readonly headers?: Credentials['headers']
}

/** An HTTP route of a plugin, on the gateway's own port or its admin door. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A path pattern of `@koa/router`. */
  readonly path: string
  /**
   * `authenticated` (default): `ctx.state.principal` is set. `public`: anybody. `admin`: served by the
   * admin door and only there, to whoever may use it; `ctx.state.principal` is set.
   */
  readonly access?: 'authenticated' | 'public' | 'admin'
  handle(ctx: Context): Maybe<void>
}

/** Where a plugin registers its routes. */
export interface Routes {
  add(route: Route): void
}

/** What `health` reports. */
export interface Health {
  readonly ok: boolean
  readonly detail?: string
}

/** Who runs a command. */
export interface CommandContext {
  /** The caller of the admin door; the local operator when the command runs offline. */
  readonly principal: Principal
}

/** A verb of a plugin for operators: `patchbay <plugin line id> <command> [arguments as JSON]`. */
export interface Command {
  /** What it does, in one line. */
  readonly description: string
  /** Of type object, as strict as settings are; without it the command takes no arguments. */
  readonly args?: Schema
  /** Whether it also runs while the gateway does not: after `setup`, without `start`. */
  readonly offline?: boolean
  /** `args` passed the schema, with defaults filled in. An object is printed as a table, or as JSON. */
  run(args: Readonly<Record<string, unknown>>, context: CommandContext): Maybe<object | string>
}

/** What a plugin's `setup` returns: any of these, and nothing else. */
export interface Hooks {
  /**
   * Kind: fold. Each entry as it arrives from an upstream: nothing keeps it, an entry replaces it, an
   * array replaces it by several or none. A failure leaves the entry out.
   */
  onRegister?(entry: Entry): Maybe<undefined | Entry | readonly Entry[]>
  /**
   * Kind: fold, synchronous, pure. The whole catalog after any change. Two entries of one kind and name are both
   * left out, and told as a failure; any other failure keeps the catalog as it was.
   */
  arrange?(entries: readonly Entry[]): readonly Entry[]
  /** Kind: all must agree. What this caller may list and call. A failure permits nothing. */
  listFilter?(caller: Caller): Maybe<undefined | Filter>
  /** Kind: fold. How permitted entries are listed. A failure lists nothing. */
  present?(caller: Caller): Maybe<undefined | Presentation>
  /**
   * Kind: first, with changes. Shapers may `change` and `answer` (with a result of the call's method), shapers and
   * guards may `ask` and `deny`.
   * A failure denies the call. Needs `phase`.
   */
  beforeCall?(call: Call): Maybe<undefined | Change | Answer | Ask | Denial>
  /**
   * Kind: fold. Runs however the call ended, for every plugin the call reached; cancellations are
   * read-only. A failure replaces the outcome by a failure. Needs `phase`.
   */
  afterCall?(call: Call, outcome: Outcome): Maybe<undefined | Outcome>
  /**
   * Kind: first. Nothing means "not my scheme". With no auth plugin every request is refused.
   * A failure refuses the request.
   */
  authenticate?(request: AuthRequest): Maybe<undefined | Authenticated | Denial>
  /** Kind: all, merged. How to authenticate, told with every 401 and 403. */
  challenge?(request: AuthRequest, denial: Denial): undefined | Challenge | readonly Challenge[]
  /** Kind: first, synchronous. Whose credentials the upstream will see; `""` = shared by all. */
  identity?(query: IdentityQuery): string | undefined
  /**
   * Kind: first. Headers for the upstream. No other plugin sees them. May `ask` where `purpose` is `call`:
   * otherwise nobody is there. A failure fails the call.
   */
  credentials?(query: CredentialsQuery): Maybe<undefined | Credentials | Ask | Denial>
  /**
   * Kind: first. The upstream answered 401 or 403: `retry` asks `credentials` again and sends once more.
   * May `ask` as `credentials` may.
   */
  refused?(query: RefusedQuery): Maybe<undefined | 'retry' | Ask | Denial>
  /**
   * Kind: fold. What an upstream tells or asks a client (`toClient`), each question once whatever the era; and
   * what the client answers (`toServer`). Nothing passes it on, a message of the same method replaces it, `null`
   * drops it. A failure drops it. A question or an answer that is dropped ends its call. Needs `phase`.
   */
  onMessage?(
    about: MessageContext,
    message: Message,
    direction: 'toClient' | 'toServer',
  ): Maybe<undefined | null | Message>
  /**
   * Kind: all, awaited. What must be written down before the answer leaves. A failure keeps the answer
   * back: the caller gets an error in its place.
   */
  settle?(event: CallRound | CallFinished | Listed): Maybe<void>
  /** Kind: all, synchronous. What happened. Failures are counted and otherwise ignored. */
  observe?(event: Event): void
  /**
   * Kind: data. The types of events that `observe` is told; all when left out. An event that nobody wants is not
   * made, so a plugin that only looks at the catalog costs calls nothing.
   */
  readonly observes?: readonly Event['type'][]
  /** Kind: once, at boot. */
  routes?(routes: Routes): void
  /** Kind: once. Connects, loads, warms up. A failure stops the gateway. */
  start?(): Maybe<void>
  /** Kind: once. Releases everything; safe after a failed `start`. */
  stop?(): Maybe<void>
  /** Kind: on demand. Part of `/ready`. */
  health?(): Maybe<Health>
  /** Kind: on demand. This plugin's section of `/status`. A failure is shown there in its place. */
  status?(): Maybe<object>
  /** Kind: data. Tools of the plugin's own, in the catalog like any other. */
  readonly tools?: readonly OfferedTool[]
  /** Kind: data. Prompts of the plugin's own. */
  readonly prompts?: readonly OfferedPrompt[]
  /** Kind: data. Resources of the plugin's own, and templates of such. */
  readonly resources?: readonly OfferedResource[]
  /** Kind: data. What operators can run, by name: letters, digits, _ and -. */
  readonly commands?: Readonly<Record<string, Command>>
}

/** The name of a field of {@link Hooks} that is data, not a function. */
export type DataName = 'commands' | 'observes' | 'tools' | 'prompts' | 'resources'

/** Every field that is data. */
export const DATA_NAMES: readonly DataName[] = [
  'commands',
  'observes',
  'tools',
  'prompts',
  'resources',
]

/** The name of a hook. */
export type HookName = Exclude<keyof Hooks, DataName>

/** Every hook there is. The loader refuses any other name that is not in {@link DATA_NAMES}. */
export const HOOK_NAMES: readonly HookName[] = [
  'onRegister',
  'arrange',
  'listFilter',
  'present',
  'beforeCall',
  'afterCall',
  'onMessage',
  'settle',
  'authenticate',
  'challenge',
  'identity',
  'credentials',
  'refused',
  'observe',
  'routes',
  'start',
  'stop',
  'health',
  'status',
]
