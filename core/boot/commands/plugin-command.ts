import { Command, CommanderError } from 'commander'
import { GatewayError } from '../../hooks/errors.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import { type CommandHost, type CommonOptions, readObject } from './command.ts'
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

/**
 * Runs `patchbay <plugin line id> <command> [arguments as JSON]`, if there is a plugin line of that id.
 * @returns whether there is one; otherwise nothing has happened
 */
export async function runPluginCommand(
  { terminal, attempt }: CommandHost,
  [plugin = '', ...rest]: readonly string[],
  fileOf: (given: string | undefined) => string | undefined,
): Promise<boolean> {
  const parser = new Command(`patchbay ${plugin}`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: () => {} })
    .argument('[command]', 'one of its commands; lists them when left out')
    .argument('[args]', 'its arguments as a JSON object')
    .option('--config <file>', 'the config file')
    .option('--json', 'write JSON')
    .helpOption(false)
    .action(() => {})
  try {
    parser.parse([...rest], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return false
    throw error
  }
  const { config, json = false } = parser.opts<VerbOptions>()
  const [command, args] = parser.args
  const file = fileOf(config)
  if (file === undefined || !(await hasLine(file, plugin, command))) return false
  await attempt(json, file, async (path) => {
    const result = await outcome(path, { plugin, command, args })
    if (json) terminal.out(JSON.stringify(result))
    else for (const line of inWords(result)) terminal.out(line)
  })
  return true
}

/** A file that cannot be read as a whole here may run elsewhere all the same: then the gateway is asked. */
async function hasLine(file: string, id: string, command: string | undefined): Promise<boolean> {
  const { loadConfig } = await import('../config/config.ts')
  try {
    return (await loadConfig(file)).plugins.some((line) => line.id === id)
  } catch (error) {
    if (error instanceof GatewayError) return command !== undefined
    throw error
  }
}

async function outcome(file: string, verb: Verb): Promise<unknown> {
  const { plugin, command } = verb
  if (command === undefined) return list(file, plugin)
  const args = verb.args === undefined ? {} : readObject(verb.args, 'args')
  const { findGateway, isNotRunning } = await import('../admin/admin-client.ts')
  const path = `/commands/${encodeURIComponent(plugin)}/${encodeURIComponent(command)}`
  try {
    return ((await findGateway(file).ask('POST', path, args)) as { result: unknown }).result
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
      throw new GatewayError([{ code: error.code, reason: error.message }])
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
