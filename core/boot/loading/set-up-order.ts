import { Bus, KeyValue, Tracer } from '../../../sdk/index.ts'
import type { Services } from '../../hooks/container.ts'
import { GatewayError, type Problem } from '../../hooks/errors.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import { checkOffers } from '../../hooks/offer-check.ts'
import { type PluginSpec, setUpPlugins } from '../../hooks/setup.ts'
import { inputProblems } from './offered-inputs.ts'
import { Providers } from './providers.ts'

/** Services that the gateway itself uses, most of them only where a plugin provides them. */
export interface OwnServices {
  /** Where it keeps what every replica must know; `undefined`: in its memory. */
  readonly keyValue: KeyValue | undefined
  /** How its replicas speak to each other; the embedded one, which knows only itself, when no plugin provides one. */
  readonly bus: Bus
  /** Who traces calls, and the line that provides it. */
  readonly tracer: { readonly plugin: string; readonly service: Tracer | null } | undefined
}

/** The plugin lines, set up, and what came of it. */
export interface LinesSetUp {
  /** In config order. */
  readonly lines: readonly PluginLine[]
  readonly own: OwnServices
  /** Whether the gateway's own database holds the tables of this line. */
  migrates(spec: PluginSpec): boolean
  readonly problems: readonly Problem[]
}

/**
 * Sets up every plugin line, providers before those that need what they provide, and tells all that is
 * wrong: one line keeps nobody from judging the others to the end.
 * @param bus the gateway's own, unless a plugin provides one
 * @param prepare offers a line the services that come with the gateway
 */
export function setUpInOrder(
  specs: readonly PluginSpec[],
  services: Services,
  bus: Bus,
  prepare: (line: Services, spec: PluginSpec) => void,
): LinesSetUp {
  const providers = new Providers(specs)
  const problems: Problem[] = []
  const ready = new Map<PluginSpec, PluginLine>()
  for (const spec of providers.order) {
    if (providers.blocked(spec)) continue
    const offer = (line: Services) => {
      prepare(line, spec)
      problems.push(...providers.offer(line, spec))
    }
    try {
      const [line] = setUpPlugins([spec], services, offer) as [PluginLine]
      problems.push(...providers.take(spec, line.hooks as object))
      ready.set(spec, { ...migrated(line, spec, providers), turn: ready.size })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      problems.push(...error.problems)
    }
  }
  const lines = specs.flatMap((spec) => ready.get(spec) ?? [])
  problems.push(...checkOffers(lines), ...inputProblems(lines))
  const own = {
    keyValue: providers.own(KeyValue)?.service,
    bus: providers.own(Bus)?.service ?? bus,
    tracer: providers.own(Tracer),
  }
  return {
    lines,
    own,
    migrates: ({ id }) => !providers.databases.has(id),
    problems: [...providers.problems, ...problems],
  }
}

/** A line whose tables are in a database that a plugin provides: they are there before it starts. */
function migrated(
  line: PluginLine,
  { id, plugin: { migrations } }: PluginSpec,
  { databases }: Providers,
): PluginLine {
  const database = databases.get(id)
  if (database === undefined || migrations === undefined) return line
  const { hooks } = line
  // Its prototype stays, for plugins written as classes.
  const all = Object.assign(Object.create(Object.getPrototypeOf(hooks)), hooks, {
    async start() {
      await database.migrate(migrations)
      await hooks.start?.call(this)
    },
  })
  return { ...line, hooks: all }
}
