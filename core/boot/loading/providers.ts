import {
  Bus,
  Calls,
  Catalog,
  Clock,
  Database,
  Events,
  Info,
  KeyValue,
  Lock,
  Log,
  Metrics,
  type MigratingDatabase,
  PER_LINE,
  type PerLine,
  Seal,
  Secrets,
  type Token,
  Upstreams,
} from '../../../sdk/index.ts'
import type { Services } from '../../hooks/container.ts'
import { messageOf, type Problem } from '../../hooks/errors.ts'
import type { PluginSpec } from '../../hooks/setup.ts'
import { isRecord } from '../config/schema-walk.ts'

/** The gateway's own name among the plugin lines; no id has a dollar sign. */
const GATEWAY_LINE = '$gateway'

/** What the gateway itself is: somebody else's would tell plugins of another gateway than the one that runs. */
const GATEWAYS_OWN = [Calls, Catalog, Clock, Events, Info, Log, Metrics, Secrets, Upstreams]
/** Where names of two plugin lines must never meet. */
const LINES_OWN = [Bus, Database, KeyValue, Lock, Seal]

interface Claim {
  readonly spec: PluginSpec
  /** The provider's own name of it. */
  readonly name: string
  readonly token: Token<unknown>
}

/** Who provides which service, in which order that makes the plugin lines wait, and what was made. */
export class Providers {
  /** Claims that cannot stand, circles, and what failed for the gateway itself. */
  readonly problems: Problem[] = []
  /** Providers before those that need what they provide, otherwise as in the config; without circles. */
  readonly order: readonly PluginSpec[]
  /** Databases that are not the gateway's to migrate, by the id of the line whose tables are there. */
  readonly databases = new Map<string, MigratingDatabase>()
  readonly #claims = new Map<symbol, Claim>()
  readonly #made = new Map<symbol, unknown>()

  constructor(specs: readonly PluginSpec[]) {
    for (const spec of specs) this.#claim(spec)
    const order: PluginSpec[] = []
    const seen = new Set<PluginSpec>()
    for (const spec of specs) this.#visit(spec, [], seen, order)
    this.order = order
  }

  /** Whether a provider of something it needs could not be set up: then neither can this one. */
  blocked(spec: PluginSpec): boolean {
    return this.#needed(spec).some(({ token }) => !this.#made.has(token.key))
  }

  /** Offers a line what others provide of its needs, in front of what comes with the gateway. */
  offer(line: Services, spec: PluginSpec): Problem[] {
    return this.#needed(spec).flatMap((claim) => {
      const { token, spec: provider } = claim
      try {
        const service = this.#serviceFor(claim, spec.id)
        if (token.key === Database.key && spec.plugin.migrations !== undefined) {
          this.databases.set(spec.id, migrating(service))
        }
        line.offer(token, service)
        return []
      } catch (cause) {
        const reason = `made no ${token.name} for plugin ${spec.id}: ${messageOf(cause)}`
        return [problem('PLUGIN_PROVIDE', provider.id, 'provide', reason, 'Mend the plugin.')]
      }
    })
  }

  /** Takes what a plugin provides, once it is set up. @param hooks what its `setup` returned */
  take({ id, plugin }: PluginSpec, hooks: { readonly provide?: unknown }): Problem[] {
    const wrong = (reason: string, hint: string) => [
      problem('PLUGIN_PROVIDE', id, 'provide', reason, hint),
    ]
    const declared = Object.entries(plugin.provides ?? {})
    const { provide } = hooks
    if (declared.length === 0) {
      if (provide === undefined) return []
      return wrong('is there, but the plugin declares no `provides`', 'Declare what it makes.')
    }
    const keys = declared.map(([name]) => name).join(', ')
    if (typeof provide !== 'function') {
      return wrong('is missing', `Return it from \`setup\`: it makes ${keys}.`)
    }
    let made: unknown
    try {
      made = provide.call(hooks)
    } catch (cause) {
      return wrong(`failed: ${messageOf(cause)}`, 'Mend the plugin or its settings.')
    }
    if (!isRecord(made) || isThenable(made)) {
      // The promise is refused here; that it may reject too is no further news.
      if (made instanceof Promise) made.catch(() => {})
      return wrong('returned no services', `Return an object of ${keys}; connect in \`start\`.`)
    }
    const services = made
    const extra = Object.keys(services).filter((name) => plugin.provides?.[name] === undefined)
    return [
      ...extra.flatMap((name) =>
        wrong(`returned \`${name}\`, which \`provides\` does not declare`, 'Declare it.'),
      ),
      ...declared.flatMap(([name, token]) => {
        const service = services[name]
        const claim = this.#claims.get(token?.key)
        // A claim that cannot stand was told before.
        if (claim?.spec.id !== id || claim.name !== name) return []
        if (service === undefined || isThenable(service)) {
          return wrong(`returned no service for \`${name}\``, `Make ${token.name} there, at once.`)
        }
        if (!isPerLine(service) && LINES_OWN.some(({ key }) => key === token.key)) {
          const reason = `returned one ${token.name} for all plugin lines, whose names would meet`
          return wrong(reason, `Return \`perLine((line) => …)\` for \`${name}\`.`)
        }
        this.#made.set(token.key, service)
        return []
      }),
    ]
  }

  /** A service for the gateway's own use, if a plugin provides it. What fails is one of the problems. */
  own<T>(token: Token<T>): { readonly plugin: string; readonly service: T } | undefined {
    const claim = this.#claims.get(token.key)
    if (claim === undefined || !this.#made.has(token.key)) return undefined
    const { id } = claim.spec
    try {
      return { plugin: id, service: this.#serviceFor(claim, GATEWAY_LINE) as T }
    } catch (cause) {
      const reason = `made no ${token.name} for the gateway itself: ${messageOf(cause)}`
      this.problems.push(problem('PLUGIN_PROVIDE', id, 'provide', reason, 'Mend the plugin.'))
      return undefined
    }
  }

  #serviceFor({ token }: Claim, line: string): unknown {
    const made = this.#made.get(token.key)
    if (!isPerLine(made)) return made
    const service = made[PER_LINE](line)
    if (service === undefined || isThenable(service)) throw new TypeError('it returned no service')
    return service
  }

  /** What a line needs that others provide. A provider itself gets what lies beneath. */
  #needed(spec: PluginSpec): Claim[] {
    const needs = Object.values(spec.plugin.needs ?? {})
    const claims = needs.flatMap(({ key }) => this.#claims.get(key) ?? [])
    return claims.filter(({ spec: provider }) => provider !== spec)
  }

  #claim(spec: PluginSpec): void {
    for (const [name, token] of Object.entries(spec.plugin.provides ?? {})) {
      const refuse = (code: string, reason: string, hint: string) =>
        this.problems.push(problem(code, spec.id, `provides.${name}`, reason, hint))
      const twin = this.#claims.get(token?.key)
      if (typeof token?.key !== 'symbol') {
        refuse('PLUGIN_PROVIDE', 'is no token', 'Write a service of the SDK, or `token(…)`.')
      } else if (GATEWAYS_OWN.some(({ key }) => key === token.key)) {
        const hint = 'Provide a service of another name.'
        refuse('PLUGIN_PROVIDES_OWN', `${token.name} is the gateway itself`, hint)
      } else if (twin !== undefined) {
        const reason = `${token.name} is already provided by plugin ${twin.spec.id}`
        refuse('PLUGIN_PROVIDES_TWICE', reason, 'Take one of the two out.')
      } else this.#claims.set(token.key, { spec, name, token })
    }
  }

  /** Depth first, so that a provider comes just before the first line that needs it. */
  #visit(
    spec: PluginSpec,
    chain: readonly PluginSpec[],
    seen: Set<PluginSpec>,
    order: PluginSpec[],
  ): void {
    const at = chain.indexOf(spec)
    if (at >= 0) {
      this.#circle(chain.slice(at))
      return
    }
    if (seen.has(spec)) return
    const before = this.problems.length
    for (const { spec: provider } of this.#needed(spec)) {
      this.#visit(provider, [...chain, spec], seen, order)
    }
    seen.add(spec)
    if (this.problems.length === before) order.push(spec)
  }

  #circle(chain: readonly PluginSpec[]): void {
    const steps = chain.map((one, index) => {
      const next = chain[(index + 1) % chain.length] as PluginSpec
      const claim = this.#needed(one).find(({ spec }) => spec === next)
      return `${one.id} needs ${claim?.token.name} of ${next.id}`
    })
    const [first] = chain as readonly [PluginSpec]
    const reason = `waits for itself: ${steps.join(', ')}`
    const hint = 'Take one of these plugins out, or replace it by one that needs less.'
    this.problems.push(problem('PLUGIN_CYCLE', first.id, 'needs', reason, hint))
  }
}

function problem(code: string, id: string, path: string, reason: string, hint: string): Problem {
  return { code, where: `plugin ${id}`, path, reason, hint }
}

function migrating(service: unknown): MigratingDatabase {
  const database = service as MigratingDatabase
  if (typeof database.migrate === 'function') return database
  throw new TypeError('it has no method `migrate`')
}

function isPerLine(value: unknown): value is PerLine<unknown> {
  return isRecord(value) && typeof (value as Partial<PerLine<unknown>>)[PER_LINE] === 'function'
}

function isThenable(value: unknown): boolean {
  return isRecord(value) && typeof value.then === 'function'
}
