import type { Denial, Failure } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import type { Alarm } from '../hooks/wheel.ts'
import { outcomeOf, RelayedError } from '../kernel/outcome.ts'
import type { ResourceUpdate } from '../kernel/subscriptions.ts'
import type { Asker } from './asker.ts'
import { Backoff } from './backoff.ts'
import type { Link, Lost, Message } from './link.ts'
import { textOf } from './message.ts'
import { SubscribeError, updatedUri } from './resource-updates.ts'
import type { UpstreamHost } from './upstream-host.ts'

/** What a lane needs of its upstream. */
export interface LaneOwner {
  readonly id: string
  /** Milliseconds that an answer of the server may take. */
  readonly timeout: number
  /** The lane's link. Rejects with ConnectError, HookError or Refused. */
  link(): Promise<Link>
  /** The link is of no more use. */
  failed(link: Link, why: Lost): void
}

/** Told of what a server says of one resource. */
export type Told = (update: ResourceUpdate) => void

/** A resource that is to be told of. */
interface Watched {
  readonly told: Set<Told>
  readonly agreed: Promise<Denial | Failure | undefined>
  /** The server agreed, refused, or cannot be asked now. */
  settle(refusal?: Denial | Failure): void
  /** Whether it may have changed while nobody heard of it. */
  missed: boolean
}

/** Characters of a URI that others can lie below: each place where one may end costs a look. */
const LONGEST = 2_048
/** What comes between a URI and what lies below it. */
const BELOW = /[/?#]/g

/** What is watched over one link: the link of one credential identity, whichever it is just then. */
export class Lane {
  readonly #upstream: LaneOwner
  readonly #host: UpstreamHost
  /** For whom credentials are asked for. */
  readonly #asker: Asker
  readonly #backoff: Backoff
  readonly #watched = new Map<string, Watched>()
  #link: Link | undefined
  #headers: Readonly<Record<string, string>> | undefined
  #connecting = false
  #retry: Alarm | undefined
  #closed = false

  /** @param asker nobody where the link is shared by all */
  constructor(upstream: LaneOwner, host: UpstreamHost, asker: Asker) {
    this.#upstream = upstream
    this.#host = host
    this.#asker = asker
    this.#backoff = new Backoff(host)
  }

  get size(): number {
    return this.#watched.size
  }

  /** Watches it. Resolves as `Watch.agreed` does. */
  add(uri: string, told: Told): Promise<Denial | Failure | undefined> {
    const known = this.#watched.get(uri)
    if (known !== undefined) {
      known.told.add(told)
      return known.agreed
    }
    const { promise, resolve } = Promise.withResolvers<Denial | Failure | undefined>()
    const one: Watched = {
      told: new Set([told]),
      agreed: promise,
      settle: resolve,
      missed: false,
    }
    this.#watched.set(uri, one)
    if (this.#link === undefined) void this.#connect()
    else this.#ask(this.#link, uri, one)
    return promise
  }

  remove(uri: string, told: Told): void {
    const one = this.#watched.get(uri)
    if (one === undefined || !one.told.delete(told) || one.told.size > 0) return
    this.#watched.delete(uri)
    one.settle()
    this.#link?.unsubscribe(uri)
  }

  /** That link serves nothing any more. */
  lost(link: Link): void {
    if (this.#link !== link) return
    this.#drop()
    this.#later()
  }

  /** The upstream is connected. */
  resume(): void {
    if (this.#link === undefined) void this.#connect()
  }

  close(): void {
    this.#closed = true
    if (this.#retry !== undefined) this.#host.wheel.remove(this.#retry)
    for (const one of this.#watched.values()) one.settle()
    this.#watched.clear()
    if (this.#link !== undefined) this.#drop()
  }

  #drop(): void {
    const link = this.#link as Link
    link.onUpdated = () => {}
    link.onMuted = () => {}
    this.#link = undefined
    for (const one of this.#watched.values()) one.missed = true
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#closed) return
    this.#connecting = true
    try {
      const link = await this.#upstream.link()
      const query = { ...this.#asker, upstream: this.#upstream.id, purpose: 'listen' } as const
      this.#headers = await this.#host.vault.credentials(query)
      if (this.#closed) return
      this.#link = link
      this.#backoff.ready()
      link.onUpdated = (message) => this.#told(message)
      link.onMuted = (uris) => this.#muted(uris)
      for (const [uri, one] of this.#watched) this.#ask(link, uri, one)
    } catch (cause) {
      const refusal = refusalOf(this.#upstream.id, cause as Error)
      for (const one of this.#watched.values()) {
        one.missed = true
        one.settle(refusal)
      }
      this.#later()
    } finally {
      this.#connecting = false
    }
  }

  /** Asks again for all that is not told of, after a while. */
  #later(): void {
    if (this.#closed || this.#retry !== undefined) return
    this.#retry = this.#host.wheel.after(this.#backoff.next(), () => {
      this.#retry = undefined
      const link = this.#link
      if (link === undefined) return void this.#connect()
      this.#backoff.ready()
      for (const [uri, one] of this.#watched) if (one.missed) this.#ask(link, uri, one)
    })
  }

  #muted(uris: readonly string[]): void {
    for (const uri of uris) {
      const one = this.#watched.get(uri)
      if (one !== undefined) one.missed = true
    }
    this.#later()
  }

  #ask(link: Link, uri: string, one: Watched): void {
    const late = () => new SubscribeError('did not say in time whether it tells of this resource')
    const asked = link.subscribe(uri, this.#headers)
    this.#host.wheel.limit(asked, this.#upstream.timeout, late).then(
      () => this.#agreed(link, uri, one),
      (cause: SubscribeError) => this.#refused(link, uri, one, cause),
    )
  }

  #agreed(link: Link, uri: string, one: Watched): void {
    if (this.#link !== link || this.#watched.get(uri) !== one) return
    one.settle()
    if (!one.missed) return
    one.missed = false
    for (const told of one.told) told({ uri })
  }

  #refused(link: Link, uri: string, one: Watched, cause: SubscribeError): void {
    if (this.#link !== link || this.#watched.get(uri) !== one) return
    const { id } = this.#upstream
    if (cause.lost) {
      one.missed = true
      one.settle()
      if (!cause.gone) return this.#later()
      const { message } = cause
      return this.#upstream.failed(link, { message, executed: false, sessionLost: true })
    }
    // What was agreed once and is refused now is asked for again on the next connection.
    const message = `${id} does not tell of ${uri}: ${messageOf(cause)}`
    this.#host.log.warn({ upstream: id }, message)
    link.unsubscribe(uri)
    one.settle(refusalOf(id, cause))
  }

  /** What is told of may lie below what was asked for (MCP, `notifications/resources/updated`). */
  #told(message: Message): void {
    const uri = updatedUri(message)
    if (uri === undefined) return
    const params = textOf(message, 'params')
    const update = { uri, ...(params === undefined ? {} : { params }) }
    this.#tell(uri, update)
    for (const { index } of uri.slice(0, LONGEST + 1).matchAll(BELOW)) {
      if (index > 0) this.#tell(uri.slice(0, index), update)
      if (index + 1 < uri.length) this.#tell(uri.slice(0, index + 1), update)
    }
  }

  #tell(asked: string, update: Parameters<Told>[0]): void {
    for (const told of this.#watched.get(asked)?.told ?? []) told(update)
  }
}

/** Why a server that could be asked does not tell of a resource; `undefined` when that may change by itself. */
function refusalOf(id: string, cause: Error | SubscribeError): Denial | Failure | undefined {
  const { error, lost } = cause as Partial<SubscribeError>
  if (error !== undefined) return new RelayedError(error, JSON.stringify(error))
  const outcome = outcomeOf(cause, false)
  if (outcome?.kind === 'denial' || outcome?.kind === 'failure') return outcome
  if (lost !== false) return undefined
  const message = `${id}: ${messageOf(cause)}`
  const hint = 'Read the resource again when you need it.'
  return { kind: 'failure', code: 'UNAVAILABLE', message, hint, executed: 'unknown' }
}
