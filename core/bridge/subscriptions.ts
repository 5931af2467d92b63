import type { Caller } from '../../sdk/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Subscriber, Subscriptions, WatchedServers } from '../kernel/subscriptions.ts'
import { Sources, type SubscriptionLimits } from './sources.ts'
import { OneSubscriber } from './subscriber.ts'

/**
 * Who wants to be told of which resource, of whom (MCP, resources: subscriptions; 2026-07-28,
 * subscriptions): one subscription at a server serves all its clients, whatever revision either speaks.
 */
export class SubscriptionBroker implements Subscriptions {
  readonly #sources: Sources

  constructor(kernel: Kernel, servers: WatchedServers, limits: SubscriptionLimits) {
    this.#sources = new Sources(kernel, servers, limits)
  }

  get possible(): boolean {
    return this.#sources.servers.tellsOfResources
  }

  open(caller: Caller): Subscriber {
    return new OneSubscriber(this.#sources, caller)
  }
}
