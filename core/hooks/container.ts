// tsyringe refuses to load without this polyfill; no decorator is used. Imported here and nowhere else.
import 'reflect-metadata'
import { container, type DependencyContainer } from 'tsyringe'
import type { Token, Tokens } from '../../sdk/index.ts'
import type { Problem } from './errors.ts'

/**
 * The services of one gateway, in a child of tsyringe's global container, which stays empty: two gateways
 * can live in one process; a child per plugin line, for services that know whom they serve.
 */
export class Services {
  readonly #container: DependencyContainer
  readonly #wraps = new Map<symbol, (service: never) => unknown>()

  constructor(parent: DependencyContainer = container) {
    this.#container = parent.createChildContainer()
  }

  /** Offers a service to this container and its children. */
  offer<T>(token: Token<T>, service: T): this {
    // By a factory, since a value that is `null` would be none.
    this.#container.register(token.key, { useFactory: () => service })
    return this
  }

  /** Whoever is given this service by this container gets what `wrap` makes of it, whoever offered it. */
  wrap<T>({ key }: Token<T>, wrap: (service: T) => T): this {
    const inner = this.#wraps.get(key) as ((service: T) => T) | undefined
    this.#wraps.set(key, (service: T) => wrap(inner === undefined ? service : inner(service)))
    return this
  }

  /** A container that sees these services and may offer its own in front of them. */
  child(): Services {
    return new Services(this.#container)
  }

  /** The services a plugin asked for, or what is missing, all at once. */
  resolve(
    plugin: string,
    needs: Tokens,
  ): { services: Record<string, unknown>; problems: Problem[] } {
    const services: Record<string, unknown> = {}
    const problems: Problem[] = []
    for (const [name, token] of Object.entries(needs)) {
      if (this.#container.isRegistered(token.key, true)) {
        const service: unknown = this.#container.resolve(token.key)
        const wrap = this.#wraps.get(token.key)
        services[name] = wrap === undefined ? service : wrap(service as never)
      } else {
        problems.push({
          code: 'PLUGIN_NEEDS_SERVICE',
          where: `plugin ${plugin}`,
          reason: `needs the service ${token.name}, which nothing provides`,
          hint: 'Update the gateway, or enable a plugin that provides it.',
        })
      }
    }
    return { services, problems }
  }
}
