import { type Caller, type Denial, deny, type Failure, type Principal } from '../../sdk/index.ts'
import { ownUri } from '../catalog/uris.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ResourceUpdate, Watch, WatchedServers } from '../kernel/subscriptions.ts'

/** Where a resource is: a server, and what that calls it. */
export interface Place {
  readonly upstream: string
  readonly own: string
}

/** Somebody who wants to be told of what a source tells. */
export interface Wish {
  heard(source: Source, update: ResourceUpdate): void
}

/** A resource at its server, watched once for all who want to be told of it by the same credentials. */
export class Source implements Place {
  readonly key: string
  readonly upstream: string
  readonly own: string
  readonly wishes = new Set<Wish>()
  watch: Watch | undefined

  constructor(key: string, { upstream, own }: Place) {
    this.key = key
    this.upstream = upstream
    this.own = own
  }
}

/** How many subscriptions there may be. */
export interface SubscriptionLimits {
  readonly perPrincipal: number
  readonly inAll: number
}

/** Every watched resource, counted by who wants it; and who may read what. */
export class Sources {
  readonly kernel: Kernel
  readonly servers: WatchedServers
  readonly #limits: SubscriptionLimits
  readonly #sources = new Map<string, Source>()
  readonly #counts = new Map<string, number>()
  #total = 0

  constructor(kernel: Kernel, servers: WatchedServers, limits: SubscriptionLimits) {
    this.kernel = kernel
    this.servers = servers
    this.#limits = limits
  }

  /**
   * Where this caller may read what it calls `uri`: the decision that lists and calls make. `undefined`
   * when it may not, or there is no such thing; empty when no server has it.
   * @throws HookError, as a rejection
   */
  async places(caller: Caller, uri: string): Promise<readonly Place[] | undefined> {
    const { catalog, views } = this.kernel
    let entry = catalog.of(caller).find('resources/read', uri)
    if (entry === undefined) {
      // It may be in a list of the caller's own that nobody has read yet.
      await catalog.waiting(caller)
      entry = catalog.of(caller).find('resources/read', uri)
      if (entry === undefined) return undefined
    }
    const found = entry
    const { candidates } = (await views.of(caller)).permit(found)
    if (candidates.length === 0) return undefined
    return candidates.flatMap((target) =>
      target.upstream === '' || target.plugin !== undefined
        ? []
        : { upstream: target.upstream, own: ownUri(found, target, uri) },
    )
  }

  /** One more subscription of that principal: why it may have no more, if so. */
  take(principal: Principal): Denial | undefined {
    const { perPrincipal, inAll } = this.#limits
    const key = keyOf(principal)
    const count = this.#counts.get(key) ?? 0
    if (count >= perPrincipal) {
      const reason = `You hold ${perPrincipal} subscriptions to resources, and no more are allowed`
      return deny('RATE_LIMITED', reason, { hint: 'Unsubscribe from some, then try again.' })
    }
    if (this.#total >= inAll) {
      const reason = 'This gateway holds as many subscriptions to resources as it can'
      return deny('RATE_LIMITED', reason, { hint: 'Try again later.' })
    }
    this.#counts.set(key, count + 1)
    this.#total++
    return undefined
  }

  /** One less. */
  give(principal: Principal): void {
    const key = keyOf(principal)
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
    this.#total--
  }

  /** The sources of these places, as this caller's credentials reach them. @throws HookError when `identity` fails */
  of(places: readonly Place[], caller: Caller): readonly Source[] {
    const { hooks } = this.kernel
    const routes = places.map((place) => {
      const { upstream, own } = place
      const identity = hooks.on.identity === null ? '' : hooks.identity({ upstream, caller })
      const lane = this.servers.lane({ upstream, identity, caller })
      return { place, identity, key: JSON.stringify([upstream, lane, own]) }
    })
    // Nothing is begun before every one is known.
    return routes.map(({ place, identity, key }) => {
      const known = this.#sources.get(key)
      if (known !== undefined) return known
      const made = new Source(key, place)
      this.#sources.set(key, made)
      const { upstream, own: uri } = place
      const told = (update: ResourceUpdate) => {
        for (const wish of made.wishes) wish.heard(made, update)
      }
      made.watch = this.servers.watch({ upstream, identity, caller, uri, told })
      return made
    })
  }

  /** That wish is over; with the last one the server is told so. */
  leave(source: Source, wish: Wish): void {
    source.wishes.delete(wish)
    if (source.wishes.size > 0 || this.#sources.get(source.key) !== source) return
    this.#sources.delete(source.key)
    source.watch?.end()
  }

  /** Joins the source's others. @returns why its server does not tell, as `Watch.agreed` */
  async join(source: Source, wish: Wish): Promise<Denial | Failure | undefined> {
    source.wishes.add(wish)
    return source.watch?.agreed
  }
}

function keyOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject])
}
