import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Schema } from 'mcp-patchbay/sdk'
import { editorSchema } from '../../core/boot/config/editor-schema.ts'
import { sectionOf } from '../../sdk/testing/readme.ts'
import { settingRows } from '../../sdk/testing/settings-table.ts'
import { markdown } from './markdown.ts'
import { type BundledPlugin, bundledPlugins, ROOT } from './plugins.ts'

/** Path in the repository → the text that should stand there, for every file made from schemas. */
export async function generated(): Promise<Map<string, string>> {
  const plugins = await bundledPlugins()
  const files = new Map<string, string>()
  const lines = plugins.map(({ name, plugin }) => ({ use: name, plugin }))
  files.set(
    'config/patchbay.schema.json',
    `${JSON.stringify(editorSchema(lines, { open: true }), null, 2)}\n`,
  )
  for (const one of plugins) {
    files.set(`plugins/${one.name}/README.md`, withSection(one.readme, 'Settings', settings(one)))
  }
  const index = readFileSync(join(ROOT, 'plugins', 'README.md'), 'utf8')
  files.set('plugins/README.md', withSection(index, 'Bundled', bundledTable(plugins)))
  return files
}

function settings({ plugin }: BundledPlugin): string {
  const own = table(plugin.configSchema)
  const under = plugin.upstreamSettings
  if (under === undefined) return own
  const { key, schema } = under
  return `${own}\n\nUnder every upstream, in \`${key}\`:\n\n${table(schema, key)}`
}

function table(schema: Schema, start = ''): string {
  const rows = settingRows(schema, start)
  return rows.length === 0
    ? 'None.'
    : markdown([['Setting', 'Type', 'Default', 'Description'], ...rows])
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
