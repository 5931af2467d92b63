import { dirname, resolve } from 'node:path'
import type { HookName, Plugin, Schema } from '../../../sdk/index.ts'
import type { Mode } from '../../hooks/listener.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import type { PluginSpec } from '../../hooks/setup.ts'
import { type Path, pathText } from '../config/config-file.ts'
import type { ConfigTree } from '../config/config-tree.ts'
import { isRecord, type Node } from '../config/schema-walk.ts'
import type { PlaceOf } from '../config/settings.ts'
import { UPSTREAM_SCHEMA } from '../config/upstream-schema.ts'
import { checkAgainst } from '../config/validator.ts'
import { bundledClaimant, loadPlugin } from './loader.ts'
import { PluginsFolder } from './plugins-folder.ts'

/** An enabled plugin line whose plugin could be loaded. */
interface Line {
  readonly id: string
  readonly plugin: Plugin
  readonly origin: string
  readonly config: unknown
  readonly source: Node
}

interface Claim {
  readonly id: string
  readonly schema: Schema
  /** What to do instead under an upstream that is a `command`, where the key means nothing there. */
  readonly notForCommands?: string | undefined
}

const OWN_KEYS: readonly string[] = Object.keys(UPSTREAM_SCHEMA.properties)

/** The plugin lines of a config: loads what they use and judges the settings that are theirs. */
export class PluginLines {
  readonly #tree: ConfigTree
  readonly #load: typeof loadPlugin
  readonly #lines: Line[] = []
  readonly #claims = new Map<string, Claim>()
  /** Upstream id → claimed key → checked setting. */
  readonly #claimed = new Map<string, Map<string, unknown>>()
  /** Whether a plugin is missing that might have claimed a key. */
  #incomplete = false

  constructor(tree: ConfigTree, load = loadPlugin) {
    this.#tree = tree
    this.#load = load
  }

  /** Loads every enabled line's plugin and judges its `config`. */
  async load(configFile: string): Promise<void> {
    const { plugins } = this.#tree.value
    const folder = this.#folder(configFile)
    if (!Array.isArray(plugins)) return
    const loadings = await Promise.all(
      plugins.map(async (source: unknown) => {
        if (!isRecord(source) || typeof source.use !== 'string' || source.use === '') return
        return isOff(source)
          ? undefined
          : { source, ...(await this.#load(source.use, configFile, folder)) }
      }),
    )
    for (const [index, loading] of loadings.entries()) {
      if (loading === undefined) continue
      if ('plugin' in loading) this.#take(index, loading.source, loading)
      else {
        this.#incomplete = true
        for (const { code, reason, hint } of loading.problems) {
          this.#tree.add(['plugins', index, 'use'], reason, hint, code)
        }
      }
    }
  }

  /**
   * Takes the keys out of an upstream that are not the gateway's own, and judges them by the plugins
   * that claim them.
   * @returns the keys that are the gateway's own
   */
  async claim(upstream: Node, path: Path, id: string): Promise<Node> {
    const own: Node = {}
    const claimed = new Map<string, unknown>()
    for (const [key, value] of Object.entries(upstream)) {
      const claim = this.#claims.get(key)
      if (OWN_KEYS.includes(key)) own[key] = value
      else if (claim === undefined) await this.#unclaimed(path, key)
      else {
        const at = [...path, key]
        if (claim.notForCommands !== undefined && upstream.command !== undefined) {
          this.#tree.add(at, 'means nothing beside `command`', claim.notForCommands)
        }
        const checked = checkAgainst(claim.schema, value, this.#tree.typed(at))
        this.#tree.addFindings(at, checked.problems)
        claimed.set(key, checked.value)
      }
    }
    this.#claimed.set(id, claimed)
    return own
  }

  /** What each line uses, once per plugin. */
  used(): { use: string; plugin: Plugin }[] {
    const all = this.#lines.map(({ source, plugin }) => ({ use: source.use as string, plugin }))
    return all.filter(({ use }, index) => all.findIndex((one) => one.use === use) === index)
  }

  /** Where each line's plugin came from, by line id. */
  origins(): Map<string, string> {
    return new Map(this.#lines.map(({ id, origin }) => [id, origin]))
  }

  /** Where each line was written, by line id. */
  places(): Map<string, PlaceOf> {
    return new Map(
      this.#lines.map((line) => [
        line.id,
        (...keys) => {
          const path = ['plugins', this.#indexOf(line), ...keys]
          const where = this.#tree.place(path)
          return { ...(where === undefined ? {} : { where }), path: pathText(path) }
        },
      ]),
    )
  }

  /** Of lines for the kernel, those in whose settings nothing is wrong. */
  sound(specs: readonly PluginSpec[]): PluginSpec[] {
    const areUpstreams = !['upstreams', 'defaults'].some((key) => this.#tree.isUnsound([key]))
    return specs.filter(
      ({ plugin }, index) =>
        !this.#tree.isUnsound(['plugins', this.#indexOf(this.#lines[index] as Line)]) &&
        (areUpstreams || plugin.upstreamSettings === undefined),
    )
  }

  /**
   * The lines for the kernel.
   * @param checked the checked values of `plugins`, in the order of the file
   * @param enabled the enabled upstreams' ids
   * @param defaults the id under which the settings of `defaults.upstream` were claimed
   */
  specs(checked: readonly Node[], enabled: readonly string[], defaults: string): PluginSpec[] {
    const sources = (this.#tree.value.plugins ?? []) as readonly Node[]
    return this.#lines.map(({ id, plugin, config, source }) => {
      const line = checked[sources.indexOf(source)] as Node
      const { key, notForCommands } = plugin.upstreamSettings ?? {}
      const upstreams = new Map<string, unknown>()
      for (const upstream of key === undefined ? [] : enabled) {
        const own = this.#claimed.get(upstream)
        const inherits = notForCommands === undefined || !this.#isCommand(upstream)
        const settings = own?.has(key as string) || !inherits ? own : this.#claimed.get(defaults)
        if (settings?.has(key as string)) upstreams.set(upstream, settings.get(key as string))
      }
      return {
        id,
        plugin,
        config,
        upstreams,
        onFailure: line.onFailure as PluginSpec['onFailure'],
        timeouts: line.timeouts as Partial<Record<HookName, number>>,
        mode: line.mode as Mode,
      }
    })
  }

  #folder(configFile: string): PluginsFolder | undefined {
    const { pluginsDir } = this.#tree.value
    if (typeof pluginsDir !== 'string' || pluginsDir === '') return undefined
    try {
      return new PluginsFolder(resolve(dirname(configFile), pluginsDir))
    } catch (error) {
      this.#incomplete = true
      const reason = `the folder cannot be read: ${(error as NodeJS.ErrnoException).code}`
      this.#tree.add(['pluginsDir'], reason, 'Mend the path; it starts at the config file.')
      return undefined
    }
  }

  #take(index: number, source: Node, { plugin, origin }: { plugin: Plugin; origin: string }): void {
    const path = ['plugins', index]
    const id = typeof source.id === 'string' ? source.id : plugin.name
    const twin = this.#lines.find((line) => line.id === id)
    if (twin !== undefined) {
      const first = this.#tree.place(['plugins', this.#indexOf(twin)])
      const hint = 'Set `id` on one of the two lines.'
      this.#tree.add(path, `the plugin line at ${first} has the id ${id} too`, hint)
    }
    if (source.mode === 'shadow' && plugin.shadow !== true) {
      const reason = `the plugin ${plugin.name} does not say that it can run dry`
      const hint = 'Write `mode: enforce`, or ask its author for `shadow: true`.'
      this.#tree.add([...path, 'mode'], reason, hint)
    }
    const { config = {} } = source
    let checked: unknown = config
    if (isRecord(config)) {
      const at = [...path, 'config']
      const result = checkAgainst(plugin.configSchema, config, this.#tree.typed(at))
      this.#tree.addFindings(at, result.problems)
      checked = result.value
    }
    this.#lines.push({ id, plugin, origin, config: checked, source })
    if (plugin.upstreamSettings === undefined || twin?.plugin === plugin) return
    const { key, schema, notForCommands } = plugin.upstreamSettings
    const other = this.#claims.get(key)
    if (other !== undefined || OWN_KEYS.includes(key)) {
      const owner = other === undefined ? 'the gateway itself' : `the plugin line ${other.id}`
      const reason = `claims the upstream key \`${key}\`, which belongs to ${owner}`
      this.#tree.add(path, reason, 'Enable one plugin for this key.')
    } else this.#claims.set(key, { id, schema, notForCommands })
  }

  async #unclaimed(path: Path, key: string): Promise<void> {
    const known = [...OWN_KEYS, ...this.#claims.keys()]
    const near = didYouMean(key, known)
    // Perhaps the plugin that could not be loaded claims it: one mistake, one message.
    if (this.#incomplete && near === '') return
    const claimant = near === '' ? await bundledClaimant(key) : undefined
    const hint =
      claimant !== undefined
        ? `Enable the plugin that claims it: \`plugins: [{ use: ${claimant} }]\`.`
        : `${near === '' ? 'Take it out, or enable a plugin that claims it. ' : ''}Settings: ${known.join(', ')}.`
    this.#tree.add([...path, key], `no setting \`${key}\`${near}`, hint, 'CONFIG_UNCLAIMED_KEY')
  }

  #isCommand(upstream: string): boolean {
    const { upstreams } = this.#tree.value
    const one = isRecord(upstreams) ? upstreams[upstream] : undefined
    return isRecord(one) && one.command !== undefined
  }

  #indexOf({ source }: Line): number {
    return (this.#tree.value.plugins as readonly unknown[]).indexOf(source)
  }
}

/** Whether a plugin line or an upstream is switched off, also by a reference. */
export function isOff(source: unknown): boolean {
  return isRecord(source) && (source.enabled === false || source.enabled === 'false')
}
