import { resolve } from 'node:path'
import type { Plugin } from '../../../sdk/index.ts'
import { GatewayError } from '../../hooks/errors.ts'
import { PluginLines } from '../loading/plugin-lines.ts'
import { ConfigTree } from './config-tree.ts'
import { PATTERNS, type Unit } from './quantities.ts'
import { CONFIG_SCHEMA, PLUGIN_LINE_SCHEMA } from './schema.ts'
import { mapSchema, type Node } from './schema-walk.ts'
import { UPSTREAM_SCHEMA } from './upstream-schema.ts'

/** A plugin whose settings the schema tells. */
export interface UsedPlugin {
  /** What its plugin lines say under `use`. */
  readonly use: string
  readonly plugin: Plugin
}

const REFERENCE = { type: 'string', pattern: '\\$\\{.+\\}' }

/**
 * The schema for a config file with exactly its plugins' settings. The file may be unfinished or wrong
 * otherwise.
 * @throws GatewayError when the file or one of its plugins cannot be read
 */
export async function schemaFor(
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<object> {
  const file = resolve(path)
  const tree = new ConfigTree(file, env)
  const lines = new PluginLines(tree)
  if (!tree.broken) await lines.load(file)
  const problems = tree.problems(() => true)
  const fatal = tree.broken ? problems : problems.filter(({ code }) => code.startsWith('PLUGIN_'))
  if (fatal.length > 0) throw new GatewayError(fatal)
  return editorSchema(lines.used(), { open: false })
}

/**
 * A config's schema as editors want it: quantities as patterns, references allowed, plugins' settings by
 * `use`.
 * @param options `open`: upstreams may have keys that none of these plugins claims
 */
export function editorSchema(
  plugins: readonly UsedPlugin[],
  { open }: { readonly open: boolean },
): object {
  const { additionalProperties, ...upstream } = UPSTREAM_SCHEMA
  const ends = open ? {} : { additionalProperties }
  const claimed = claims(plugins)
  const { upstream: fallback } = CONFIG_SCHEMA.properties.defaults.properties
  const schema = {
    ...CONFIG_SCHEMA,
    properties: {
      ...CONFIG_SCHEMA.properties,
      defaults: {
        ...CONFIG_SCHEMA.properties.defaults,
        properties: {
          upstream: { ...fallback, properties: { ...fallback.properties, ...claimed } },
        },
      },
      upstreams: {
        ...CONFIG_SCHEMA.properties.upstreams,
        additionalProperties: {
          ...upstream,
          ...ends,
          properties: { ...upstream.properties, ...claimed },
        },
      },
      plugins: { ...CONFIG_SCHEMA.properties.plugins, items: withConfigs(plugins) },
    },
  }
  const { description, ...rest } = mapSchema(schema, forEditors) as Node
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Patchbay',
    description,
    ...rest,
  }
}

function claims(plugins: readonly UsedPlugin[]): Node {
  return Object.fromEntries(
    plugins.flatMap(({ use, plugin: { upstreamSettings: claimed } }) => {
      if (claimed === undefined) return []
      const { key, schema } = claimed
      const description = `${schema.description ?? ''} Claimed by ${use}.`.trim()
      return [[key, { ...schema, description }]]
    }),
  )
}

function withConfigs(plugins: readonly UsedPlugin[]): Node {
  return {
    ...PLUGIN_LINE_SCHEMA,
    allOf: plugins.map(({ use, plugin }) => ({
      if: { properties: { use: { const: use } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { config: plugin.configSchema } },
    })),
  }
}

function forEditors(node: Node): Node {
  const { format, minimum, maximum, ...rest } = node
  const isQuantity = format === 'duration' || format === 'size'
  const bare = isQuantity
    ? { ...rest, type: ['string', 'integer'], pattern: PATTERNS[format as Unit] }
    : node
  const isText = node.type === 'string' && !node.pattern && !node.format
  const isBranch = ['object', 'array'].includes(node.type as string) || Array.isArray(node.type)
  const isLeaf = node.type !== undefined || node.enum !== undefined
  if (!isLeaf || isBranch || isText) return bare
  const { description, default: fallback, ...form } = bare as Node
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [form, REFERENCE],
  }
}
