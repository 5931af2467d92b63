import { dirname, resolve } from 'node:path'
import type { NameRules } from '../../catalog/names.ts'
import { GatewayError, type Problem } from '../../hooks/errors.ts'
import type { AdminConfig, ListenConfig } from '../../inbound/settings.ts'
import { whyNotEgress } from '../../services/egress-rules.ts'
import type { loadPlugin } from '../loading/loader.ts'
import { isOff, PluginLines } from '../loading/plugin-lines.ts'
import type { ConfigDisk } from './config-disk.ts'
import type { Path } from './config-file.ts'
import { ConfigTree } from './config-tree.ts'
import { judgeData, judgeTls } from './named-files.ts'
import { ADMIN_SCHEMA, CONFIG_SCHEMA } from './schema.ts'
import { isRecord, mapSchema, type Node } from './schema-walk.ts'
import { secretSettings } from './secret-settings.ts'
import type { GatewayConfig, SetUpConfig } from './settings.ts'
import { judgeEras, judgeGrace } from './upstream-pairs.ts'
import { buildUpstream, judgeCommon, judgeNames, judgeUpstream, type Report } from './upstreams.ts'
import { checkAgainst } from './validator.ts'

/** What a config is read with. */
export interface ConfigOptions {
  /** For `${NAME}`; the process's own when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where its files are read; the computer's own disk when left out. */
  readonly disk?: ConfigDisk
  /** How plugins are found; as the loader does when left out. */
  readonly load?: typeof loadPlugin
}

/** The values of a config that passed its schema, as far as this file reads them. */
interface Checked {
  readonly listen: Omit<ListenConfig, 'tls'> & { tls?: { cert: string; key: string } }
  readonly workers: number
  readonly admin: AdminConfig | boolean
  readonly stdio: GatewayConfig['stdio']
  readonly data: string
  readonly keys: readonly string[]
  readonly log: GatewayConfig['log']
  readonly errors: GatewayConfig['errors']
  readonly lists: GatewayConfig['lists']
  readonly egress: GatewayConfig['egress']
  readonly drain: number
  readonly names: NameRules
  readonly profiles: Node
  readonly defaults: { readonly upstream?: Node }
  readonly upstreams: Readonly<Record<string, Node>>
  readonly plugins: readonly Node[]
}

// What an upstream leaves out is filled in from `defaults.upstream` first, so not by its schema.
const WITHOUT_UPSTREAM_DEFAULTS = {
  ...CONFIG_SCHEMA,
  properties: {
    ...CONFIG_SCHEMA.properties,
    defaults: withoutDefaults(CONFIG_SCHEMA.properties.defaults),
    upstreams: withoutDefaults(CONFIG_SCHEMA.properties.upstreams),
  },
}

/** No upstream can have this id; claimed settings of `defaults.upstream` are kept under it. */
const DEFAULTS = ''

/** What a config file came to: a config, or what is wrong with it. */
export type ConfigReading =
  | { readonly config: GatewayConfig }
  | {
      /** Every one there is, in the order of the files' lines. */
      readonly problems: readonly Problem[]
      /** With the plugin lines nothing is wrong with; nothing when a file could not be read at all. */
      readonly sound?: SetUpConfig
    }

/**
 * Reads a config file and everything it includes, loads its plugins, and judges it as a whole.
 * @throws GatewayError with every problem there is, in the order of the files' lines
 */
export async function loadConfig(path: string, options?: ConfigOptions): Promise<GatewayConfig> {
  const reading = await readConfig(path, options)
  if ('config' in reading) return reading.config
  throw new GatewayError(reading.problems)
}

/** Does what {@link loadConfig} does, and keeps what is sound of a config that is not. */
export async function readConfig(
  path: string,
  { env = process.env, disk, load }: ConfigOptions = {},
): Promise<ConfigReading> {
  const file = resolve(path)
  const folder = dirname(file)
  const tree = new ConfigTree(file, env, disk)
  if (tree.broken) return { problems: tree.problems(() => false) }
  const report: Report = (at, reason, hint) => tree.add(at, reason, hint)

  const lines = new PluginLines(tree, load)
  await lines.load(file)
  const own = await withoutClaimed(tree.value, lines)
  const result = checkAgainst(WITHOUT_UPSTREAM_DEFAULTS, own, tree.typed([]))
  tree.addFindings([], result.problems)
  const checked = result.value as Checked
  judge(checked, report)
  if (isRecord(checked.listen)) judgeTls(checked.listen.tls, folder, report)
  const { data, keys, admin } = checked
  const isKept = admin !== false || (Array.isArray(keys) && keys.every((key) => key === ''))
  if (isKept && typeof data === 'string') judgeData(resolve(folder, data), report)

  const problems = tree.problems((at) => isUnderOffLine(tree.value, at))
  if (problems.length > 0) return { problems, sound: soundPart(tree, lines, checked, folder) }

  const upstreams = Object.entries(checked.upstreams).map(([id, upstream]) =>
    buildUpstream(id, upstream, checked.defaults.upstream ?? {}, folder),
  )
  const enabled = upstreams.flatMap(({ config }) => (config.enabled ? config.id : []))
  const plugins = lines.specs(checked.plugins, enabled, DEFAULTS)
  const { tls, ...listen } = checked.listen
  const config: GatewayConfig = {
    file,
    listen: {
      ...listen,
      ...(tls === undefined
        ? {}
        : { tls: { cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) } }),
    },
    workers: checked.workers,
    ...(checked.admin === false ? {} : { admin: adminOf(checked.admin) }),
    stdio: checked.stdio,
    data: resolve(folder, checked.data),
    keys: checked.keys.filter((key) => key !== ''),
    log: checked.log,
    errors: checked.errors,
    lists: checked.lists,
    egress: checked.egress,
    secrets: secretSettings(tree.referenced, checked.keys, plugins),
    drain: checked.drain,
    names: checked.names,
    profiles: Object.keys(checked.profiles),
    upstreams: upstreams.map(({ config }) => config),
    upstreamNames: upstreams.map(({ names }) => names),
    plugins,
    origins: lines.origins(),
    places: lines.places(),
  }
  return { config }
}

/** As much of a config with problems as its sound plugin lines can be set up with. */
function soundPart(
  tree: ConfigTree,
  lines: PluginLines,
  checked: Checked,
  folder: string,
): SetUpConfig {
  const defaults = checkAgainst(CONFIG_SCHEMA, {}).value as Checked
  const sound = <K extends 'data' | 'egress' | 'keys' | 'listen' | 'names'>(key: K): Checked[K] =>
    tree.isUnsound([key]) ? defaults[key] : checked[key]
  const common = isRecord(checked.defaults) ? checked.defaults.upstream : undefined
  const upstreams = Object.entries(isRecord(checked.upstreams) ? checked.upstreams : {})
  const enabled = upstreams.flatMap(([id, one]) => (isOff({ ...common, ...one }) ? [] : id))
  const plugins = lines.sound(lines.specs(checked.plugins, enabled, DEFAULTS))
  return {
    data: resolve(folder, sound('data')),
    egress: sound('egress'),
    listen: sound('listen'),
    names: sound('names'),
    secrets: secretSettings(tree.referenced, sound('keys'), plugins),
    places: lines.places(),
    plugins,
    profiles: Object.keys(isRecord(checked.profiles) ? checked.profiles : {}),
    upstreams: upstreams.map(([id, one]) => ({
      id,
      ...(isRecord(one) && typeof one.url === 'string' ? { url: one.url } : {}),
    })),
  }
}

/** `admin: true` says no more than leaving it out does. */
function adminOf(admin: AdminConfig | true): AdminConfig {
  return admin === true ? (checkAgainst(ADMIN_SCHEMA, {}).value as AdminConfig) : admin
}

/** The config without what plugins claimed of it: that has been judged by their schemas. */
async function withoutClaimed(config: Node, lines: PluginLines): Promise<Node> {
  const { upstreams, defaults } = config
  const own: Node = { ...config }
  if (isRecord(defaults) && isRecord(defaults.upstream)) {
    const upstream = await lines.claim(defaults.upstream, ['defaults', 'upstream'], DEFAULTS)
    own.defaults = { ...defaults, upstream }
  }
  if (isRecord(upstreams)) {
    const kept: Node = {}
    for (const [id, one] of Object.entries(upstreams)) {
      kept[id] = isRecord(one) ? await lines.claim(one, ['upstreams', id], id) : one
    }
    own.upstreams = kept
  }
  return own
}

/** What no schema can say. Values that failed the schema may be of any type here. */
function judge({ keys, egress, upstreams, names, defaults }: Checked, report: Report): void {
  if (isRecord(egress) && Array.isArray(egress.allow)) {
    for (const [index, entry] of egress.allow.entries()) {
      const reason = typeof entry === 'string' ? whyNotEgress(entry) : undefined
      const hint = 'For example 127.0.0.1, 10.0.0.0/8 or internal.example.'
      if (reason !== undefined) report(['egress', 'allow', index], reason, hint)
    }
  }
  if (Array.isArray(keys)) {
    for (const [index, key] of keys.entries()) {
      if (typeof key === 'string' && key !== '' && key.length < 32) {
        const hint = 'Make one with `openssl rand -base64 32`.'
        report(['keys', index], 'must have at least 32 characters', hint)
      }
    }
  }
  const common = isRecord(defaults) && isRecord(defaults.upstream) ? defaults.upstream : {}
  judgeCommon(['defaults', 'upstream'], common, report)
  const all = Object.entries(isRecord(upstreams) ? upstreams : {}).filter(([, one]) =>
    isRecord(one),
  )
  for (const [id, one] of all) judgeUpstream(['upstreams', id], one, report)
  judgeGrace(all, common, report)
  judgeEras(all, common, report)
  judgeNames(
    all.map(([id, one]) => {
      const { prefix, enabled } = { ...common, ...one }
      return { id, prefix, enabled: !isOff({ enabled }) }
    }),
    isRecord(names) ? names.separator : undefined,
    report,
  )
}

/** Settings of a plugin line that is switched off are not judged. */
function isUnderOffLine({ plugins }: Node, [top, index]: Path): boolean {
  return top === 'plugins' && Array.isArray(plugins) && isOff(plugins[index as number])
}

function withoutDefaults(schema: Node): Node {
  const bare = mapSchema(schema, ({ default: _, ...node }) => node) as Node
  const kept = schema.default
  return kept !== undefined ? { ...bare, default: kept } : bare
}
