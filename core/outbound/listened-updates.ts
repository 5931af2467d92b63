import { isObject } from '../wire/json.ts'
import type { Message } from './link.ts'
import { errorOf } from './message.ts'
import { closedLink, type ResourceUpdates, SubscribeError } from './resource-updates.ts'

/** URIs that one stream asks for: a change sends them all again, and a cut concerns them all. */
const MOST = 100

/** Sent by the server before anything else (2026-07-28, subscriptions). */
export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

type Headers = Readonly<Record<string, string>>

/** Whoever reads a listen stream. */
export interface ListenReader {
  /** A notification on it. */
  said(message: Message): void
  /** It is over, not by us. @param answer the final result, or the error that refused it */
  over(reason: string, answer?: Message): void
}

/** Opens a listen stream; the function closes it, and nothing more is heard then. */
export type OpenListen = (
  params: string,
  headers: Headers | undefined,
  reader: ListenReader,
) => () => void

/** Somebody waits for the server's word on a URI. */
interface Waiting {
  resolve(): void
  reject(cause: SubscribeError): void
}

/**
 * Servers without a handshake: what they tell of is asked for with the streams that tell it (2026-07-28,
 * subscriptions). When a stream is to tell of something else, its successor is there before it ends.
 */
export class ListenedUpdates implements ResourceUpdates {
  readonly #batches: Batch[] = []
  readonly #open: OpenListen
  readonly #said: (message: Message) => void
  readonly #muted: (uris: readonly string[]) => void
  #closed = false

  /**
   * @param said told of everything on the streams but acknowledgements
   * @param muted of these nothing more will be told, though somebody wants it
   */
  constructor(
    open: OpenListen,
    said: (message: Message) => void,
    muted: (uris: readonly string[]) => void,
  ) {
    this.#open = open
    this.#said = said
    this.#muted = muted
  }

  get size(): number {
    return this.#batches.reduce((sum, { uris }) => sum + uris.size, 0)
  }

  uris(): Iterable<string> {
    return this.#batches.flatMap(({ uris }) => [...uris])
  }

  subscribe(uri: string, headers: Headers | undefined): Promise<void> {
    if (this.#closed) return Promise.reject(closedLink())
    let batch = this.#batches.find(({ uris }) => uris.has(uri))
    batch ??= this.#batches.find(({ uris }) => uris.size < MOST)
    if (batch === undefined) {
      batch = new Batch(this.#open, this.#said, this.#muted)
      this.#batches.push(batch)
    }
    return batch.add(uri, headers)
  }

  unsubscribe(uri: string): void {
    const at = this.#batches.findIndex(({ uris }) => uris.has(uri))
    const batch = this.#batches[at]
    batch?.remove(uri)
    if (batch?.uris.size === 0) this.#batches.splice(at, 1)
  }

  close(): void {
    this.#closed = true
    for (const batch of this.#batches.splice(0)) batch.close()
  }
}

/** What one stream asks for. */
class Batch {
  readonly uris = new Set<string>()
  readonly #open: OpenListen
  readonly #said: (message: Message) => void
  readonly #muted: (uris: readonly string[]) => void
  readonly #waiting = new Map<string, Waiting[]>()
  #headers: Headers | undefined
  /** What the open stream tells of. */
  #agreed: ReadonlySet<string> = new Set()
  #close: (() => void) | undefined
  /** Closes the stream that is to take its place. */
  #closeNext: (() => void) | undefined
  /** What that asks for. */
  #asking: ReadonlySet<string> = new Set()
  #again = false

  constructor(
    open: OpenListen,
    said: (message: Message) => void,
    muted: (uris: readonly string[]) => void,
  ) {
    this.#open = open
    this.#said = said
    this.#muted = muted
  }

  add(uri: string, headers: Headers | undefined): Promise<void> {
    if (this.#agreed.has(uri) && this.uris.has(uri)) return Promise.resolve()
    this.uris.add(uri)
    this.#headers = headers
    return new Promise((resolve, reject) => {
      this.#waiting.set(uri, [...(this.#waiting.get(uri) ?? []), { resolve, reject }])
      if (this.#closeNext === undefined || !this.#asking.has(uri)) this.#change()
    })
  }

  remove(uri: string): void {
    this.uris.delete(uri)
    this.#settle(uri, new SubscribeError('is not wanted any more'))
    if (this.uris.size === 0) this.close()
    else this.#change()
  }

  close(): void {
    for (const uri of this.uris) {
      this.#settle(uri, closedLink())
    }
    this.uris.clear()
    this.#agreed = new Set()
    this.#again = false
    this.#closeNext?.()
    this.#closeNext = undefined
    this.#close?.()
    this.#close = undefined
  }

  /** Opens the stream for what is wanted now; one at a time, and what was added meanwhile together. */
  #change(): void {
    if (this.#closeNext !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    const asked = [...this.uris]
    this.#asking = new Set(asked)
    const params = `"notifications":{"resourceSubscriptions":${JSON.stringify(asked)}}`
    let close: (() => void) | undefined
    let over = false
    const reader: ListenReader = {
      said: (message) => {
        if (message.value.method === ACKNOWLEDGED) {
          if (close !== undefined && this.#closeNext === close) this.#taken(asked, message)
        } else this.#said(message)
      },
      over: (reason, answer) => {
        over = true
        if (close === undefined) return
        if (this.#closeNext === close) this.#refused(asked, reason, answer)
        else if (this.#close === close) this.#ended()
      },
    }
    close = this.#open(params, this.#headers, reader)
    this.#closeNext = close
    if (over) this.#refused(asked, 'is not connected', undefined)
  }

  /** The server said what it will tell of: the stream before is of no more use. */
  #taken(asked: readonly string[], { value: { params } }: Message): void {
    const notifications = isObject(params) ? params.notifications : undefined
    const honoured = isObject(notifications) ? notifications.resourceSubscriptions : undefined
    this.#agreed = new Set(Array.isArray(honoured) ? honoured : [])
    this.#close?.()
    this.#close = this.#closeNext
    this.#closeNext = undefined
    for (const uri of asked) {
      if (this.#agreed.has(uri)) this.#settle(uri)
      else {
        this.uris.delete(uri)
        this.#settle(uri, new SubscribeError('does not tell of this resource'))
      }
    }
    if (this.#again) this.#change()
  }

  #refused(asked: readonly string[], reason: string, answer: Message | undefined): void {
    this.#closeNext = undefined
    const error = answer && errorOf(answer)
    const cause = new SubscribeError(error?.message ?? reason, { error, lost: error === undefined })
    const muted: string[] = []
    for (const uri of asked) {
      if (this.#agreed.has(uri)) continue
      if (!this.#waiting.has(uri) && this.uris.has(uri)) muted.push(uri)
      this.uris.delete(uri)
      this.#settle(uri, cause)
    }
    if (muted.length > 0) this.#muted(muted)
    if (this.#again && this.uris.size > 0) this.#change()
  }

  /** The open stream broke, or the server ended it. */
  #ended(): void {
    const muted = [...this.#agreed].filter((uri) => this.uris.has(uri))
    this.#agreed = new Set()
    this.#close = undefined
    // A successor that is on its way asks for them too.
    if (this.#closeNext === undefined) for (const uri of muted) this.uris.delete(uri)
    if (muted.length > 0) this.#muted(muted)
  }

  #settle(uri: string, cause?: SubscribeError): void {
    const waiting = this.#waiting.get(uri)
    this.#waiting.delete(uri)
    for (const { resolve, reject } of waiting ?? []) {
      if (cause === undefined) resolve()
      else reject(cause)
    }
  }
}
