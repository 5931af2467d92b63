import type { Schema } from '../../../sdk/index.ts'
import type { PluginSpec } from '../../hooks/setup.ts'
import type { Path, Referenced } from './config-file.ts'
import { inlineRefs, isRecord } from './schema-walk.ts'

/** Keys of an upstream in which people write credentials; those of plugins are not known here. */
const PLAIN_UPSTREAM_KEYS: ReadonlySet<unknown> = new Set([
  'connectTimeout',
  'cwd',
  'enabled',
  'forwardHeaders',
  'grace',
  'prefix',
  'refresh',
  'session',
  'timeout',
  'timeouts',
  'tools',
  'totalTimeout',
  'trustAnnotations',
  'whenDown',
])

/**
 * What the log must not tell of a config: what references stood for where credentials are written, and
 * every setting marked `writeOnly`.
 */
export function secretSettings(
  referenced: readonly Referenced[],
  keys: readonly string[],
  plugins: readonly PluginSpec[],
): string[] {
  const secrets = new Set(keys)
  for (const { path, value } of referenced) {
    if (!isPlain(path) && !isPlainAddress(value)) secrets.add(value)
  }
  for (const { plugin, config, upstreams } of plugins) {
    collect(plugin.configSchema, config, secrets)
    const { upstreamSettings } = plugin
    if (upstreamSettings === undefined) continue
    for (const settings of upstreams.values()) collect(upstreamSettings.schema, settings, secrets)
  }
  return [...secrets].filter((one) => one !== '')
}

/** Whether everybody may know what stands there: the gateway itself prints it. */
function isPlain([top, , key, index]: Path): boolean {
  if (top === 'keys') return false
  if (top === 'plugins') return key !== 'config'
  if (top !== 'upstreams' && top !== 'defaults') return true
  return PLAIN_UPSTREAM_KEYS.has(key) || (key === 'command' && index === 0)
}

/** An address without credentials or query tells nothing that its own log lines should not. */
function isPlainAddress(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search } = new URL(value)
  return /^https?:$/.test(protocol) && username + password + search === ''
}

function collect(schema: Schema, value: unknown, secrets: Set<string>): void {
  const visit = (node: unknown, one: unknown): void => {
    if (!isRecord(node)) return
    if (node.writeOnly === true) leaves(one, secrets)
    for (const list of [node.allOf, node.anyOf, node.oneOf]) {
      if (Array.isArray(list)) for (const branch of list) visit(branch, one)
    }
    if (Array.isArray(one)) for (const item of one) visit(node.items, item)
    else if (isRecord(one)) {
      const properties = isRecord(node.properties) ? node.properties : {}
      for (const [name, member] of Object.entries(one)) {
        visit(
          Object.hasOwn(properties, name) ? properties[name] : node.additionalProperties,
          member,
        )
      }
    }
  }
  visit(inlineRefs(schema), value)
}

function leaves(value: unknown, secrets: Set<string>): void {
  if (typeof value === 'string') secrets.add(value)
  else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) leaves(one, secrets)
  }
}
