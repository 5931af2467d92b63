import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { findPackageJSON, registerHooks } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Plugin } from '../../../sdk/index.ts'
import { messageOf, type Problem } from '../../hooks/errors.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import { checkPluginShape } from '../../hooks/setup.ts'
import { checkSchema } from '../config/validator.ts'
import { importFailure } from './import-failure.ts'
import { indexOf, type PluginsFolder } from './plugins-folder.ts'

/** A plugin module, loaded and of the right shape. */
export interface LoadedPlugin {
  readonly plugin: Plugin
  /** `bundled`, a file's path, or `package@version`. */
  readonly origin: string
}

/** A plugin, or why it cannot be used. */
export type Loading = LoadedPlugin | { readonly problems: readonly Problem[] }

// The same file runs as TypeScript in the repository and as JavaScript where it is installed.
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const BUNDLED = new URL('../../../plugins/', import.meta.url)
const FROM_CONFIG = 'patchbay-plugin:'
/** How packages of plugins are called, by custom. */
const PREFIX = 'patchbay-plugin-'

const EXPORTS: Readonly<Record<string, string>> = {
  'mcp-patchbay': new URL(`../gateway.${EXTENSION}`, import.meta.url).href,
  'mcp-patchbay/sdk': new URL(`../../../sdk/index.${EXTENSION}`, import.meta.url).href,
  'mcp-patchbay/sdk/testing': new URL(`../../../sdk/testing/index.${EXTENSION}`, import.meta.url)
    .href,
}

/** What packages asked for by a config resolved to, by the address they were asked for under. */
const resolved = new Map<string, string>()
let hooked = false

/**
 * Lets plugins anywhere on this machine import `mcp-patchbay/sdk` and get the gateway that runs them,
 * whether it is installed beside them, globally, or not at all.
 */
function hookImports(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const own = EXPORTS[specifier]
      if (own !== undefined) return { url: own, shortCircuit: true }
      if (!specifier.startsWith(FROM_CONFIG)) return next(specifier, context)
      const { use, from } = JSON.parse(decodeURIComponent(specifier.slice(FROM_CONFIG.length)))
      const found = lookUp(from, (parentURL) => next(use, { ...context, parentURL }))
      resolved.set(specifier, found.url)
      return found
    },
  })
}

/** Finds a package from the config's folder, or where the gateway is: beside one that is installed globally. */
function lookUp<T>(from: string, resolve: (parentURL: string) => T): T {
  try {
    return resolve(from)
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    try {
      return resolve(import.meta.url)
    } catch {
      throw cause
    }
  }
}

/** The names of the plugins that come with the gateway. */
export function bundledPlugins(): string[] {
  if (!existsSync(BUNDLED)) return []
  return readdirSync(BUNDLED, { withFileTypes: true })
    .filter((one) => one.isDirectory() && existsSync(bundledFile(one.name)))
    .map((one) => one.name)
    .sort()
}

/**
 * Loads what a plugin line's `use` names: a bundled plugin, one of the config's `pluginsDir`, a file
 * (relative to the config file), or a package that is installed where the config file or the gateway is. Never
 * rejects.
 */
export async function loadPlugin(
  use: string,
  configFile: string,
  folder?: PluginsFolder,
): Promise<Loading> {
  hookImports()
  const own = folder?.find(use) ?? []
  const bundled = bundledPlugins().includes(use)
  const [first, second] = bundled ? ['a bundled one', ...own] : own
  if (first !== undefined && second !== undefined) {
    const reason = `two plugins have the name ${use}: ${first} and ${second}`
    return refuse('PLUGIN_CLASH', reason, 'Rename the one in `pluginsDir`.')
  }
  if (bundled) return take(use, pathToFileURL(bundledFile(use)).href, () => 'bundled')
  if (first !== undefined) return take(use, pathToFileURL(first).href, () => first)
  if (/^[./]/.test(use)) {
    const file = resolve(dirname(configFile), use)
    if (!existsSync(file)) {
      return refuse(
        'PLUGIN_NOT_FOUND',
        `there is no file ${file}`,
        'Mend the path; it starts at the config file.',
      )
    }
    if (statSync(file).isDirectory()) return refuseFolder(use, file)
    return take(use, pathToFileURL(file).href, () => file)
  }
  const from = pathToFileURL(configFile).href
  const address = FROM_CONFIG + encodeURIComponent(JSON.stringify({ use, from }))
  const missing = (cause: unknown) => notFound(use, cause, folder?.names ?? [], from)
  return take(use, address, () => packageOf(resolved.get(address) as string), missing)
}

/**
 * The bundled plugin that claims a key under upstreams, for the hint that names it.
 * @returns nothing when none does
 */
export async function bundledClaimant(key: string): Promise<string | undefined> {
  for (const name of bundledPlugins()) {
    const loading = await loadPlugin(name, '/')
    if ('plugin' in loading && loading.plugin.upstreamSettings?.key === key) return name
  }
  return undefined
}

/** @param missing what to say of a package that is not installed */
async function take(
  use: string,
  address: string,
  origin: () => string,
  missing?: (cause: unknown) => Loading,
): Promise<Loading> {
  let module: { default?: unknown }
  try {
    module = await import(address)
  } catch (cause) {
    if (missing !== undefined && !resolved.has(address)) return missing(cause)
    return { problems: [await importFailure(use, resolved.get(address) ?? address, cause)] }
  }
  const shape = checkPluginShape(use, module.default)
  if (shape.length > 0) {
    return { problems: shape.map((one) => ({ ...one, reason: `the plugin ${use} ${one.reason}` })) }
  }
  const plugin = module.default as Plugin
  const problems = checkDeclaration(plugin).map((reason) => ({
    code: 'PLUGIN_DECLARATION',
    reason: `the plugin ${use} ${reason}`,
    hint: 'Mend the plugin, or ask its author to.',
  }))
  return problems.length > 0 ? { problems } : { plugin, origin: origin() }
}

function checkDeclaration({
  name,
  version,
  phase,
  configSchema,
  upstreamSettings,
}: Plugin): string[] {
  const reasons: string[] = []
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]+$/.test(name)) {
    reasons.push('has no usable `name`: letters, digits, _ and - make one')
  }
  if (typeof version !== 'string') reasons.push('has no `version`')
  if (phase !== undefined && phase !== 'shape' && phase !== 'guard') {
    reasons.push("has a `phase` that is neither 'shape' nor 'guard'")
  }
  if ((configSchema as { type?: unknown } | undefined)?.type !== 'object') {
    reasons.push('has a configSchema that is not of type object')
  }
  reasons.push(...checkSchema(configSchema).map((reason) => `has a configSchema that ${reason}`))
  if (upstreamSettings !== undefined) {
    const { key, schema } = upstreamSettings
    if (typeof key !== 'string' || key === '') reasons.push('claims an upstream key without a name')
    reasons.push(
      ...checkSchema(schema).map((reason) => `has a schema for \`${key}\` that ${reason}`),
    )
  }
  return reasons
}

function notFound(use: string, cause: unknown, own: readonly string[], from: string): Loading {
  const bundled = bundledPlugins()
  const near = didYouMean(use, [...bundled, ...own])
  if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') {
    return refuse('PLUGIN_NOT_FOUND', `there is no plugin ${use}${near}: ${messageOf(cause)}`, '')
  }
  const reason = `there is no plugin ${use}${near}`
  const [, scope = '', bare = ''] = /^(@[^/]+\/)?(.+)$/.exec(use) ?? []
  const whole = bare.startsWith(PREFIX) ? use : `${scope}${PREFIX}${bare}`
  if (whole !== use && isInstalled(whole, from)) {
    const hint = `Write \`use: ${whole}\`: a package is used by its whole name, and that one is installed.`
    return refuse('PLUGIN_NOT_FOUND', reason, hint)
  }
  const local = own.length === 0 ? '' : `In \`pluginsDir\`: ${own.join(', ')}. `
  const names = `Bundled: ${bundled.join(', ')}. ${local}`
  // Nobody should install a package because of a typo, nor one that only happens to have a plugin's name.
  const isPackage = near === '' && (scope !== '' || whole === use)
  const how = isPackage
    ? `run \`npm install ${use}\` beside the config file, or with \`-g\` beside a gateway installed globally`
    : `write its whole name once it is installed, most are called \`${PREFIX}…\``
  return refuse('PLUGIN_NOT_FOUND', reason, `${names}A package: ${how}. A file: begin with ./`)
}

/** Whether a package is found where {@link lookUp} looks. */
function isInstalled(name: string, from: string): boolean {
  return [from, import.meta.url].some((base) => {
    try {
      return findPackageJSON(name, base) !== undefined
    } catch {
      return false
    }
  })
}

function refuseFolder(use: string, folder: string): Loading {
  const index = indexOf(folder)
  const inside = `${use.replace(/\/$/, '')}/${index === undefined ? '<file>' : basename(index)}`
  const hint = `Name the module in it: \`use: ${inside}\`.`
  return refuse('PLUGIN_NOT_FOUND', `${folder} is a folder`, hint)
}

function refuse(code: string, reason: string, hint: string): Loading {
  return { problems: [hint === '' ? { code, reason } : { code, reason, hint }] }
}

function bundledFile(name: string): string {
  return join(fileURLToPath(BUNDLED), name, `index.${EXTENSION}`)
}

function packageOf(url: string): string {
  const file = url.startsWith('file:') ? findPackageJSON(url) : undefined
  if (file === undefined) return url
  const { name, version } = JSON.parse(readFileSync(file, 'utf8'))
  return `${name}@${version}`
}
