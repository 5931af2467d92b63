import type { Command, Maybe, Principal } from '../../../sdk/index.ts'
import { GatewayError, messageOf, type Problem } from '../../hooks/errors.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import { pathText } from '../config/config-file.ts'
import { isRecord } from '../config/schema-walk.ts'
import { checkAgainst, checkSchema, type Finding } from '../config/validator.ts'

/** How long a command may take, in milliseconds. */
const LIMIT = 300_000

const NOTHING = { type: 'object', additionalProperties: false, properties: {} } as const

/** What one command promises, for lists. */
export interface CommandInfo {
  readonly name: string
  readonly description: string
  readonly offline: boolean
}

/** The commands of a plugin line, in the plugin's order. */
export function commandsOf({ hooks }: PluginLine): CommandInfo[] {
  return Object.entries(hooks.commands ?? {}).map(([name, { description, offline = false }]) => ({
    name,
    description,
    offline,
  }))
}

/** Judges the `commands` of every plugin line. @throws GatewayError with all that is wrong */
export function checkCommands(lines: readonly PluginLine[]): void {
  const problems = lines.flatMap(({ id, hooks }) => {
    const commands: unknown = hooks.commands
    if (commands === undefined) return []
    if (!isRecord(commands)) return [problem(id, 'commands', 'is no mapping of names to commands')]
    return Object.entries(commands).flatMap(([name, one]) =>
      judge(name, one).map((reason) => problem(id, `commands.${name}`, reason)),
    )
  })
  if (problems.length > 0) throw new GatewayError(problems)
}

function problem(id: string, path: string, reason: string): Problem {
  const hint = 'Write `{ description, args?, offline?, run(args, { principal }) { … } }`.'
  return { code: 'PLUGIN_COMMAND', where: `plugin ${id}`, path, reason, hint }
}

function judge(name: string, command: unknown): string[] {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return ['is no name: letters, digits, _ and - make one']
  if (!isRecord(command)) return ['is no command']
  const { description, args, offline, run, ...others } = command
  const reasons = Object.keys(others).map((key) => `has an unknown key \`${key}\``)
  if (typeof description !== 'string' || description === '') reasons.push('has no `description`')
  if (typeof run !== 'function') reasons.push('has no function `run`')
  if (offline !== undefined && typeof offline !== 'boolean') reasons.push('`offline` is no boolean')
  if (args === undefined) return reasons
  if ((args as { type?: unknown } | null)?.type !== 'object') {
    return [...reasons, 'has `args` that are not of type object']
  }
  return [...reasons, ...checkSchema(args).map((reason) => `has \`args\` whose schema ${reason}`)]
}

/** Which command, with what. */
export interface CommandRequest {
  /** The id of the plugin line. */
  readonly plugin: string
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly principal: Principal
}

/**
 * Runs a plugin's command.
 * @throws AdminProblem for a command there is not, arguments it does not take, and one that failed or took
 *   longer than five minutes
 */
export async function runCommand(
  lines: readonly PluginLine[],
  { plugin, name, args, principal }: CommandRequest,
  wheel: Wheel,
): Promise<object | string> {
  const command = find(lines, plugin, name)
  const checked = checkAgainst(command.args ?? NOTHING, args)
  if (checked.problems.length > 0) {
    const told = checked.problems.map((one) => toldOf(one, `${plugin} ${name}`, command))
    throw new AdminProblem({ status: 400, code: 'INVALID', detail: told.join('; ') })
  }
  try {
    const work = async (): Promise<Maybe<object | string>> =>
      command.run(checked.value as Record<string, unknown>, { principal })
    const late = () => new Error(`did not settle within ${LIMIT} ms`)
    const result: unknown = await wheel.limit(work(), LIMIT, late)
    if (typeof result === 'string') return result
    if (typeof result === 'object' && result !== null) return JSON.parse(JSON.stringify(result))
    throw new TypeError('returned neither text nor an object')
  } catch (cause) {
    const detail = `the command ${name} of ${plugin} failed: ${messageOf(cause)}`
    throw new AdminProblem({ status: 500, code: 'COMMAND_FAILED', detail })
  }
}

/** What is wrong with an argument, in the words of whoever typed it. */
function toldOf({ path, reason, hint = '', unknown }: Finding, verb: string, command: Command) {
  if (unknown !== true || path.length !== 1) {
    return [`${pathText(path) || 'the arguments'}: ${reason}`, hint].filter(Boolean).join('. ')
  }
  const known = Object.keys((command.args?.properties as object | undefined) ?? {})
  const all = known.length === 0 ? 'It takes none' : `Arguments: ${known.join(', ')}`
  const name = String(path[0])
  return `${name}: is no argument of \`${verb}\`${didYouMean(name, known)}. ${all}.`
}

function find(lines: readonly PluginLine[], plugin: string, name: string): Command {
  const missing = (detail: string) => new AdminProblem({ status: 404, code: 'NOT_FOUND', detail })
  const line = lines.find(({ id }) => id === plugin)
  if (line === undefined) {
    const ids = lines.map(({ id }) => id)
    const known = ids.length === 0 ? 'There are none.' : `There are: ${ids.join(', ')}.`
    throw missing(`there is no plugin line ${plugin}${didYouMean(plugin, ids)}. ${known}`)
  }
  const names = Object.keys(line.hooks.commands ?? {})
  const command = names.includes(name) ? line.hooks.commands?.[name] : undefined
  if (command !== undefined) return command
  const known = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`
  throw missing(`the plugin ${plugin} has no command ${name}${didYouMean(name, names)}. ${known}`)
}
