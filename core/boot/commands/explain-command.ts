import {
  type CommandHost,
  type CommonOptions,
  FILE,
  gatewayOf,
  JSON_OPTION,
  printer,
  readObject,
} from './command.ts'
import type { ExplainedTarget, Explanation } from './explain.ts'
import type { Rehearsal, RehearsedStep } from './rehearsal.ts'
import { section, table } from './tables.ts'

interface ExplainOptions extends CommonOptions {
  readonly kind?: string
  readonly as: string
  readonly args?: string
  readonly claims?: string
  readonly scopes?: string
  readonly profile?: string
}

/** Adds `explain`: what a caller may do with a tool, prompt or resource, and what would become of a call. */
export function addExplainCommand({ program, terminal, attempt }: CommandHost): void {
  const print = printer(terminal)
  program
    .command('explain')
    .description(
      'tell what a caller may do with a tool, prompt or resource, or what would become of a call; none is made',
    )
    .argument('<name>', 'the name clients use; of a resource the URI')
    .argument('[file]', FILE)
    .requiredOption('--as <principal>', 'subject, or issuer/subject')
    .option('--kind <kind>', 'tool, prompt, resource or template, if several have the name')
    .option('--claims <json>', 'what the issuer says about the subject')
    .option('--scopes <list>', 'what the subject was granted, with commas')
    .option('--profile <name>', 'the profile it calls on')
    .option('--args <json>', 'arguments of a call: asks the plugins what they would say to it')
    .option('--json', JSON_OPTION)
    .action((name: string, file: string | undefined, options: ExplainOptions) =>
      attempt(options.json ?? false, file, async (path) => {
        const question = questionOf(name, options)
        const answer = (await (
          await gatewayOf(path)
        ).ask('POST', '/explain', question)) as Explanation
        print(options.json ?? false, answer, () => explanationInWords(answer))
      }),
    )
}

/** @throws GatewayError for claims or arguments that are no JSON object */
function questionOf(
  name: string,
  { as, kind, args, claims, scopes, profile }: ExplainOptions,
): object {
  // Issuers are URLs, so the last slash is the one between.
  const slash = as.lastIndexOf('/')
  return {
    name,
    ...(kind === undefined ? {} : { kind }),
    subject: as.slice(slash + 1),
    ...(slash > 0 ? { issuer: as.slice(0, slash) } : {}),
    ...(claims === undefined ? {} : { claims: readObject(claims, '--claims') }),
    ...(scopes === undefined ? {} : { scopes: scopes.split(',').filter((one) => one !== '') }),
    ...(args === undefined ? {} : { args: readObject(args, '--args') }),
    ...(profile === undefined ? {} : { profile }),
  }
}

/** What one does with each kind. */
const USE = { tool: 'call', prompt: 'get', resource: 'read', template: 'read' } as const

function explanationInWords(explanation: Explanation): string[] {
  const { name, kind = 'tool', template, alsoOf = [], caller, verdict, listed } = explanation
  const scopes = caller.scopes.length === 0 ? 'no scopes' : `scopes ${caller.scopes.join(', ')}`
  const what = kind === 'tool' ? name : `${kind === 'prompt' ? 'prompt' : 'resource'} ${name}`
  const of = template === undefined ? '' : ` (of the template ${template})`
  const noun = kind === 'prompt' ? 'PROMPT' : kind === 'tool' ? 'TOOL' : 'RESOURCE'
  const head = ['UPSTREAM', noun, 'VERDICT', 'PLUGIN', 'RULE', 'REASON']
  const { targets, call } = explanation
  return [
    `${what}${of} on ${caller.path}, as ${caller.subject} of ${caller.issuer} with ${scopes}`,
    verdictInWords(explanation),
    ...(verdict === 'unknown' ? [] : [listed ? 'Its lists show it' : 'Its lists do not show it']),
    ...alsoOf.map((other) => `There is a ${other} of that name too: \`--kind ${other}\``),
    ...section(table([head, ...targets.flatMap(targetRows)])),
    ...(call === undefined ? [] : ['', ...callInWords(call)]),
  ]
}

/** A caller may do only what filters let pass and then no plugin refuses. */
function verdictInWords({ kind = 'tool', verdict, near = '', mayRefuse, call }: Explanation) {
  if (verdict === 'unknown') {
    return ['There is no such tool, prompt or resource', near].filter(Boolean).join(' ')
  }
  const use = USE[kind]
  if (verdict === 'refused') return `This caller may not ${use} it`
  const choice = verdict === 'ambiguous' ? ', if a plugin chooses between its targets' : ''
  if (mayRefuse.length === 0) return `This caller may ${use} it${choice}`
  const filters = `Filters let this caller ${use} it${choice}`
  if (call !== undefined) return `${filters}; what is said to a call stands below`
  const ask = '`--args` asks those that can run dry'
  return `${filters}. A call may still be refused by: ${mayRefuse.join(', ')} (${ask})`
}

function targetRows({
  upstream,
  name,
  permitted,
  refusals,
  shadowed = [],
}: ExplainedTarget): string[][] {
  return [
    ...(permitted ? [[upstream, name, 'permitted', '', '', '']] : []),
    ...refusals.map((one) => {
      const needed = one.scopes === undefined ? '' : ` (needs ${one.scopes.join(' ')})`
      return [upstream, name, 'refused', one.plugin, one.rule, `${one.reason}${needed}`]
    }),
    ...shadowed.map(({ plugin, rule }) => [
      upstream,
      name,
      'would be refused',
      plugin,
      rule,
      'in shadow: not applied',
    ]),
  ]
}

const ENDS: Record<Rehearsal['end'], string> = {
  sent: 'would be sent',
  answered: 'would be answered by a plugin',
  asked: 'would wait for answers',
  denied: 'would be denied',
  ambiguous: 'would be refused: no plugin chooses between the targets',
  failed: 'would fail: a plugin fails',
}

function callInWords({ steps, end, target, args, complete }: Rehearsal): string[] {
  const place = target === undefined ? '' : ` to ${target.upstream || 'a plugin'}: ${target.name}`
  const what = end === 'sent' ? `${place} with ${JSON.stringify(args)}` : ''
  const head = ['PLUGIN', 'PHASE', 'VERDICT', 'RULE', 'WHAT']
  return [
    `A call ${ENDS[end]}${what}. None was made`,
    ...(complete ? [] : ['Incomplete: what the plugins say that were not run is not known']),
    ...section(table([head, ...steps.map(stepRow)])),
  ]
}

const SAYS: Record<RehearsedStep['verdict'], readonly [enforced: string, shadow: string]> = {
  none: ['nothing', 'nothing (shadow)'],
  change: ['changes', 'would change'],
  answer: ['answers', 'would answer'],
  ask: ['asks', 'would ask'],
  deny: ['denies', 'would deny'],
  failed: ['fails', 'would fail'],
  'not-run': ['not run', 'not run'],
}

function stepRow(step: RehearsedStep): string[] {
  const { plugin, phase, mode, verdict, code, rule, message = '' } = step
  const said = SAYS[verdict][mode === 'shadow' ? 1 : 0]
  const { args, target, result, questions } = step
  const parts = Object.entries({ target, args, result, questions }).flatMap(([name, value]) =>
    value === undefined ? [] : `${name} ${JSON.stringify(value)}`,
  )
  const what = verdict === 'not-run' ? NOT_RUN : message === '' ? parts.join(', ') : message
  return [plugin, phase, said, [code, rule].filter(Boolean).join(' '), what]
}

const NOT_RUN = 'the plugin does not say that it can run dry'
