import type { Caller, Refusal, Schema, Target } from '../../../sdk/index.ts'
import { HookError } from '../../hooks/errors.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { pathText } from '../config/config-file.ts'
import { checkAgainst } from '../config/validator.ts'
import { gatewayVersion } from '../version.ts'
import { type Rehearsal, rehearse, type Stage, shadowRefusals } from './rehearsal.ts'

const TEXT = { type: 'string', minLength: 1 } as const

/** What `explain` is asked. */
export const QUESTION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['tool', 'subject'],
  properties: {
    tool: { ...TEXT, description: 'The name clients use.' },
    subject: { ...TEXT, description: 'Who calls.' },
    issuer: {
      ...TEXT,
      description: 'Who vouches; the first plugin that authenticates when missing.',
    },
    claims: { type: 'object', default: {}, additionalProperties: true },
    scopes: { type: 'array', items: TEXT, default: [] },
    args: {
      type: 'object',
      additionalProperties: true,
      description:
        'Arguments to rehearse a call with; without them no plugin is asked about a call.',
    },
    profile: { ...TEXT, description: 'The profile it calls on; none when missing.' },
  },
} as const satisfies Schema

interface Question {
  readonly tool: string
  readonly subject: string
  readonly issuer?: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  readonly args?: Readonly<Record<string, unknown>>
  readonly profile?: string
}

/** One target of the tool, and who refuses it to the caller: nobody, if it is permitted. */
export interface ExplainedTarget extends Target {
  readonly permitted: boolean
  readonly refusals: readonly (Refusal & { readonly plugin: string })[]
  /** Filters in shadow that would refuse it, and by which rule. */
  readonly shadowed?: readonly { readonly plugin: string; readonly rule: string }[]
}

/** What a caller may do with a tool, and why. Nothing is called. */
export interface Explanation {
  readonly tool: string
  readonly caller: {
    readonly issuer: string
    readonly subject: string
    readonly scopes: readonly string[]
    readonly path: string
  }
  /** `unknown`: no such tool; `ambiguous`: a plugin must choose between the candidates. */
  readonly verdict: 'callable' | 'ambiguous' | 'refused' | 'unknown'
  /** The nearest known name, as `(did you mean "…"?)`. */
  readonly near?: string
  /** Whether the caller's lists show it: a tool can be callable and not shown. */
  readonly listed: boolean
  readonly targets: readonly ExplainedTarget[]
  /** When arguments were given, and the caller may use the tool: what plugins would say to the call. */
  readonly call?: Rehearsal
}

/** What `explain` looks at. */
export interface ExplainSite extends Stage {
  readonly profiles: readonly string[]
}

/**
 * Judges a tool for a caller that is described, by the same decision that lists and calls ask.
 * @throws AdminProblem for a question that cannot be answered
 */
export async function explain(
  site: ExplainSite,
  question: Readonly<Record<string, unknown>>,
): Promise<Explanation> {
  const { value, problems } = checkAgainst(QUESTION_SCHEMA, question)
  if (problems.length > 0) {
    throw invalid(problems.map(({ path, reason }) => `${pathText(path)}: ${reason}`).join('; '))
  }
  const { kernel, profiles } = site
  const { tool, profile, args, ...who } = value as Question
  if (profile !== undefined && !profiles.includes(profile)) {
    const known = profiles.length === 0 ? 'none' : profiles.join(', ')
    throw invalid(`there is no profile ${profile}. Profiles: ${known}`)
  }
  const caller = callerOf(kernel, who, profile)
  const { principal, path } = caller
  const { issuer, subject, scopes } = principal
  const common = { tool, caller: { issuer, subject, scopes, path } }
  await kernel.catalog.waiting(caller)
  const catalog = kernel.catalog.of(caller)
  const entry = catalog.find('tools/call', tool)
  if (entry === undefined) {
    const names = catalog.entries.map(({ name }) => name)
    const near = didYouMean(tool, names).trim()
    const told = near === '' ? {} : { near }
    return { ...common, verdict: 'unknown', ...told, listed: false, targets: [] }
  }
  try {
    const { candidates, refusals } = (await kernel.views.of(caller)).permit(entry)
    const against = await shadowRefusals(site, caller, entry)
    const shown = JSON.parse((await kernel.list(caller)).tool.text) as { name: string }[]
    const verdict =
      candidates.length === 0 ? 'refused' : candidates.length === 1 ? 'callable' : 'ambiguous'
    return {
      ...common,
      verdict,
      listed: shown.some(({ name }) => name === tool),
      targets: entry.targets.map((target) => {
        const own = refusals.filter((one) => one.target === target)
        const shadowed = against.flatMap(({ target: refused, plugin, rule }) =>
          refused === target ? { plugin, rule } : [],
        )
        return {
          ...target,
          permitted: candidates.includes(target),
          // A filter that answered nonsense refused too, without words.
          refusals: own.map(({ plugin, rule = '', reason = 'it did not say yes', scopes }) => ({
            plugin,
            rule,
            reason,
            ...(Array.isArray(scopes) ? { scopes } : {}),
          })),
          ...(shadowed.length === 0 ? {} : { shadowed }),
        }
      }),
      ...(args === undefined || candidates.length === 0
        ? {}
        : { call: await rehearse(site, caller, { ...entry, candidates }, args) }),
    }
  } catch (cause) {
    if (!(cause instanceof HookError)) throw cause
    const detail = `${cause.message}. This caller is refused everything until the plugin is mended.`
    throw new AdminProblem({ status: 500, code: 'PLUGIN_FAILED', detail })
  }
}

function callerOf(
  kernel: Kernel,
  { issuer, subject, claims, scopes }: Omit<Question, 'args' | 'tool' | 'profile'>,
  profile: string | undefined,
): Caller {
  const vouching = kernel.hooks.on.authenticate?.[0]?.plugin ?? 'patchbay'
  return {
    principal: { issuer: issuer ?? vouching, subject, claims, scopes },
    client: {
      name: 'patchbay explain',
      version: gatewayVersion(),
      protocolVersion: '2026-07-28',
      era: 'modern',
      capabilities: {},
    },
    path: profile === undefined ? '/mcp' : `/mcp/${profile}`,
  }
}

function invalid(reason: string): AdminProblem {
  const detail = `${reason}. Send { tool, subject, issuer?, claims?, scopes?, args?, profile? }.`
  return new AdminProblem({ status: 400, code: 'INVALID', detail })
}
