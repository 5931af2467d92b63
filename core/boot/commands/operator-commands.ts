import { GatewayError } from '../../kernel/errors.ts'
import type { GatewayStatus } from '../admin/status.ts'
import { isRecord } from '../config/schema-walk.ts'
import { type CommandHost, type CommonOptions, FILE, JSON_OPTION } from './command.ts'
import type { Explanation } from './explain.ts'
import { durationInWords, table } from './tables.ts'

interface ExplainOptions extends CommonOptions {
  readonly as: string
  readonly claims?: string
  readonly scopes?: string
  readonly profile?: string
}

/** Adds the commands that ask a running gateway: status, refresh, reconnect, explain. */
export function addOperatorCommands({ program, terminal, attempt }: CommandHost): void {
  const print = (json: boolean, value: unknown, lines: () => readonly string[]): void => {
    if (json) terminal.out(JSON.stringify(value))
    else for (const line of lines()) terminal.out(line)
  }
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
  program
    .command('explain')
    .description('tell what a caller may do with a tool, and why; nothing is called')
    .argument('<tool>', 'the name clients use')
    .argument('[file]', FILE)
    .requiredOption('--as <principal>', 'subject, or issuer/subject')
    .option('--claims <json>', 'what the issuer says about the subject')
    .option('--scopes <list>', 'what the subject was granted, with commas')
    .option('--profile <name>', 'the profile it calls on')
    .option('--json', JSON_OPTION)
    .action((tool: string, file: string | undefined, options: ExplainOptions) =>
      attempt(options.json ?? false, file, async (path) => {
        const question = questionOf(tool, options)
        const answer = (await (
          await gatewayOf(path)
        ).ask('POST', '/explain', question)) as Explanation
        print(options.json ?? false, answer, () => explanationInWords(answer))
      }),
    )
}

async function gatewayOf(file: string) {
  const { findGateway } = await import('../admin/admin-client.ts')
  return findGateway(file)
}

/** @throws GatewayError for claims that are no JSON object */
function questionOf(tool: string, { as, claims, scopes, profile }: ExplainOptions): object {
  // Issuers are URLs, so the last slash is the one between.
  const slash = as.lastIndexOf('/')
  return {
    tool,
    subject: as.slice(slash + 1),
    ...(slash > 0 ? { issuer: as.slice(0, slash) } : {}),
    ...(claims === undefined ? {} : { claims: readObject(claims, '--claims') }),
    ...(scopes === undefined ? {} : { scopes: scopes.split(',').filter((one) => one !== '') }),
    ...(profile === undefined ? {} : { profile }),
  }
}

/** A JSON object from the command line. @throws GatewayError for anything else */
export function readObject(text: string, place: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (isRecord(value)) return value
  throw new GatewayError([
    {
      code: 'ARGUMENTS',
      path: place,
      reason: 'is not a JSON object',
      hint: `Quote it for your shell: '{"name":"value"}'.`,
    },
  ])
}

function statusInWords({
  version,
  url,
  uptimeMs,
  draining,
  catalog,
  upstreams,
  plugins,
}: GatewayStatus): string[] {
  const { revision, tools, collisions } = catalog
  const upstreamRows = Object.entries(upstreams).map(([id, one]) => {
    const { state, era = '', tools: count, error = '' } = one
    return [id, state, era, String(count), error]
  })
  const pluginRows = Object.entries(plugins).map(([id, one]) => {
    const health = one.health === undefined ? '' : one.health.ok ? 'ok' : 'not well'
    const told = [one.health?.detail, one.status && JSON.stringify(one.status)]
    const { origin, failures } = one
    return [id, one.version, origin, health, String(failures), told.filter(Boolean).join('  ')]
  })
  return [
    `Patchbay ${version} at ${url}, up ${durationInWords(uptimeMs)}${draining ? ', stopping' : ''}`,
    `${tools} tools, catalog revision ${revision}`,
    ...(collisions.length === 0 ? [] : [`Hidden, claimed twice: ${collisions.join(', ')}`]),
    ...section(table([['UPSTREAM', 'STATE', 'ERA', 'TOOLS', 'ERROR'], ...upstreamRows])),
    ...section(
      table([['PLUGIN', 'VERSION', 'ORIGIN', 'HEALTH', 'FAILURES', 'STATUS'], ...pluginRows]),
    ),
  ]
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines]
}

const VERDICTS: Record<Explanation['verdict'], string> = {
  callable: 'may call it',
  ambiguous: 'may call it, if a plugin chooses between its targets',
  refused: 'may not call it',
  unknown: 'cannot call it: there is no such tool',
}

function explanationInWords({
  tool,
  caller,
  verdict,
  near = '',
  listed,
  targets,
}: Explanation): string[] {
  const scopes = caller.scopes.length === 0 ? 'no scopes' : `scopes ${caller.scopes.join(', ')}`
  const rows = targets.flatMap(({ upstream, name, permitted, refusals }) => {
    if (permitted) return [[upstream, name, 'permitted', '', '', '']]
    return refusals.map((one) => {
      const needed = one.scopes === undefined ? '' : ` (needs ${one.scopes.join(' ')})`
      return [upstream, name, 'refused', one.plugin, one.rule, `${one.reason}${needed}`]
    })
  })
  return [
    `${tool} on ${caller.path}, as ${caller.subject} of ${caller.issuer} with ${scopes}`,
    [`This caller ${VERDICTS[verdict]}`, near].filter(Boolean).join(' '),
    ...(verdict === 'unknown' ? [] : [listed ? 'Its lists show it' : 'Its lists do not show it']),
    ...section(table([['UPSTREAM', 'TOOL', 'VERDICT', 'PLUGIN', 'RULE', 'REASON'], ...rows])),
  ]
}
