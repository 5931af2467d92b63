import type { Wheel } from '../hooks/wheel.ts'
import { isObject } from '../wire/json.ts'
import type { Message, Outgoing, ServerFacts, Ticket, Waiter } from './link.ts'
import { DEAF, errorOf } from './message.ts'

/** What a server says when a resource has changed (MCP, resources: subscriptions). */
export const UPDATED = 'notifications/resources/updated'

/** Whether a server says that it tells of single resources. */
export function tellsOfResources({ capabilities }: ServerFacts): boolean {
  const { resources } = capabilities
  return isObject(resources) && resources.subscribe === true
}

/** A server does not tell of a resource, or nobody knows whether it will. */
export class SubscribeError extends Error {
  /** Its JSON-RPC error, if it answered with one. */
  readonly error: { code: number; message: string; data?: unknown } | undefined
  /** The connection failed, and asking again on another may help. */
  readonly lost: boolean
  /** The link serves nothing any more: its session is gone, or it was closed. */
  readonly gone: boolean

  constructor(
    message: string,
    about: { error?: SubscribeError['error']; lost?: boolean; gone?: boolean } = {},
  ) {
    super(message)
    this.name = 'SubscribeError'
    this.error = about.error
    this.lost = about.lost ?? false
    this.gone = about.gone ?? false
  }
}

/** The link was closed, or takes no part in anything new. */
export function closedLink(): SubscribeError {
  return new SubscribeError('the connection was closed', { lost: true, gone: true })
}

type Headers = Readonly<Record<string, string>>

/** How long a server's word on a subscription is waited for, in milliseconds. */
const PATIENCE = 60_000

/** How a link asks its server to tell of single resources. */
export interface ResourceUpdates {
  /** How many it asked for. */
  readonly size: number
  /** What it asked for. */
  uris(): Iterable<string>
  /** Resolves once the server agreed. Rejects with SubscribeError. */
  subscribe(uri: string, headers: Headers | undefined): Promise<void>
  unsubscribe(uri: string): void
  /** Forgets all, and tells the server of nothing. */
  close(): void
}

/**
 * Servers with a handshake: a request per resource (2025-11-25 and older, resources: subscriptions).
 * Requests for one URI follow each other: on HTTP one could overtake the other.
 */
export class RequestedUpdates implements ResourceUpdates {
  readonly #send: (request: Outgoing, waiter: Waiter) => Ticket
  readonly #wheel: Wheel
  readonly #heard: (headers: Headers | undefined) => Promise<void> | undefined
  readonly #asked = new Map<string, Headers | undefined>()
  readonly #turns = new Map<string, Promise<void>>()
  #closed = false

  /** @param heard resolves when what the server tells will be heard; `undefined` when it is already */
  constructor(
    send: (request: Outgoing, waiter: Waiter) => Ticket,
    wheel: Wheel,
    heard: (headers: Headers | undefined) => Promise<void> | undefined = () => undefined,
  ) {
    this.#send = send
    this.#wheel = wheel
    this.#heard = heard
  }

  get size(): number {
    return this.#asked.size
  }

  uris(): Iterable<string> {
    return this.#asked.keys()
  }

  subscribe(uri: string, headers: Headers | undefined): Promise<void> {
    this.#asked.set(uri, headers)
    const ask = async () => {
      await this.#heard(headers)
      await this.#request('resources/subscribe', uri, headers)
    }
    return this.#inTurn(uri, ask).catch((cause: unknown) => {
      this.#asked.delete(uri)
      throw cause
    })
  }

  unsubscribe(uri: string): void {
    if (!this.#asked.has(uri)) return
    const headers = this.#asked.get(uri)
    this.#asked.delete(uri)
    // Whether it worked makes no difference: what is told of it goes to nobody.
    this.#inTurn(uri, () => this.#request('resources/unsubscribe', uri, headers)).catch(() => {})
  }

  close(): void {
    this.#closed = true
    this.#asked.clear()
  }

  #inTurn(uri: string, run: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(uri)
    const turn = before === undefined ? run() : before.then(run, run)
    this.#turns.set(uri, turn)
    const over = () => {
      if (this.#turns.get(uri) === turn) this.#turns.delete(uri)
    }
    turn.then(over, over)
    return turn
  }

  #request(method: string, uri: string, headers: Headers | undefined): Promise<void> {
    if (this.#closed) return Promise.reject(closedLink())
    return new Promise((resolve, reject) => {
      const params = `"uri":${JSON.stringify(uri)}`
      const late = this.#wheel.after(PATIENCE, () => {
        // Nobody waits behind it, and what the server says is not taken for a word about it.
        ticket.cancel('timeout')
        reject(new SubscribeError(`did not answer ${method} in time`, { lost: true }))
      })
      const ticket = this.#send(
        { method, params, meta: '', progress: false, headers },
        {
          answered: (message) => {
            this.#wheel.remove(late)
            const error = errorOf(message)
            if (error === undefined) resolve()
            else reject(new SubscribeError(error.message, { error }))
          },
          ...DEAF,
          lost: ({ message, sessionLost = false }) => {
            this.#wheel.remove(late)
            reject(new SubscribeError(message, { lost: true, gone: sessionLost }))
          },
        },
      )
    })
  }
}

/** Whether a message tells of a resource, with its URI. */
export function updatedUri({ value: { method, params } }: Message): string | undefined {
  if (method !== UPDATED || !isObject(params)) return undefined
  return typeof params.uri === 'string' ? params.uri : undefined
}
