import type { UpstreamTransport } from '../../sdk/index.ts'
import type { Members } from '../wire/json.ts'
import type { CarriedHeaders } from './sent-headers.ts'

/** A request on its way to an upstream. The link adds id, envelope and progress token. */
export interface Outgoing {
  readonly method: string
  /** What `Mcp-Name` mirrors: the tool's own name. */
  readonly name?: string
  /** Members of `params` as JSON text, without braces and without `_meta`. */
  readonly params: string
  /** Members of `_meta` as JSON text, without braces and without what the link adds. */
  readonly meta: string
  /** The client capabilities that this request declares, as JSON; none when left out (modern only). */
  readonly capabilities?: string | undefined
  /** Whether the caller wants progress. */
  readonly progress: boolean
  /** `Mcp-Param-*` headers, names and values in turn (modern HTTP only). */
  readonly mirrored?: readonly string[] | undefined
  /** Credentials (the same object = prepared once), and what else the request carries (HTTP only). */
  readonly headers?: Readonly<Record<string, string>> | CarriedHeaders | undefined
}

/** A JSON-RPC message with the offsets of its members, so that values can be relayed as text. */
export interface Message {
  readonly text: string
  readonly members: Members
  readonly value: Readonly<Record<string, unknown>>
}

/** Why a request got no JSON-RPC answer. */
export interface Lost {
  readonly message: string
  /** `false`: provably not delivered. */
  readonly executed: boolean | 'unknown'
  readonly httpStatus?: number
  /** `WWW-Authenticate` of a 401 or 403. */
  readonly challenge?: string | undefined
  /** The legacy session is gone; a new one may do. */
  readonly sessionLost?: boolean
  /** Asking for the rest of the answer would not help. */
  readonly final?: boolean
  /** The upstream cannot be reached at all. */
  readonly unreachable?: boolean
}

/** Whoever waits for a request. Exactly one of `answered` and `lost` is called, once, and nothing after it. */
export interface Waiter {
  /** The response: `result` or `error`. */
  answered(message: Message): void
  /** A notification that belongs to this request. */
  notified(message: Message): void
  /**
   * The server wants to know something in the middle of this request (handshake revisions).
   * @param answer sends the rest of the response behind its id: `"result":…` or `"error":…`
   */
  asked(question: Message, answer: (members: string) => void): void
  lost(why: Lost): void
}

/** A request in flight. */
export interface Ticket {
  /** Tells the upstream and forgets the request: the waiter hears nothing more. */
  cancel(reason: string): void
  /** From now on another waits for it. */
  handOver(waiter: Waiter): void
}

/** What a server said about itself. */
export interface ServerFacts {
  readonly era: 'legacy' | 'modern'
  readonly protocolVersion: string
  readonly capabilities: Readonly<Record<string, unknown>>
  /** How its tools are meant to be used, for a model; `''` when it says nothing. */
  readonly instructions: string
  /** What it calls itself, shortened: untrusted, for people to read. */
  readonly server?: { readonly name: string; readonly version: string }
  /** How its era and transport were found, in a few words. */
  readonly found: string
}

/** An open way to one server, for one identity. */
export interface Link {
  readonly transport: UpstreamTransport
  readonly facts: ServerFacts
  /** Requests in flight. */
  readonly open: number
  send(request: Outgoing, waiter: Waiter): Ticket
  /**
   * Asks for notifications that belong to no request, where the wire needs asking. Does nothing while
   * an earlier call of it still holds.
   * @param changed the tool list changed
   * @param broken nothing more will be heard, though there was something to hear: worth another call
   */
  listen(changed: () => void, broken: () => void, headers?: Readonly<Record<string, string>>): void
  /**
   * Asks to be told of a resource. Resolves once the server agreed. Asked again, it makes sure of it.
   * Rejects with SubscribeError.
   */
  subscribe(uri: string, headers?: Readonly<Record<string, string>>): Promise<void>
  /** Nobody wants to be told of it any more. */
  unsubscribe(uri: string): void
  /** Resources that it is told of, or wants to be: with some it is not idle. */
  readonly subscriptions: number
  /** Called with every `notifications/resources/updated` that comes, wanted or not. */
  onUpdated: (message: Message) => void
  /** Called with what will not be told of any more, and may have changed unheard: worth another `subscribe`. */
  onMuted: (uris: readonly string[]) => void
  /** Called once when the link ends by itself. */
  onEnd: (why: Lost) => void
  /** Takes no part in anything new; requests in flight go on, then it ends. */
  retire(): void
  /** Ends it; requests in flight are lost. Idempotent. */
  close(): Promise<void>
}

/** An upstream could not be connected to. */
export class ConnectError extends Error {
  readonly httpStatus: number | undefined
  readonly challenge: string | undefined

  constructor(message: string, lost?: Pick<Lost, 'httpStatus' | 'challenge'>) {
    super(message)
    this.name = 'ConnectError'
    this.httpStatus = lost?.httpStatus
    this.challenge = lost?.challenge
  }
}
