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
  readonly as: string
  readonly args?: string
  readonly claims?: string
  readonly scopes?: string
  readonly profile?: string
}

/** Adds `explain`: what a caller may do with a tool, and what would become of a call. */
export function addExplainCommand({ program, terminal, attempt }: CommandHost): void {
  const print = printer(terminal)
  program
    .command('explain')
    .description(
      'tell what a caller may do with a tool, or what would become of a call; none is made',
    )
    .argument('<tool>', 'the name clients use')
    .argument('[file]', FILE)
    .requiredOption('--as <principal>', 'subject, or issuer/subject')
    .option('--claims <json>', 'what the issuer says about the subject')
    .option('--scopes <list>', 'what the subject was granted, with commas')
    .option('--profile <name>', 'the profile it calls on')
    .option('--args <json>', 'arguments of a call: asks the plugins what they would say to it')
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

/** @throws GatewayError for claims or arguments that are no JSON object */
function questionOf(tool: string, { as, args, claims, scopes, profile }: ExplainOptions): object {
  // Issuers are URLs, so the last slash is the one between.
  const slash = as.lastIndexOf('/')
  return {
    tool,
    subject: as.slice(slash + 1),
    ...(slash > 0 ? { issuer: as.slice(0, slash) } : {}),
    ...(claims === undefined ? {} : { claims: readObject(claims, '--claims') }),
    ...(scopes === undefined ? {} : { scopes: scopes.split(',').filter((one) => one !== '') }),
    ...(args === undefined ? {} : { args: readObject(args, '--args') }),
    ...(profile === undefined ? {} : { profile }),
  }
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
  call,
}: Explanation): string[] {
  const scopes = caller.scopes.length === 0 ? 'no scopes' : `scopes ${caller.scopes.join(', ')}`
  const head = ['UPSTREAM', 'TOOL', 'VERDICT', 'PLUGIN', 'RULE', 'REASON']
  return [
    `${tool} on ${caller.path}, as ${caller.subject} of ${caller.issuer} with ${scopes}`,
    [`This caller ${VERDICTS[verdict]}`, near].filter(Boolean).join(' '),
    ...(verdict === 'unknown' ? [] : [listed ? 'Its lists show it' : 'Its lists do not show it']),
    ...section(table([head, ...targets.flatMap(targetRows)])),
    ...(call === undefined ? [] : ['', ...callInWords(call)]),
  ]
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
