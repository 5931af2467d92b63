import type { Caller } from '../../sdk/index.ts'
import type { ListedEntry } from '../catalog/ports.ts'
import type { Alarm } from '../hooks/wheel.ts'
import { type ParamHeader, paramHeaders } from '../wire/param-headers.ts'
import type { FlatHeaders } from './call-host.ts'
import { listEntries, type ReadLists } from './entry-list.ts'
import type { Link } from './link.ts'
import type { UpstreamConfig } from './settings.ts'
import type { UpstreamHost } from './upstream-host.ts'
import { withCredentials } from './with-credentials.ts'

/** A stream of notifications that breaks is asked for again, but no more often than this. */
const RELISTEN = 30_000
const SOON = 500
const NONE: readonly ParamHeader[] = []

/** What a listing needs of its upstream. */
export interface ListingOwner {
  /** The link that serves the gateway itself, once it is open. */
  link(): Link | undefined
  /** Whether the list is about to be read anyway, by `read`. */
  connecting(): boolean
  /** The list was read again. */
  read(): void
  /** The list could not be read again. */
  unread(link: Link, error: unknown): void
}

/** What one upstream lists: read on connecting and whenever it may have changed. */
export class Listing {
  entries: readonly ListedEntry[] = []
  /** The annotated properties of the tools that have some: by tool, and of lists of one identity by both. */
  readonly #annotated = new Map<string, readonly ParamHeader[]>()
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #owner: ListingOwner
  #reading: Promise<void> | undefined
  #again = false
  #listened = 0
  #relisten: Alarm | undefined
  #closed = false

  constructor(config: UpstreamConfig, host: UpstreamHost, owner: ListingOwner) {
    this.#config = config
    this.#host = host
    this.#owner = owner
  }

  /** How many tools there are among them. */
  get tools(): number {
    return this.entries.filter(({ kind }) => kind === 'tool').length
  }

  /** Reads the whole list over a link. @throws ConnectError, HookError or Refused */
  async read(link: Link): Promise<void> {
    const { id, headers } = this.#config
    const query = { upstream: id, purpose: 'discover' } as const
    let credentials: FlatHeaders
    const { entries, terms } = await withCredentials(this.#host.vault, query, (given) => {
      credentials = given
      return this.#list(link, given)
    })
    if (this.#closed) return
    this.entries = entries
    this.#annotate('', entries)
    const open = credentials === undefined && Object.keys(headers).length === 0
    this.#host.listed(id, entries, open, terms)
  }

  /** Reads what one identity sees, over its link. @throws ConnectError, HookError or Refused */
  async readOwn(link: Link, identity: string, caller: Caller): Promise<readonly ListedEntry[]> {
    const query = { upstream: this.#config.id, purpose: 'discover', caller } as const
    const { entries } = await this.#list(link, await this.#host.vault.credentials(query))
    this.#annotate(identity, entries)
    return entries
  }

  async #list(link: Link, headers: FlatHeaders): Promise<ReadLists> {
    const { wheel, log, now } = this.#host
    const { id, timeout } = this.#config
    const warn = (message: string) => log.warn({ upstream: id }, `${id} ${message}`)
    const late = new AbortController()
    const alarm = wheel.after(timeout, () => late.abort())
    try {
      const http = this.#config.url !== undefined
      const { signal } = late
      return await listEntries({ link, http, headers, warn, now: () => now(), signal })
    } finally {
      wheel.remove(alarm)
    }
  }

  #annotate(identity: string, entries: readonly ListedEntry[]): void {
    for (const { kind, definition } of entries) {
      if (kind !== 'tool') continue
      const { list } = paramHeaders(definition.inputSchema)
      const key = keyOf(identity, definition.name)
      if (list.length > 0) this.#annotated.set(key, list)
      else this.#annotated.delete(key)
    }
  }

  /** What a tool's own schema, as that identity sees it, wants mirrored as headers. */
  annotated(identity: string, tool: string): readonly ParamHeader[] {
    if (this.#annotated.size === 0) return NONE
    return this.#annotated.get(keyOf(identity, tool)) ?? NONE
  }

  /** Reads the list again, soon; once more if asked meanwhile. */
  refresh(): void {
    if (this.#closed) return
    this.#host.stale(this.#config.id)
    if (this.#owner.connecting() || this.#reading !== undefined) {
      this.#again = true
      return
    }
    const link = this.#owner.link()
    if (link === undefined) return
    this.#reading = this.read(link)
      .then(
        () => this.#owner.read(),
        (error: unknown) => this.#owner.unread(link, error),
      )
      .finally(() => {
        this.#reading = undefined
        this.refreshIfAsked()
      })
  }

  /** Reads the list if it was to be read again while that could not be. */
  refreshIfAsked(): void {
    if (!this.#again) return
    this.#again = false
    this.refresh()
  }

  /** Asks the server to tell of changes. Never rejects: without that the list is still read now and then. */
  async listen(link: Link): Promise<void> {
    const { vault, log, wheel } = this.#host
    const { id } = this.#config
    try {
      const headers = await vault.credentials({ upstream: id, purpose: 'listen' })
      this.#listened = wheel.now()
      link.listen(
        () => this.refresh(),
        () => this.#listenLater(link),
        headers,
      )
    } catch (err) {
      log.warn({ upstream: id, err }, `${id} is not listened to`)
    }
  }

  close(): void {
    this.#closed = true
    if (this.#relisten !== undefined) this.#host.wheel.remove(this.#relisten)
  }

  /** What was said while nobody listened is in the list, so that is read too. */
  #listenLater(link: Link): void {
    const { wheel } = this.#host
    if (this.#closed || this.#owner.link() !== link) return
    const since = wheel.now() - this.#listened
    this.#relisten = wheel.after(Math.max(RELISTEN - since, SOON), () => {
      if (this.#owner.link() !== link) return
      void this.listen(link)
      this.refresh()
    })
  }
}

/** Tool names may hold anything, so they come last. */
function keyOf(identity: string, tool: string): string {
  return identity === '' ? tool : JSON.stringify([identity, tool])
}
