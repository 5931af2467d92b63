import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../core/boot/config/config.ts'
import { ConfigTree } from '../../core/boot/config/config-tree.ts'
import { isRecord, type Node } from '../../core/boot/config/schema-walk.ts'
import { bundledPlugins, loadPlugin } from '../../core/boot/loading/loader.ts'
import type { Problem } from '../../core/hooks/errors.ts'
import type { Plugin } from '../index.ts'
import { type Example, examples } from './readme.ts'
import type { UpstreamsSettings } from './settings.ts'

/** The settings of a plugin as an example writes them. */
export interface ExampleSettings {
  readonly config: unknown
  /** What the plugin claims, by upstream id. */
  readonly upstreams: UpstreamsSettings
}

/** What a README's examples came to. */
export interface ExamplesReading {
  readonly problems: readonly Problem[]
  /** Those of the first example that uses the plugin and passes. */
  readonly settings?: ExampleSettings
}

/** Whatever operators set: examples may name any variable. */
const ENVIRONMENT: Readonly<Record<string, string>> = new Proxy(
  {},
  { get: (_, name) => `the-value-of-${String(name)}-that-operators-set` },
)

/**
 * Judges every example as `patchbay check` would, environment variables set.
 * @param folder the plugin's, from where other packages are found
 * @param packageName what operators write after `use` when it is published
 */
export async function readExamples(
  readme: string,
  plugin: Plugin,
  folder: string,
  packageName: string | undefined,
): Promise<ExamplesReading> {
  const blocks = examples(readme)
  if (blocks.length === 0) {
    const hint = 'Write a config that uses the plugin in a ```yaml block under `## Examples`.'
    return { problems: [problem('README.md', 'has no example', hint)] }
  }
  const isOwn = (use: unknown) => namesPlugin(use, plugin.name, packageName)
  const load: typeof loadPlugin = async (use, _file, own) =>
    isOwn(use) ? { plugin, origin: folder } : loadPlugin(use, join(folder, 'patchbay.yaml'), own)
  const room = mkdtempSync(join(tmpdir(), 'patchbay-examples-'))
  try {
    const problems: Problem[] = []
    const written: ExampleSettings[] = []
    for (const [index, block] of blocks.entries()) {
      const file = join(room, `${index}.yaml`)
      writeFileSync(file, block.text)
      const reading = await readConfig(file, { env: ENVIRONMENT, load })
      if ('problems' in reading) problems.push(...reading.problems.map((one) => moved(one, block)))
      const tree = new ConfigTree(file, ENVIRONMENT)
      const settings = settingsIn(tree.value, isOwn, plugin)
      const better = betterName(settings?.use ?? '', plugin.name, packageName, tree.value)
      if (settings !== undefined && better !== undefined) {
        const reason = `the example says \`use: ${settings.use}\`, which finds nothing where the plugin is installed`
        const hint =
          packageName === undefined
            ? `Write \`use: ${better}\`, its path beside the config, or set \`pluginsDir\`.`
            : `Write \`use: ${better}\`, the name of its package; ${plugin.name} is only what it is called in the log.`
        problems.push(problem(`README.md:${block.line}`, reason, hint))
      }
      if (settings !== undefined && 'config' in reading) written.push(settings)
      if (settings !== undefined || tree.broken) continue
      const hint = `Add it to \`plugins\`: \`use: ${packageName ?? plugin.name}\`.`
      problems.push(problem(`README.md:${block.line}`, 'the example does not use the plugin', hint))
    }
    return { problems, ...(written[0] === undefined ? {} : { settings: written[0] }) }
  } finally {
    rmSync(room, { recursive: true })
  }
}

/** Whether a `use` is meant for the plugin: its name, its package's, or the path of its folder or file. */
function namesPlugin(use: unknown, name: string, packageName: string | undefined): boolean {
  if (typeof use !== 'string') return false
  if (use === name || use === packageName) return true
  if (isPath(use)) {
    const files = [name, `${name}.ts`, `${name}.js`]
    const own = packageName?.replace(/^@[^/]+\//, '')
    return use.split('/').some((part) => part === own || files.includes(part))
  }
  return use.replace(/^@[^/]+\//, '') === `patchbay-plugin-${name}`
}

/**
 * What an operator must write instead; `undefined` when they can write what stands there. A package is used by
 * its whole name; what is none by its path, or by its name where it comes with the gateway or from `pluginsDir`.
 */
function betterName(
  use: string,
  name: string,
  packageName: string | undefined,
  config: Node,
): string | undefined {
  if (packageName !== undefined) return use === packageName ? undefined : packageName
  if (use !== name || bundledPlugins().includes(name) || 'pluginsDir' in config) return undefined
  return `./${name}/index.ts`
}

function isPath(use: string): boolean {
  return /^[./]/.test(use)
}

function settingsIn(
  config: Node,
  isOwn: (use: unknown) => boolean,
  { upstreamSettings }: Plugin,
): (ExampleSettings & { readonly use: string }) | undefined {
  const lines = Array.isArray(config.plugins) ? config.plugins : []
  const line = lines.find((one) => isRecord(one) && isOwn(one.use))
  if (line === undefined) return undefined
  const upstreams: Record<string, Readonly<Record<string, unknown>>> = {}
  const key = upstreamSettings?.key
  for (const [id, one] of Object.entries(isRecord(config.upstreams) ? config.upstreams : {})) {
    if (key !== undefined && isRecord(one) && key in one) upstreams[id] = { [key]: one[key] }
  }
  return { use: String(line.use), config: line.config ?? {}, upstreams }
}

/** The problem at its place in the README. */
function moved(found: Problem, { line }: Example): Problem {
  const [, row, column] = /:(\d+):(\d+)$/.exec(found.where ?? '') ?? []
  const place = row === undefined ? line : `${line + Number(row) - 1}:${column}`
  return { ...found, where: `README.md:${place}` }
}

function problem(where: string, reason: string, hint: string): Problem {
  return { code: 'PLUGIN_EXAMPLE', where, reason, hint }
}
