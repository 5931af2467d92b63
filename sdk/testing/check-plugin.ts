import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isRecord, mapSchema, type Node } from '../../core/boot/config/schema-walk.ts'
import { checkSchema } from '../../core/boot/config/validator.ts'
import type { Problem } from '../../core/hooks/errors.ts'
import { checkPluginShape } from '../../core/hooks/setup.ts'
import type { Plugin, Schema } from '../index.ts'
import { conductProblems } from './conduct.ts'
import { dryRunProblems } from './dry-run.ts'
import { readExamples } from './examples.ts'
import type { TestOptions, testPlugin } from './index.ts'
import { readmeProblems } from './readme.ts'

/** One thing a plugin does not keep to: what, where, and what to do. */
export interface PluginProblem {
  /** Stable, for tools: for example `PLUGIN_NAME`. */
  readonly code: string
  /** The plugin, or the place in its README: `README.md:38:5`. */
  readonly where?: string
  /** The setting, as a path of keys. */
  readonly path?: string
  readonly reason: string
  /** What to do. */
  readonly hint?: string
}

/** What a plugin is checked with. */
export interface CheckOptions {
  /**
   * Where its README.md and, for a package, its package.json are: `import.meta.dirname` in its test, or
   * `import.meta.url`.
   */
  readonly folder: URL | string
  /** The settings its hooks are run with. Those of the first example of the README when left out. */
  readonly config?: unknown
  /** What surrounds it meanwhile, as in `testPlugin`. */
  readonly options?: TestOptions
}

interface Manifest {
  readonly name?: string
  readonly version?: string
}

const KEBAB = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const SEMVER =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * Everything a plugin does not keep to. Empty when nothing is wrong.
 * @param start builds a gateway around it, to see how it behaves
 */
export async function judgePlugin(
  plugin: Plugin,
  { folder, config, options = {} }: CheckOptions,
  start: typeof testPlugin,
): Promise<PluginProblem[]> {
  const shape = checkPluginShape('under test', plugin)
  if (shape.length > 0) return shape
  const root = rootOf(folder)
  const manifest = manifestOf(root)
  const schemas = schemaProblems(plugin)
  const problems = [...nameProblems(plugin, root, manifest), ...schemas]
  const file = join(root, 'README.md')
  if (!existsSync(file)) {
    const hint = 'Write one: `patchbay new plugin` makes a folder with an example of it.'
    problems.push(problem('PLUGIN_README', plugin, `there is no ${file}`, hint))
  }
  // Nothing can be judged by a schema that is none.
  if (schemas.some(({ code }) => code === 'PLUGIN_SCHEMA')) return problems
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  let settings: { config?: unknown; upstreams?: TestOptions['upstreams'] } = {}
  if (readme !== undefined) {
    const titles = manifest?.name === undefined ? [plugin.name] : [plugin.name, manifest.name]
    problems.push(...readmeProblems(readme, plugin, titles))
    const reading = await readExamples(readme, plugin, root, manifest?.name)
    problems.push(...reading.problems)
    settings = reading.settings ?? {}
    // Without settings that pass there is nothing to run it with.
    if (config === undefined && reading.problems.length > 0) return problems
  }
  const written = config ?? settings.config ?? {}
  const { upstreams } = settings
  const around = upstreams === undefined ? options : { upstreams, ...options }
  const conduct = await conductProblems(plugin, written, around, start)
  if (conduct.length > 0) return [...problems, ...conduct]
  for (const reason of await dryRunProblems(plugin, { config: written, options: around }, start)) {
    const hint = 'Read `call.dry`, or take `shadow: true` out.'
    problems.push(problem('PLUGIN_DRY_RUN', plugin, reason, hint))
  }
  return problems
}

/** A path as it is; of an address the folder it names, or that of the file it names. */
function rootOf(folder: URL | string): string {
  if (typeof folder === 'string' && !folder.startsWith('file:')) return resolve(folder)
  const path = resolve(fileURLToPath(folder))
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? dirname(path) : path
}

function nameProblems(plugin: Plugin, root: string, manifest: Manifest | undefined): Problem[] {
  const { name, version } = plugin
  const problems: Problem[] = []
  const add = (code: string, reason: string, hint: string) =>
    problems.push(problem(code, plugin, reason, hint))
  // Types do not hold up what is written in JavaScript.
  if (!KEBAB.test(name ?? '')) {
    const hint = 'Use lower case and dashes, for example `quiet-hours`.'
    add('PLUGIN_NAME', `its name \`${name}\` is not in kebab case`, hint)
  }
  if (!SEMVER.test(version ?? '')) {
    const hint = 'Write three numbers, for example `1.0.0`.'
    add('PLUGIN_VERSION', `its version \`${version}\` is not a semantic version`, hint)
  }
  if (manifest === undefined) {
    if (basename(root) === name) return problems
    const hint = 'Call both the same: operators find the plugin by either.'
    add('PLUGIN_NAME', `it is called ${name} and its folder ${basename(root)}`, hint)
    return problems
  }
  const bare = manifest.name?.replace(/^@[^/]+\//, '')
  if (bare !== name && bare !== `patchbay-plugin-${name}`) {
    const hint = `Call the package \`patchbay-plugin-${name}\`, with or without a scope, or the plugin like the package.`
    add('PLUGIN_NAME', `it is called ${name} and its package ${manifest.name}`, hint)
  }
  if (manifest.version !== undefined && manifest.version !== version) {
    const hint = 'Write the same version in both.'
    add('PLUGIN_VERSION', `it says version ${version}, its package.json ${manifest.version}`, hint)
  }
  return problems
}

function schemaProblems(plugin: Plugin): Problem[] {
  const { configSchema, upstreamSettings } = plugin
  const problems: Problem[] = []
  const judge = (schema: Schema, what: string) => {
    const reasons = [...checkSchema(schema), ...openings(schema)]
    for (const reason of reasons) {
      problems.push(problem('PLUGIN_SCHEMA', plugin, `${what} ${reason}`, 'Mend the schema.'))
    }
    if (reasons.length > 0) return
    for (const name of undescribed(schema)) {
      const hint = 'Add `description`: what it does, for the README and for editors.'
      const reason = `${what} does not describe ${name}`
      problems.push(problem('PLUGIN_UNDESCRIBED', plugin, reason, hint))
    }
  }
  judge(configSchema, 'its configSchema')
  if ((configSchema as Node).type !== 'object') {
    const hint = "Say `type: 'object'`, with `properties` and `additionalProperties: false`."
    problems.push(problem('PLUGIN_SCHEMA', plugin, 'its configSchema is of no type object', hint))
  }
  if (upstreamSettings !== undefined) {
    judge(upstreamSettings.schema, `its schema for \`${upstreamSettings.key}\``)
  }
  return problems
}

/** Nodes that name settings and let any other pass. */
function openings(schema: Schema): string[] {
  const found: string[] = []
  mapSchema(schema, (node) => {
    if (isRecord(node.properties) && node.additionalProperties === true) {
      const names = Object.keys(node.properties).join(', ')
      found.push(`lets unknown properties pass beside ${names}: set additionalProperties to false`)
    }
    return node
  })
  return found
}

/** Properties anywhere in a schema that have no description. */
function undescribed(schema: Schema): string[] {
  const found = new Set<string>()
  mapSchema(schema, (node) => {
    // In `if` and `then` properties are only mentioned.
    if (node.type === undefined || !isRecord(node.properties)) return node
    for (const [name, property] of Object.entries(node.properties)) {
      if (!isRecord(property) || !property.description) found.add(`\`${name}\``)
    }
    return node
  })
  return [...found]
}

function manifestOf(root: string): Manifest | undefined {
  const file = join(root, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

function problem(code: string, { name }: Plugin, reason: string, hint: string): Problem {
  return { code, where: `plugin ${name}`, reason, hint }
}
