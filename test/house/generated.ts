import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Schema, UpstreamSettings } from 'mcp-patchbay/sdk'
import { PATTERNS, type Unit } from '../../core/boot/quantities.ts'
import { CONFIG_SCHEMA, PLUGIN_LINE_SCHEMA } from '../../core/boot/schema.ts'
import { mapSchema, type Node } from '../../core/boot/schema-walk.ts'
import { UPSTREAM_SCHEMA } from '../../core/boot/upstream-schema.ts'
import { type BundledPlugin, bundledPlugins, ROOT, sectionOf } from './plugins.ts'

const REFERENCE = { type: 'string', pattern: '\\$\\{.+\\}' }

/** Path in the repository → the text that should stand there, for every file made from schemas. */
export async function generated(): Promise<Map<string, string>> {
  const plugins = await bundledPlugins()
  const files = new Map<string, string>()
  files.set('config/patchbay.schema.json', `${JSON.stringify(editorSchema(plugins), null, 2)}\n`)
  for (const one of plugins) {
    files.set(`plugins/${one.name}/README.md`, withSection(one.readme, 'Settings', settings(one)))
  }
  const index = readFileSync(join(ROOT, 'plugins', 'README.md'), 'utf8')
  files.set('plugins/README.md', withSection(index, 'Bundled', bundledTable(plugins)))
  return files
}

/** The config's schema as editors want it: quantities as patterns, references allowed, plugins' settings by `use`. */
function editorSchema(plugins: readonly BundledPlugin[]): Node {
  const claimed = plugins.flatMap(({ name, plugin }) =>
    plugin.upstreamSettings === undefined ? [] : { name, ...plugin.upstreamSettings },
  )
  const { additionalProperties: _, ...upstream } = UPSTREAM_SCHEMA
  const schema = {
    ...CONFIG_SCHEMA,
    properties: {
      ...CONFIG_SCHEMA.properties,
      upstreams: {
        ...CONFIG_SCHEMA.properties.upstreams,
        // Open: plugins from elsewhere claim keys that this file cannot know.
        additionalProperties: {
          ...upstream,
          properties: { ...upstream.properties, ...claims(claimed) },
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

function claims(claimed: readonly (UpstreamSettings & { name: string })[]): Node {
  return Object.fromEntries(
    claimed.map(({ key, schema, name }) => [
      key,
      { ...schema, description: `${schema.description ?? ''} Claimed by ${name}.`.trim() },
    ]),
  )
}

function withConfigs(plugins: readonly BundledPlugin[]): Node {
  return {
    ...PLUGIN_LINE_SCHEMA,
    allOf: plugins.map(({ name, plugin }) => ({
      if: { properties: { use: { const: name } } },
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

function settings({ plugin }: BundledPlugin): string {
  const own = table(plugin.configSchema)
  const under = plugin.upstreamSettings
  if (under === undefined) return own
  const { key, schema } = under
  return `${own}\n\nUnder every upstream, in \`${key}\`:\n\n${table(schema, key)}`
}

function table(schema: Schema, start = ''): string {
  const rows = settingRows(schema as Node, start)
  return rows.length === 0
    ? 'None.'
    : markdown([['Setting', 'Type', 'Default', 'Description'], ...rows])
}

/** A table whose columns are as wide as their widest cell: the formatter's own form. */
function markdown(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')),
  )
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(3, ...cells.map((row) => [...(row[i] ?? '')].length)),
  )
  const line = (row: readonly string[], fill = ' ') =>
    `| ${row.map((cell, i) => cell + fill.repeat((widths[i] as number) - [...cell].length)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...body.map((row) => line(row)),
  ].join('\n')
}

function settingRows(schema: Node, path: string): string[][] {
  const properties = (schema.properties ?? {}) as Record<string, Node>
  const required = (schema.required ?? []) as readonly string[]
  return Object.entries(properties).flatMap(([name, one]) => {
    const at = path === '' ? name : `${path}.${name}`
    const fallback = required.includes(name)
      ? 'required'
      : 'default' in one
        ? `\`${JSON.stringify(one.default)}\``
        : ''
    const cells = [`\`${at}\``, typeOf(one), fallback, String(one.description ?? '')]
    const items = one.items as Node | undefined
    const values = one.additionalProperties
    return [
      cells,
      ...settingRows(one, at),
      ...(items === undefined ? [] : settingRows(items, `${at}[]`)),
      ...(typeof values === 'object' ? settingRows(values as Node, `${at}.*`) : []),
    ]
  })
}

function typeOf(node: Node): string {
  if (node.format === 'duration' || node.format === 'size') return node.format
  if (Array.isArray(node.enum)) return node.enum.map((one) => `\`${one}\``).join(' or ')
  if ('const' in node) return `\`${JSON.stringify(node.const)}\``
  const branches = node.anyOf ?? node.oneOf
  if (Array.isArray(branches)) return [...new Set(branches.map(typeOf))].join(' or ')
  if (node.type === 'array') return `list of ${plural(typeOf((node.items ?? {}) as Node))}`
  if (node.type === 'object') return 'mapping'
  if (node.type === 'string' && node.format !== undefined) return String(node.format)
  return [node.type ?? 'any'].flat().join(' or ')
}

function plural(type: string): string {
  return /^(string|number|integer|boolean|mapping|duration|size)$/.test(type) ? `${type}s` : type
}

function bundledTable(plugins: readonly BundledPlugin[]): string {
  const rows = plugins.map(({ name, readme }) => {
    const [first = ''] = sectionOf(readme, 'What it does').trim().split('\n\n')
    const sentence = /^.*?\.(?=\s|$)/s.exec(first)?.[0] ?? first
    return [`[\`${name}\`](${name}/README.md)`, sentence]
  })
  return markdown([['Plugin', 'What it does'], ...rows])
}

function withSection(text: string, heading: string, body: string): string {
  const start = new RegExp(`^## ${heading}$`, 'm').exec(text)
  if (start === null) throw new Error(`a README has no heading "## ${heading}"`)
  const from = start.index + start[0].length
  const next = /^## /m.exec(text.slice(from))
  const rest = next === null ? '' : `\n${text.slice(from + next.index)}`
  return `${text.slice(0, from)}\n\n${body}\n${rest}`
}
