import type { Round } from '../kernel/round.ts'
import type { Watch, WatchOrder } from '../kernel/subscriptions.ts'
import type { CallTerms } from './call-terms.ts'
import { Lane, type LaneOwner } from './lane.ts'
import { ConnectError, type Link, type Lost, type ServerFacts } from './link.ts'
import type { LinkPool } from './pool.ts'
import { tellsOfResources } from './resource-updates.ts'
import type { UpstreamConfig } from './settings.ts'
import type { UpstreamHost } from './upstream-host.ts'

/** The key of the link that `connect` opens, and nobody else. */
const SHARED = ''

/** Who wants to be told. */
type Watcher = Pick<WatchOrder, 'identity' | 'caller'>

/** What watches need of their upstream. */
export interface WatchedUpstream {
  readonly pool: LinkPool
  readonly terms: CallTerms
  /** A connection attempt under way. */
  connecting(): Promise<void> | undefined
  /** Whether the upstream serves anybody of that audience now. */
  serves(watcher: Pick<Round, 'audience'>): boolean
  /** The link is of no more use. */
  failed(link: Link, why: Lost): void
}

/** What one upstream's server is to tell of: by whose link, and by its own URIs. */
export class Watches {
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #upstream: WatchedUpstream
  readonly #lanes = new Map<string, Lane>()
  #tells: boolean | undefined
  #closed = false

  constructor(config: UpstreamConfig, host: UpstreamHost, upstream: WatchedUpstream) {
    this.#config = config
    this.#host = host
    this.#upstream = upstream
    this.#tells = config.enabled ? undefined : false
  }

  /** Whether the server says that it tells of single resources; `undefined` while it has said nothing yet. */
  get tells(): boolean | undefined {
    return this.#tells
  }

  /** What the server says of itself. */
  learn(facts: ServerFacts): void {
    this.#tells = tellsOfResources(facts)
  }

  /** Equal for those whom one link tells. */
  key({ identity, caller }: Watcher): string {
    return this.#upstream.terms.watchKey({ audience: identity, caller })
  }

  /** Watches a resource until that is ended. */
  watch(order: WatchOrder): Watch {
    if (this.#closed) return { agreed: Promise.resolve(undefined), end() {} }
    const key = this.key(order)
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      // What is shared is nobody's in particular.
      const asker = order.identity === '' ? {} : { caller: order.caller }
      lane = new Lane(this.#owner(key, order), this.#host, asker)
      this.#lanes.set(key, lane)
    }
    const kept = lane
    return {
      agreed: kept.add(order.uri, order.told),
      end: () => {
        kept.remove(order.uri, order.told)
        if (kept.size > 0 || this.#lanes.get(key) !== kept) return
        this.#lanes.delete(key)
        kept.close()
      },
    }
  }

  /** A link serves nothing any more: what it told of is asked of another. */
  lost(link: Link): void {
    for (const lane of this.#lanes.values()) lane.lost(link)
  }

  /** The upstream is connected: nobody needs to wait for the next attempt. */
  resume(): void {
    for (const lane of this.#lanes.values()) lane.resume()
  }

  /** Asks nothing any more. */
  close(): void {
    this.#closed = true
    for (const lane of this.#lanes.values()) lane.close()
    this.#lanes.clear()
  }

  #owner(key: string, { identity, caller }: Watcher): LaneOwner {
    const { pool, terms, connecting, serves, failed } = this.#upstream
    const { id, timeout } = this.#config
    const link = async () => {
      await connecting()
      const shared = pool.peek(SHARED)
      if (!serves({ audience: identity }) || (key === SHARED && shared === undefined))
        throw new ConnectError('is not connected')
      if (key === SHARED) return shared as Link
      return pool.get(key, { caller, capabilities: terms.watchCapabilities({ caller }) })
    }
    return { id, timeout, link, failed }
  }
}
