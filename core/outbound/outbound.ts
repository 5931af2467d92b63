import type { Caller, Maybe, Outcome, UpstreamStatus } from '../../sdk/index.ts'
import type { ListedEntry } from '../catalog/ports.ts'
import type { Servers } from '../kernel/ports.ts'
import type { Round } from '../kernel/round.ts'
import type { Watch, WatchedServers, WatchOrder } from '../kernel/subscriptions.ts'
import { mergedExtensions } from './extensions.ts'
import { HeldRound } from './held-round.ts'
import type { Owner } from './pool.ts'
import type { UpstreamConfig } from './settings.ts'
import { Upstream } from './upstream.ts'
import type { UpstreamHost } from './upstream-host.ts'

/** All upstreams of a gateway. They know nothing of each other: none waits for another. */
export class Outbound implements Servers, WatchedServers {
  readonly #upstreams: ReadonlyMap<string, Upstream>

  constructor(configs: readonly UpstreamConfig[], host: UpstreamHost) {
    this.#upstreams = new Map(configs.map((config) => [config.id, new Upstream(config, host)]))
  }

  /** Begins to connect to every upstream; returns at once. */
  start(): void {
    for (const upstream of this.#upstreams.values()) upstream.start()
  }

  /** How each upstream is doing, in config order. */
  status(): Record<string, UpstreamStatus> {
    return Object.fromEntries([...this.#upstreams].map(([id, { status }]) => [id, status]))
  }

  send(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome> {
    const upstream = this.#of(round.target?.upstream ?? '')
    const held = round.paused?.relayed?.held
    if (held === undefined) return upstream.call(round, headers)
    // Its server waits with the call open, whatever has become of its other connections.
    return new Promise((resolve) => new HeldRound(upstream, round, resolve).start(held))
  }

  async discover(
    id: string,
    identity: string,
    caller: Caller,
  ): Promise<readonly ListedEntry[] | undefined> {
    return this.#upstreams.get(id)?.discover(identity, caller)
  }

  extensions(): Readonly<Record<string, unknown>> {
    return mergedExtensions(
      [...this.#upstreams.values()].map(({ facts }) => facts?.capabilities ?? {}),
    )
  }

  instructions(): ReadonlyMap<string, string> {
    const all = [...this.#upstreams].map(
      ([id, { facts }]) => [id, facts?.instructions ?? ''] as const,
    )
    return new Map(all.filter(([, text]) => text !== ''))
  }

  /** A principal's own sessions and processes are to end, with the calls that are on them. */
  forget(principal: Owner): void {
    for (const upstream of this.#upstreams.values()) upstream.forget(principal)
  }

  tells(id: string): boolean | undefined {
    return this.#of(id).watches.tells
  }

  lane(order: Pick<WatchOrder, 'upstream' | 'identity' | 'caller'>): string {
    return this.#of(order.upstream).watches.key(order)
  }

  watch(order: WatchOrder): Watch {
    return this.#of(order.upstream).watches.watch(order)
  }

  /** Whether a server may be there that tells of resources. */
  get tellsOfResources(): boolean {
    return [...this.#upstreams.values()].some(({ watches }) => watches.tells !== false)
  }

  /** Reads an upstream's list again, soon. @returns whether there is such an upstream */
  refresh(id: string): boolean {
    this.#upstreams.get(id)?.refresh()
    return this.#upstreams.has(id)
  }

  /** Connects an upstream anew, now. `undefined` = no such upstream; never rejects. */
  reconnect(id: string): Promise<void> | undefined {
    return this.#upstreams.get(id)?.reconnect()
  }

  /** Ends every connection and process. */
  async stop(): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map((upstream) => upstream.stop()))
  }

  /** The catalog only knows configured upstreams; a target of another is a bug. */
  #of(id: string): Upstream {
    const upstream = this.#upstreams.get(id)
    if (upstream === undefined) throw new Error(`no upstream ${id}`)
    return upstream
  }
}
