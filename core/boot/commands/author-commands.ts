import { type CommandHost, type CommonOptions, FILE, JSON_OPTION } from './command.ts'
import type { CommandInfo } from './commands.ts'
import { commandTable } from './order.ts'
import { table } from './tables.ts'

/** Fields beside the hooks that are printed elsewhere, or say how a hook is run. */
const BESIDE: ReadonlySet<string> = new Set(['commands', 'observes', 'provide'])

/** One plugin line, as `patchbay plugins` prints it. */
interface PluginRow {
  readonly id: string
  readonly name: string
  readonly version: string
  /** `bundled`, a file, or `package@version`. */
  readonly origin: string
  readonly phase?: string
  readonly hooks: readonly string[]
  /** The services it provides. */
  readonly provides: readonly string[]
  readonly commands: readonly CommandInfo[]
}

/** Adds the commands for those who choose and write plugins: plugins, schema, new. */
export function addAuthorCommands({ program, terminal, attempt }: CommandHost): void {
  program
    .command('plugins')
    .description(
      'print the plugins of a config file: origin, version, phase, hooks, services, commands',
    )
    .argument('[file]', FILE)
    .option('--json', JSON_OPTION)
    .action((file: string | undefined, { json = false }: CommonOptions) =>
      attempt(json, file, async (path) => {
        const rows = await pluginRows(path)
        if (json) terminal.out(JSON.stringify(rows))
        else for (const line of rowsInWords(rows)) terminal.out(line)
      }),
    )
  program
    .command('schema')
    .description("print a JSON Schema for editors: a config file's settings and its plugins'")
    .argument('[file]', FILE)
    .option('--json', 'write it on one line')
    .action((file: string | undefined, { json = false }: CommonOptions) =>
      attempt(json, file, async (path) => {
        const { schemaFor } = await import('../config/editor-schema.ts')
        terminal.out(JSON.stringify(await schemaFor(path), null, json ? 0 : 2))
      }),
    )
  program
    .command('new')
    .description('begin something')
    .command('plugin')
    .description('write a plugin to start from: code, test, README')
    .argument('<name>', 'in lower case, with dashes')
    .argument('[folder]', 'where to (default: ./<name>)')
    .option('--json', JSON_OPTION)
    .action((name: string, folder: string | undefined, { json = false }: CommonOptions) =>
      // No config file is needed: the folder stands in for it.
      attempt(json, folder ?? name, async (path) => {
        const { writePlugin } = await import('../loading/new-plugin.ts')
        const files = writePlugin(name, path)
        if (json) terminal.out(JSON.stringify({ name, folder: path, files }))
        else for (const line of nextSteps(path, files)) terminal.out(line)
      }),
    )
}

async function pluginRows(file: string): Promise<PluginRow[]> {
  const [{ loadConfig }, { setUpGateway }, { commandsOf }] = await Promise.all([
    import('../config/config.ts'),
    import('../gateway.ts'),
    import('./commands.ts'),
  ])
  const config = await loadConfig(file)
  const { plugins, origins } = config
  const { lines, close } = await setUpGateway(config)
  await close()
  return plugins.flatMap(({ id, plugin }) => {
    const line = lines.find((one) => one.id === id)
    if (line === undefined) return []
    const { name, version, phase } = plugin
    const hooks = Object.keys(line.hooks).filter((name) => !BESIDE.has(name))
    return {
      id,
      name,
      version,
      origin: origins.get(id) ?? 'unknown',
      ...(phase === undefined ? {} : { phase }),
      hooks,
      provides: line.provides ?? [],
      commands: commandsOf(line),
    }
  })
}

function rowsInWords(rows: readonly PluginRow[]): string[] {
  if (rows.length === 0) return ['No plugin is enabled: every request is refused.']
  const lines = table([
    ['ID', 'NAME', 'VERSION', 'ORIGIN', 'PHASE', 'HOOKS'],
    ...rows.map(({ id, name, version, origin, phase = '', hooks }) => [
      id,
      name,
      version,
      origin,
      phase,
      hooks.join(', '),
    ]),
  ])
  const services = rows.flatMap(({ id, provides }) => provides.map((name) => [name, id]))
  if (services.length > 0) lines.push('', ...table([['SERVICE', 'PROVIDED BY'], ...services]))
  const commands = commandTable(
    rows.flatMap(({ id, commands: own }) => own.map((one) => ({ plugin: id, ...one }))),
  )
  return commands.length === 0 ? lines : [...lines, '', ...commands]
}

function nextSteps(folder: string, files: readonly string[]): string[] {
  return [
    `Wrote ${files.join(', ')} to ${folder}.`,
    '',
    `Use it:   plugins: [{ use: ${/^[./]/.test(folder) ? folder : `./${folder}`}/index.ts }]`,
    `Test it:  cd ${folder} && npm install && npm test`,
  ]
}
