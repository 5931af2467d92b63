import { Command, CommanderError } from 'commander'
import { GatewayError } from '../../hooks/errors.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import { shownPath } from '../config/config-file.ts'
import { type CommandHost, type CommonOptions, fileOf, readObject } from './command.ts'
import { CommandError } from './command-error.ts'
import { type CommandInfo, commandsOf } from './commands.ts'
import { inWords } from './tables.ts'

interface VerbOptions extends CommonOptions {
  readonly config?: string
}

/** What stands on the command line after the plugin's id. */
interface Verb {
  readonly plugin: string
  readonly command: string | undefined
  readonly args: string | undefined
}

/** Why a command is not run. */
interface Failed {
  readonly error: CommandError
  /** Whether the config could not be read as a whole. */
  readonly unreadable: boolean
}

/**
 * Runs `patchbay <plugin line id> <command> [arguments as JSON]`; the id may be left out where no other line has a
 * command of that name. Says what there is when there is neither such a plugin line nor such a command.
 * @param known the commands that are no plugin's
 */
export async function runPluginCommand(
  { terminal, attempt }: CommandHost,
  [plugin = '', ...rest]: readonly string[],
  known: readonly string[],
): Promise<void> {
  const parser = new Command(`patchbay ${plugin}`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: () => {} })
    .argument('[command]', 'one of its commands; lists them when left out')
    .argument('[args]', 'its arguments as a JSON object')
    .option('--config <file>', 'the config file')
    .option('--json', 'write JSON')
    .helpOption(false)
    .allowExcessArguments()
    .action(() => {})
  let mistake: string | undefined
  try {
    parser.parse([...rest], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    mistake = error.message.replace(/^error: /, '')
  }
  const { config, json = false } = parser.opts<VerbOptions>()
  const file = fileOf(config)
  await attempt(json, file ?? plugin, async (path) => {
    const found = await search(file, plugin, known, config ?? parser.args.find(isConfigName))
    const isShort = found !== undefined && 'line' in found
    const words = isShort ? [found.line, plugin, ...parser.args] : [plugin, ...parser.args]
    const [line = '', command, args] = words
    // A file that cannot be read as a whole here may run elsewhere all the same: then the gateway is asked.
    if (found !== undefined && !isShort && !(found.unreadable && command !== undefined))
      throw found.error
    refuseExcess(words.slice(1), mistake)
    const result = await outcome(path, { plugin: line, command, args })
    if (json) terminal.out(JSON.stringify(result))
    else for (const line of inWords(result)) terminal.out(line)
  })
}

/** @throws CommandError for what plugin commands do not take */
function refuseExcess(args: readonly string[], mistake: string | undefined): void {
  if (mistake !== undefined) throw new CommandError({ code: 'ARGUMENTS', reason: mistake })
  const file = args.find(isConfigName)
  if (file !== undefined) {
    const reason = `${file} is no argument of a plugin's command`
    const hint = `Name the config file with \`--config ${file}\` here.`
    throw new CommandError({ code: 'ARGUMENTS', reason, hint })
  }
  if (args.length > 2) {
    const reason = `${args.slice(2).join(' ')} is too much: a command takes one JSON object`
    const hint = `Quote it for your shell: '{"name":"value"}'.`
    throw new CommandError({ code: 'ARGUMENTS', reason, hint })
  }
}

function isConfigName(text: string): boolean {
  return /\.ya?ml$/.test(text)
}

/**
 * Why no plugin line has that id, or the one line that has a command of that name; `undefined` when a line has the
 * id.
 * @param meant the config file that was named, perhaps in the wrong place
 */
async function search(
  file: string | undefined,
  plugin: string,
  known: readonly string[],
  meant: string | undefined,
): Promise<Failed | { readonly line: string } | undefined> {
  const unknown = (hint: string, ids: readonly string[] = []) => {
    const reason = `there is no command \`${plugin}\`${didYouMean(plugin, [...known, ...ids])}`
    const code = 'UNKNOWN_COMMAND'
    return new CommandError({ code, reason, hint: `${hint} \`patchbay --help\` lists the others.` })
  }
  if (file === undefined) {
    const why = "Plugins' commands are found by a config file, and there is none here"
    const hint = `${why}: name one with \`--config ${meant ?? '<file>'}\`.`
    return { error: unknown(hint), unreadable: false }
  }
  const { loadConfig } = await import('../config/config.ts')
  const shown = shownPath(file)
  let ids: string[]
  try {
    ids = (await loadConfig(file)).plugins.map(({ id }) => id)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const why = `${shown}, where plugins' commands are looked for, has mistakes`
    return { error: unknown(`${why}: run \`patchbay check ${shown}\`.`), unreadable: true }
  }
  if (ids.includes(plugin)) return undefined
  const lines = await commandsByLine(file).catch(() => undefined)
  const having =
    lines?.filter(({ commands }) => commands.includes(plugin)).map(({ id }) => id) ?? []
  const [line] = having
  if (line !== undefined && having.length === 1) return { line }
  if (line !== undefined) {
    const reason = `${having.join(' and ')} have a command \`${plugin}\` each`
    const hint = `Say which: \`patchbay ${line} ${plugin}\`.`
    return { error: new CommandError({ code: 'ARGUMENTS', reason, hint }), unreadable: false }
  }
  // Lines that cannot be set up here may have commands all the same.
  const able = lines?.map(({ id }) => id) ?? ids
  const told = `Plugin lines of ${shown} with commands: ${able.join(', ') || 'none'}.`
  const other = meant === undefined || meant === file ? '<file>' : meant
  const hint = `${told} For those of another config add \`--config ${other}\`.`
  return { error: unknown(hint, ids), unreadable: false }
}

/** The names of the commands of each line that has any. */
function commandsByLine(file: string) {
  return withLines(file, async (lines) =>
    lines
      .map((line) => ({ id: line.id, commands: commandsOf(line).map(({ name }) => name) }))
      .filter(({ commands }) => commands.length > 0),
  )
}

async function outcome(file: string, verb: Verb): Promise<unknown> {
  const { plugin, command } = verb
  if (command === undefined) return list(file, plugin)
  const args = verb.args === undefined ? {} : readObject(verb.args, 'args')
  const { findGateway, isNotRunning } = await import('../admin/admin-client.ts')
  const path = `/commands/${encodeURIComponent(plugin)}/${encodeURIComponent(command)}`
  try {
    const gateway = await findGateway(file)
    return ((await gateway.ask('POST', path, args)) as { result: unknown }).result
  } catch (error) {
    if (!isNotRunning(error)) throw error
    return offline(file, plugin, command, args, error)
  }
}

/** @throws the error of the gateway that does not run, unless the command does without one */
async function offline(
  file: string,
  plugin: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
  notRunning: unknown,
): Promise<unknown> {
  return withLines(file, async (lines, wheel) => {
    const line = lines.find(({ id }) => id === plugin)
    const known = line === undefined ? [] : commandsOf(line)
    const found = known.find((one) => one.name === name)
    if (found?.offline === false) throw notRunning
    const [{ runCommand }, { OPERATOR }] = await Promise.all([
      import('./commands.ts'),
      import('../../inbound/admin-gate.ts'),
    ])
    try {
      return await runCommand(lines, { plugin, name, args, principal: OPERATOR }, wheel)
    } catch (error) {
      if (!(error instanceof AdminProblem)) throw error
      throw new CommandError({ code: error.code, reason: error.message })
    }
  })
}

function list(file: string, plugin: string): Promise<string | readonly CommandInfo[]> {
  return withLines(file, async (lines) => {
    const line = lines.find(({ id }) => id === plugin)
    const commands = line === undefined ? [] : commandsOf(line)
    return commands.length === 0 ? `The plugin ${plugin} has no commands.` : commands
  })
}

async function withLines<T>(
  file: string,
  work: (lines: readonly PluginLine[], wheel: Wheel) => Promise<T>,
): Promise<T> {
  const [{ loadConfig }, { setUpGateway }] = await Promise.all([
    import('../config/config.ts'),
    import('../gateway.ts'),
  ])
  const { lines, wheel, close } = await setUpGateway(await loadConfig(file))
  try {
    return await work(lines, wheel)
  } finally {
    await close()
  }
}
