import {
  CONTRACT,
  DATA_NAMES,
  type DataName,
  EVENT_TYPES,
  HOOK_NAMES,
  type HookName,
  type Hooks,
  InvalidSettings,
  type Plugin,
} from '../../sdk/index.ts'
import type { Services } from './container.ts'
import { declarationFaults } from './declaration.ts'
import { GatewayError, messageOf, type Problem } from './errors.ts'
import type { Mode, PluginLine } from './hooks.ts'
import { didYouMean } from './nearest.ts'
import { positionOf } from './position.ts'

/** A plugin line of the config, loaded and checked, not yet set up. */
export interface PluginSpec {
  readonly id: string
  readonly plugin: Plugin
  /** Settings that passed the plugin's schema, defaults filled in. */
  readonly config: unknown
  /** The settings under the key it claims, by upstream id. */
  readonly upstreams: ReadonlyMap<string, unknown>
  readonly onFailure: 'deny' | 'skip'
  readonly timeouts: Partial<Record<HookName, number>>
  /** `enforce` when left out. */
  readonly mode?: Mode
}

/**
 * Runs every plugin's `setup`.
 * @param prepare offers a line the services that know whom they serve
 * @throws GatewayError with the problems of all plugins at once
 */
export function setUpPlugins(
  specs: readonly PluginSpec[],
  services: Services,
  prepare: (line: Services, spec: PluginSpec) => void,
): PluginLine[] {
  const problems: Problem[] = []
  const lines: PluginLine[] = []
  for (const spec of specs) {
    const { id, plugin, onFailure, timeouts, mode = 'enforce' } = spec
    const child = services.child()
    prepare(child, spec)
    const needs = child.resolve(id, plugin.needs ?? {})
    problems.push(...needs.problems)
    if (needs.problems.length > 0) continue
    let hooks: Hooks
    try {
      hooks = plugin.setup(spec.config as never, needs.services, spec.upstreams as never)
    } catch (cause) {
      problems.push(setupFailed(id, cause))
      continue
    }
    problems.push(...checkHooks(spec, hooks))
    const { phase, shadow = false } = plugin
    const provides = Object.values(plugin.provides ?? {}).map((token) => token?.name)
    lines.push({ id, phase, hooks, onFailure, timeouts, mode, shadow, provides })
  }
  if (problems.length > 0) throw new GatewayError(problems)
  return lines
}

/** What is wrong with a plugin's shape, before it is set up. Empty when nothing is. */
export function checkPluginShape(id: string, value: unknown): Problem[] {
  const plugin = value as Partial<Plugin> | undefined | null
  if (typeof plugin?.contract !== 'number') {
    return [
      setupProblem(
        id,
        'has no default export made by definePlugin',
        'Write `export default definePlugin({…})`.',
      ),
    ]
  }
  if (plugin.contract !== CONTRACT) {
    return [
      setupProblem(
        id,
        `was made for plugin contract ${plugin.contract}, this gateway has ${CONTRACT}`,
        plugin.contract > CONTRACT ? 'Update the gateway.' : 'Update the plugin.',
      ),
    ]
  }
  return declarationFaults(plugin).map(({ code, reason, hint }) => {
    return { code, where: `plugin ${id}`, reason, hint }
  })
}

/** A plugin that throws a plain Error refuses its settings; any other is as likely its own mistake. */
function setupFailed(id: string, cause: unknown): Problem {
  if (cause instanceof InvalidSettings) {
    const { path, reason, hint = 'Mend its settings.' } = cause
    return { code: 'CONFIG_INVALID', where: `plugin ${id}`, path: `config.${path}`, reason, hint }
  }
  const isPlain = cause instanceof Error && Object.getPrototypeOf(cause) === Error.prototype
  // Where a plain Error was thrown is nobody's business who mends settings.
  const position = isPlain ? undefined : positionOf(cause)
  const reason = `setup failed: ${messageOf(cause)}${position === undefined ? '' : ` (at ${position})`}`
  const hint = isPlain ? 'Mend its settings.' : 'Mend the plugin or its settings.'
  return { ...setupProblem(id, reason, hint), path: 'config' }
}

function checkHooks({ id, plugin }: PluginSpec, hooks: unknown): Problem[] {
  if (typeof hooks !== 'object' || hooks === null || 'then' in hooks) {
    // The promise is refused here; that it may reject too is no further news.
    if (hooks instanceof Promise) hooks.catch(() => {})
    return [
      setupProblem(
        id,
        'setup returned no hooks',
        'Return an object of hooks, not a promise; do I/O in `start`.',
      ),
    ]
  }
  const problems = Object.entries(hooks).flatMap(([name, hook]) => {
    // Data is judged where its schemas can be, services where all that is provided is known.
    if (DATA_NAMES.includes(name as DataName) || name === 'provide') return []
    if (!HOOK_NAMES.includes(name as HookName)) {
      const known = [...HOOK_NAMES, ...DATA_NAMES, 'provide']
      const near = didYouMean(name, known)
      const hint = `Hooks: ${known.join(', ')}.`
      return [setupProblem(id, `no hook \`${name}\`${near}`, hint, name)]
    }
    return typeof hook === 'function' || hook === undefined
      ? []
      : [setupProblem(id, `hook \`${name}\` is not a function`, 'Return a function.')]
  })
  const { observes } = hooks as Hooks
  if (observes !== undefined) problems.push(...observesProblems(id, hooks as Hooks))
  if (
    ('beforeCall' in hooks || 'afterCall' in hooks || 'onMessage' in hooks) &&
    plugin.phase === undefined
  ) {
    problems.push(
      setupProblem(
        id,
        'has beforeCall, afterCall or onMessage but no phase',
        "Set `phase` to 'shape' or 'guard'.",
      ),
    )
  }
  return problems
}

function observesProblems(id: string, { observe, observes }: Hooks): Problem[] {
  const hint = `Types of events: ${EVENT_TYPES.join(', ')}.`
  if (!Array.isArray(observes)) return [setupProblem(id, '`observes` is not a list', hint)]
  const unknown = observes.filter((type) => !EVENT_TYPES.includes(type))
  const problems = unknown.map((type) =>
    setupProblem(id, `\`observes\` has ${JSON.stringify(type)}, which is no type of event`, hint),
  )
  if (observe !== undefined) return problems
  const idle = '`observes` says what `observe` is told, and there is no `observe`'
  return [...problems, setupProblem(id, idle, 'Add `observe`, or leave `observes` out.')]
}

function setupProblem(id: string, reason: string, hint: string, unknownHook?: string): Problem {
  return {
    code: unknownHook === undefined ? 'PLUGIN_SETUP' : 'PLUGIN_UNKNOWN_HOOK',
    where: `plugin ${id}`,
    reason,
    hint,
    ...(unknownHook === undefined ? {} : { path: unknownHook }),
  }
}
