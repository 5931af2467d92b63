import { checkAgainst, checkSchema } from '../../core/boot/config/validator.ts'
import { GatewayError, type Problem } from '../../core/hooks/errors.ts'
import { checkPluginShape, type PluginSpec } from '../../core/hooks/setup.ts'
import type { Plugin, Schema } from '../index.ts'
import { deepFreeze, frozenMap } from './freeze.ts'

/** A plugin and its settings as an operator writes them. */
export type PluginWithConfig = readonly [plugin: Plugin, config?: unknown]

/** Claimed settings by upstream id and claimed key, as an operator writes them. */
export type UpstreamsSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/**
 * Plugin lines as the config file would give them: validated, defaults filled in, frozen.
 * @param shadowed which line is in shadow
 * @throws GatewayError with every problem, in the words an operator would read
 */
export function pluginSpecs(
  lines: readonly PluginWithConfig[],
  upstreams: UpstreamsSettings,
  shadowed?: number,
): PluginSpec[] {
  const problems: Problem[] = []
  const ids = new Set<string>()
  const claimed = new Set<string>()
  const specs = lines.map(([plugin, config = {}], index): PluginSpec => {
    const id = freeId(ids, plugin.name)
    problems.push(...checkPluginShape(id, plugin))
    const where = `plugin ${id}`
    const isShadow = index === shadowed
    if (isShadow && plugin.shadow !== true) {
      const reason = 'the plugin does not say that it can run dry'
      const hint = 'Write `shadow: true` into its definition.'
      problems.push({ code: 'CONFIG_INVALID', where, path: 'mode', reason, hint })
    }
    const key = plugin.upstreamSettings?.key
    if (key !== undefined) claimed.add(key)
    return {
      id,
      plugin,
      config: checked(plugin.configSchema, config, where, ['config'], problems),
      upstreams: claimedSettings(plugin, upstreams, problems),
      onFailure: 'deny',
      timeouts: {},
      mode: isShadow ? 'shadow' : 'enforce',
    }
  })
  for (const [upstream, settings] of Object.entries(upstreams)) {
    for (const key of Object.keys(settings)) {
      if (claimed.has(key)) continue
      problems.push({
        code: 'CONFIG_UNKNOWN_KEY',
        where: `upstream ${upstream}`,
        path: key,
        reason: 'no plugin of this test claims this key',
        hint: 'Add the plugin that does with `with`, or leave the key out.',
      })
    }
  }
  if (problems.length > 0) throw new GatewayError(problems)
  return specs
}

function claimedSettings(
  { upstreamSettings }: Plugin,
  upstreams: UpstreamsSettings,
  problems: Problem[],
): ReadonlyMap<string, unknown> {
  if (upstreamSettings === undefined) return frozenMap([])
  const { key, schema } = upstreamSettings
  const claims = Object.entries(upstreams).filter(([, settings]) => key in settings)
  return frozenMap(
    claims.map(([id, settings]) => [
      id,
      checked(schema, settings[key], `upstream ${id}`, [key], problems),
    ]),
  )
}

/** The value with its defaults, frozen; what is wrong with it goes to `problems`. */
function checked(
  schema: Schema,
  written: unknown,
  where: string,
  root: readonly string[],
  problems: Problem[],
): unknown {
  const reasons = checkSchema(schema)
  if (reasons.length > 0) {
    for (const reason of reasons) {
      problems.push({
        code: 'PLUGIN_SCHEMA',
        where,
        path: pathText(root),
        reason: `the schema ${reason}`,
        hint: 'Mend the plugin.',
      })
    }
    return written
  }
  const { value, problems: found } = checkAgainst(schema, written)
  for (const { path, reason, hint } of found) {
    problems.push({
      code: 'CONFIG_INVALID',
      where,
      path: pathText([...root, ...path]),
      reason,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  return deepFreeze(value)
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i ? '.' : ''}${key}`))
    .join('')
}

/** Two lines of one plugin need two ids. */
function freeId(taken: Set<string>, name: string): string {
  let id = name
  for (let n = 2; taken.has(id); n++) id = `${name}-${n}`
  taken.add(id)
  return id
}
