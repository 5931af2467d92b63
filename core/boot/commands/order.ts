import type { Route } from '../../../sdk/index.ts'
import type { HookTable, OfferName, PluginLine } from '../../hooks/hooks.ts'
import { type CommandInfo, commandsOf } from './commands.ts'
import { table } from './tables.ts'

/** One HTTP route of a plugin. */
interface OrderedRoute {
  readonly plugin: string
  /** Nothing for a plugin that knows its routes only once it has started. */
  readonly method?: Route['method']
  readonly path?: string
  readonly access?: NonNullable<Route['access']>
}

/** What a plugin offers, by what clients ask for: of a resource its URI, or the template of many. */
interface OfferedName {
  readonly plugin: string
  readonly name: string
}

/** What plugins do and where they stand, as `patchbay order` prints it. */
export interface Order {
  /**
   * Hook → plugin line ids in run order; hooks that nobody uses are left out. Lines in shadow stand apart,
   * under the hook's name with ` (shadow)`.
   */
  readonly hooks: Readonly<Record<string, readonly string[]>>
  readonly routes: readonly OrderedRoute[]
  readonly tools: readonly OfferedName[]
  readonly prompts: readonly OfferedName[]
  readonly resources: readonly OfferedName[]
  readonly commands: readonly (CommandInfo & { readonly plugin: string })[]
}

/** Everything the plugin lines of a config were set up to do. */
export function orderOf(table: HookTable, lines: readonly PluginLine[]): Order {
  return {
    hooks: hooksOf(table, lines),
    routes: routesOf(table),
    tools: offered(lines, 'tools', ({ name }) => name),
    prompts: offered(lines, 'prompts', ({ name }) => name),
    resources: offered(lines, 'resources', ({ uri, uriTemplate }) => uri ?? uriTemplate),
    commands: lines.flatMap((line) => commandsOf(line).map((one) => ({ plugin: line.id, ...one }))),
  }
}

function offered(
  lines: readonly PluginLine[],
  field: OfferName,
  nameOf: (definition: Readonly<Record<string, unknown>>) => unknown,
): OfferedName[] {
  // What a line in shadow offers is left out of the catalog.
  const enforced = lines.filter(({ mode }) => mode !== 'shadow')
  return enforced.flatMap(({ id, hooks }) =>
    (hooks[field] ?? []).map(({ definition }) => ({
      plugin: id,
      name: String(nameOf(definition)),
    })),
  )
}

function hooksOf(
  hooks: HookTable,
  lines: readonly PluginLine[],
): Record<string, readonly string[]> {
  const order: Record<string, readonly string[]> = {}
  const turns = [...lines].sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0))
  const provide = turns.flatMap(({ id, provides = [] }) => (provides.length > 0 ? id : []))
  if (provide.length > 0) order.provide = provide
  for (const [hook, listeners] of Object.entries(hooks.on)) {
    if (listeners !== null) order[hook] = listeners.map(({ plugin }) => plugin)
  }
  const shapers = hooks.shapers ?? []
  const guards = hooks.guards ?? []
  const dry = [...shapers, ...guards].flatMap((step) => step.dry?.plugin ?? [])
  const filters = (hooks.shadowFilters ?? []).map(({ plugin }) => plugin)
  const ids = (way: 'before' | 'after', steps: typeof shapers) =>
    steps.flatMap((step) => (step[way] === null ? [] : step.plugin))
  if (order.beforeCall !== undefined) {
    order.beforeCall = [...ids('before', shapers), ...ids('before', guards)]
  }
  if (order.afterCall !== undefined) {
    order.afterCall = [...ids('after', [...shapers].reverse()), ...ids('after', guards)]
  }
  if (order.stop !== undefined) order.stop = [...order.stop].reverse()
  if (filters.length > 0) order['listFilter (shadow)'] = filters
  if (dry.length > 0) order['beforeCall (shadow)'] = dry
  return order
}

function routesOf(hooks: HookTable): OrderedRoute[] {
  return (hooks.on.routes ?? []).flatMap(({ plugin, run }) => {
    const routes: OrderedRoute[] = []
    try {
      run({
        add: ({ method, path, access = 'authenticated' }) =>
          void routes.push({ plugin, method, path, access }),
      })
    } catch {
      // Set up and not started: what it reads in `start` is not there yet.
      return [{ plugin }]
    }
    return routes
  })
}

/** The same for people, one table per kind; what there is none of is left out. */
export function orderInWords(order: Order): string[] {
  const { hooks, routes, tools, prompts, resources, commands } = order
  const width = Math.max(12, ...Object.keys(hooks).map((hook) => hook.length)) + 2
  const runs = Object.entries(hooks).map(([hook, ids]) => `${hook.padEnd(width)}${ids.join(' → ')}`)
  const tables = [
    runs,
    table([
      ['ROUTE', 'ACCESS', 'PLUGIN'],
      ...routes.map(({ plugin, method, path, access = '' }) => [
        method === undefined ? 'known once it runs' : `${method} ${path}`,
        access,
        plugin,
      ]),
    ]),
    offeredTable('TOOL', tools),
    offeredTable('PROMPT', prompts),
    offeredTable('RESOURCE', resources),
    commandTable(commands),
  ].filter((lines) => lines.length > 0)
  if (tables.length === 0) return ['No plugin is enabled: every request is refused.']
  return tables.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}

function offeredTable(kind: string, names: readonly OfferedName[]): string[] {
  return table([[kind, 'PLUGIN'], ...names.map(({ plugin, name }) => [name, plugin])])
}

/** Commands as operators type them. */
export function commandTable(commands: Order['commands']): string[] {
  return table([
    ['COMMAND', 'WHAT IT DOES'],
    ...commands.map(({ plugin, name, description }) => [`patchbay ${plugin} ${name}`, description]),
  ])
}
