import { Command, CommanderError } from 'commander'
import { formatProblem, GatewayError, messageOf, type Problem } from '../../hooks/errors.ts'
import type { HookTable, PluginLine } from '../../hooks/hooks.ts'
import { shownPath } from '../config/config-file.ts'
import type { GatewayConfig } from '../config/settings.ts'
import { CLOSED } from '../journal.ts'
import { gatewayVersion } from '../version.ts'
import { addAuthorCommands } from './author-commands.ts'
import {
  type CommandHost,
  type CommonOptions,
  FILE,
  fileOf,
  JSON_OPTION,
  noFile,
} from './command.ts'
import { CommandError } from './command-error.ts'
import { addOperatorCommands } from './operator-commands.ts'
import { PROCESS, type Terminal } from './terminal.ts'

/**
 * Runs one command of `patchbay`.
 * @param args what stands after the program's name
 * @returns the exit code: 0, or 1 when something is wrong; `start` returns once the gateway has stopped
 */
export async function run(args: readonly string[], terminal: Terminal = PROCESS): Promise<number> {
  let code = 0
  const program = new Command('patchbay')
    .description('An MCP gateway: one endpoint in front of many MCP servers.')
    .version(gatewayVersion())
    .exitOverride()
    .addHelpText(
      'after',
      "\nThe plugins' own commands: patchbay [plugin id] <command> [args as JSON]",
    )
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
  const host: CommandHost = {
    program,
    terminal,
    async attempt(json, given, work) {
      const file = fileOf(given)
      try {
        if (file === undefined) throw noFile()
        await work(file)
      } catch (error) {
        code = 1
        tell(terminal, error, file, json)
      }
    },
  }
  addBasicCommands(host)
  addOperatorCommands(host)
  addAuthorCommands(host)
  const [verb = '-'] = args
  const known = [...program.commands.map((command) => command.name()), 'help']
  if (!verb.startsWith('-') && !known.includes(verb)) {
    const { runPluginCommand } = await import('./plugin-command.ts')
    await runPluginCommand(host, args, known)
    return code
  }
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode
  }
  return code
}

/** Adds the commands that run or judge a config file. */
function addBasicCommands({ program, terminal, attempt }: CommandHost): void {
  program
    .command('start')
    .description('run the gateway until it is told to stop')
    .argument('[file]', FILE)
    .option('--pretty', 'write for people, not JSON lines; the default on a terminal')
    .action((file: string | undefined, { pretty }: { pretty?: boolean }) =>
      attempt(false, file, async (path) => {
        const { start } = await import('../start.ts')
        await start(path, pretty ?? process.stdout.isTTY, terminal)
      }),
    )
  program
    .command('stdio')
    .description(
      'serve one client over stdin and stdout: no port, no admin door, the log on stderr',
    )
    .argument('[file]', FILE)
    .option('--profile <name>', 'serve it as a client of /mcp/<name>')
    .option(
      '--connect <url>',
      'read no config: connect it to the gateway, or other server, at this URL',
    )
    .option(
      '--header <header>',
      `with --connect: "Name: value" to send; \${NAME} is taken from the environment; repeatable`,
      (one: string, before: readonly string[] = []) => [...before, one],
    )
    .action((file: string | undefined, options: StdioOptions) =>
      attempt(false, file ?? options.connect, async (path) => {
        const { profile, connect, header = [] } = options
        if (connect === undefined && header.length === 0) {
          const { serveStdio } = await import('../stdio.ts')
          return serveStdio(path, profile)
        }
        if (connect === undefined || file !== undefined || profile !== undefined) {
          throw new CommandError({
            code: 'ARGUMENTS',
            reason: '`--connect` and `--header` go together, without a config file or `--profile`',
            hint: 'Write `patchbay stdio <file>` or `patchbay stdio --connect <url>`.',
          })
        }
        const { connectStdio } = await import('../connect/connect.ts')
        await connectStdio(connect, header)
      }),
    )
  program
    .command('check')
    .description('judge a config file, plugins included, without opening a socket')
    .argument('[file]', FILE)
    .option('--json', JSON_OPTION)
    .action((file: string | undefined, { json = false }: CommonOptions) =>
      attempt(json, file, async (path) => {
        const { config, hooks } = await setUp(path)
        const warnings = warningsOf(hooks)
        terminal.out(json ? JSON.stringify({ ...summary(config), warnings }) : inWords(config))
        if (!json) for (const one of warnings) terminal.err(`warning: ${formatProblem(one)}`)
      }),
    )
  program
    .command('order')
    .description('print in which order the plugins run, and what they add: routes, tools, commands')
    .argument('[file]', FILE)
    .option('--json', JSON_OPTION)
    .action((file: string | undefined, { json = false }: CommonOptions) =>
      attempt(json, file, async (path) => {
        const { hooks, lines } = await setUp(path)
        const { orderInWords, orderOf } = await import('./order.ts')
        const order = orderOf(hooks, lines)
        if (json) terminal.out(JSON.stringify(order))
        else for (const line of orderInWords(order)) terminal.out(line)
      }),
    )
}

interface StdioOptions {
  readonly profile?: string
  readonly connect?: string
  readonly header?: readonly string[]
}

interface SetUp {
  readonly config: GatewayConfig
  readonly hooks: HookTable
  readonly lines: readonly PluginLine[]
}

async function setUp(file: string): Promise<SetUp> {
  const { judgedConfig } = await import('../config/judged-config.ts')
  const config = await judgedConfig(file)
  const [{ setUpGateway, placed }, { routeProblems }] = await Promise.all([
    import('../loading/set-up.ts'),
    import('../../inbound/routes.ts'),
  ])
  const { hooks, lines, close } = await setUpGateway(config)
  const problems = placed(routeProblems(hooks, config.profiles), config.places)
  await close()
  if (problems.length > 0) throw new GatewayError(problems)
  return { config, hooks, lines }
}

function tell(terminal: Terminal, error: unknown, file: string | undefined, json: boolean): void {
  const problems: readonly Problem[] =
    error instanceof GatewayError
      ? error.problems
      : [{ code: 'FAILED', reason: `patchbay failed: ${messageOf(error)}` }]
  if (json) {
    terminal.out(JSON.stringify({ ok: false, problems }))
    return
  }
  for (const problem of problems) terminal.err(formatProblem(problem))
  if (error instanceof CommandError) return
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  terminal.err(file === undefined ? count : `${count} in ${file}`)
}

/** What lets a gateway start, and be of no use. */
function warningsOf({ on }: HookTable): Problem[] {
  if (on.authenticate !== null) return []
  return [{ code: 'NOBODY_ENTERS', path: 'plugins', ...CLOSED }]
}

function summary({ file, upstreams, plugins, origins }: GatewayConfig): object {
  return {
    ok: true,
    file,
    upstreams: upstreams.map(({ id, enabled }) => ({ id, enabled })),
    plugins: plugins.map(({ id, plugin }) => ({
      id,
      name: plugin.name,
      version: plugin.version,
      origin: origins.get(id),
    })),
  }
}

function inWords({ file, upstreams, plugins }: GatewayConfig): string {
  const enabled = upstreams.filter((one) => one.enabled).length
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`
  return `${shownPath(file)} is fine: ${count(enabled, 'upstream')}, ${count(plugins.length, 'plugin')}`
}
