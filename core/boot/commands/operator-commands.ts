import type { GatewayStatus } from '../admin/status.ts'
import { shownPath } from '../config/config-file.ts'
import {
  type CommandHost,
  type CommonOptions,
  FILE,
  gatewayOf,
  JSON_OPTION,
  printer,
} from './command.ts'
import { addExplainCommand } from './explain-command.ts'
import { addShadowCommand } from './shadow-command.ts'
import { durationInWords, section, table } from './tables.ts'

/** Adds the commands that ask a running gateway: status, refresh, reconnect, shadow, explain. */
export function addOperatorCommands(host: CommandHost): void {
  const { program, terminal, attempt } = host
  const print = printer(terminal)
  program
    .command('status')
    .description('tell how the running gateway, its upstreams and plugins do')
    .argument('[file]', FILE)
    .option('--json', JSON_OPTION)
    .action((file: string | undefined, { json = false }: CommonOptions) =>
      attempt(json, file, async (path) => {
        const status = (await (await gatewayOf(path)).ask('GET', '/status')) as GatewayStatus
        print(json, status, () => statusInWords(status))
      }),
    )
  const upstreamCommand = (verb: 'refresh' | 'reconnect', description: string, done: string) =>
    program
      .command(verb)
      .description(description)
      .argument('<upstream>', 'its id in the config')
      .argument('[file]', FILE)
      .option('--json', JSON_OPTION)
      .action((upstream: string, file: string | undefined, { json = false }: CommonOptions) =>
        attempt(json, file, async (path) => {
          const where = `/upstreams/${encodeURIComponent(upstream)}/${verb}`
          const answer = (await (await gatewayOf(path)).ask('POST', where)) as {
            status: { state: string; error?: string }
          }
          const { state, error } = answer.status
          const why = error === undefined ? '' : `: ${error}`
          print(json, answer, () => [`${upstream} ${done}; it is ${state}${why}`])
        }),
      )
  upstreamCommand('refresh', "read an upstream's list again", 'is read again')
  upstreamCommand('reconnect', 'connect an upstream anew, now', 'was connected anew')
  addShadowCommand(host)
  addExplainCommand(host)
}

/** Tools always, what else there is when there is any. */
function countsInWords({ tools, prompts, resources, templates }: GatewayStatus['catalog']): string {
  const others = { prompt: prompts, resource: resources, 'resource template': templates }
  const told = Object.entries(others).filter(([, count]) => count > 0)
  return [['tool', tools] as const, ...told]
    .map(([noun, count]) => `${count} ${noun}${count === 1 ? '' : 's'}`)
    .join(', ')
}

/** `2 ready, a process each`: which states an upstream is in, at how many workers. */
function workersInWords({ workers = {}, each }: GatewayStatus['upstreams'][string]): string {
  const states = Object.entries(workers).map(([state, count]) => `${count} ${state}`)
  return each === undefined ? '' : [...states, `a ${each} each`].join(', ')
}

function statusInWords({
  version,
  config,
  url,
  uptimeMs,
  draining,
  catalog,
  upstreams,
  plugins,
  workers = [],
}: GatewayStatus): string[] {
  const { revision, collisions } = catalog
  const upstreamRows = Object.entries(upstreams).map(([id, one]) => {
    const { state, era = '', tools: count, error = '' } = one
    const spread = workers.length === 0 ? [] : [workersInWords(one)]
    return [id, state, era, String(count), ...spread, error]
  })
  const head = ['UPSTREAM', 'STATE', 'ERA', 'TOOLS', ...(workers.length === 0 ? [] : ['WORKERS'])]
  const workerRows = workers.map(({ slot, pid = '', state, uptimeMs: up, error = '' }) => {
    return [String(slot), state, String(pid), up === undefined ? '' : durationInWords(up), error]
  })
  const pluginRows = Object.entries(plugins).map(([id, one]) => {
    const health = one.health === undefined ? '' : one.health.ok ? 'ok' : 'not well'
    const { origin, failures, mode } = one
    const shadow = mode === 'shadow' && 'in shadow'
    const told = [shadow, one.health?.detail, one.status && JSON.stringify(one.status)]
    return [id, one.version, origin, health, String(failures), told.filter(Boolean).join('  ')]
  })
  return [
    `Patchbay ${version} at ${url}, up ${durationInWords(uptimeMs)}${draining ? ', stopping' : ''}`,
    `Config ${shownPath(config)}`,
    `${countsInWords(catalog)}, catalog revision ${revision}`,
    ...(collisions.length === 0 ? [] : [`Hidden, claimed twice: ${collisions.join(', ')}`]),
    ...section(table([[...head, 'ERROR'], ...upstreamRows])),
    ...section(table([['WORKER', 'STATE', 'PID', 'UP', 'ERROR'], ...workerRows])),
    ...section(
      table([['PLUGIN', 'VERSION', 'ORIGIN', 'HEALTH', 'FAILURES', 'STATUS'], ...pluginRows]),
    ),
  ]
}
