import type { Caller, Entry, EntryKind, Refusal, Schema, Target } from '../../../sdk/index.ts'
import type { Assembly } from '../../catalog/assembly.ts'
import { HookError } from '../../hooks/errors.ts'
import { didYouMean } from '../../hooks/nearest.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { pathText } from '../config/config-file.ts'
import { checkAgainst } from '../config/validator.ts'
import { gatewayVersion } from '../version.ts'
import { type Rehearsal, rehearse, type Stage, shadowRefusals } from './rehearsal.ts'

/** The kinds of entries, as the question names them. */
export const KINDS = ['tool', 'prompt', 'resource', 'template'] as const
const TEXT = { type: 'string', minLength: 1 } as const

/** What `explain` is asked. */
export const QUESTION_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'subject'],
  properties: {
    name: { ...TEXT, description: 'The name clients use; of a resource the URI.' },
    kind: {
      enum: KINDS,
      description:
        'What it is, where things of several kinds have the name; a tool first when missing.',
    },
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
  readonly name: string
  readonly kind?: EntryKind
  readonly subject: string
  readonly issuer?: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly scopes: readonly string[]
  readonly args?: Readonly<Record<string, unknown>>
  readonly profile?: string
}

/** One target of the entry, and who refuses it to the caller: nobody, if it is permitted. */
export interface ExplainedTarget extends Target {
  readonly permitted: boolean
  readonly refusals: readonly (Refusal & { readonly plugin: string })[]
  /** Filters in shadow that would refuse it, and by which rule. */
  readonly shadowed?: readonly { readonly plugin: string; readonly rule: string }[]
}

/** What a caller may do with an entry, and why. Nothing is called. */
export interface Explanation {
  readonly name: string
  /** Missing when there is no such entry. */
  readonly kind?: EntryKind
  /** The template that a URI is of. */
  readonly template?: string
  /** Other kinds of which there is one of that name. */
  readonly alsoOf?: readonly EntryKind[]
  readonly caller: {
    readonly issuer: string
    readonly subject: string
    readonly scopes: readonly string[]
    readonly path: string
  }
  /**
   * What filters say. `unknown`: no such entry; `ambiguous`: a plugin must choose between the candidates;
   * `callable`: whether a call goes through is what `mayRefuse` decide.
   */
  readonly verdict: 'callable' | 'ambiguous' | 'refused' | 'unknown'
  /** The nearest known name, as `(did you mean "…"?)`. */
  readonly near?: string
  /** Whether the caller's lists show it: an entry can be callable and not shown. */
  readonly listed: boolean
  /** The plugin lines that are asked about every call and may refuse it, in their order. */
  readonly mayRefuse: readonly string[]
  readonly targets: readonly ExplainedTarget[]
  /** When arguments were given, and filters permit it: what plugins would say to the call. */
  readonly call?: Rehearsal
}

/** What `explain` looks at. */
export interface ExplainSite extends Stage {
  readonly profiles: readonly string[]
}

/**
 * Judges an entry for a caller that is described, by the same decision that lists and calls ask.
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
  const { name, kind, profile, args, ...who } = value as Question
  if (profile !== undefined && !profiles.includes(profile)) {
    const known = profiles.length === 0 ? 'none' : profiles.join(', ')
    throw invalid(`there is no profile ${profile}. Profiles: ${known}`)
  }
  const caller = callerOf(kernel, who, profile)
  const { principal, path } = caller
  const { issuer, subject, scopes } = principal
  const common = { name, caller: { issuer, subject, scopes, path }, mayRefuse: mayRefuse(kernel) }
  await kernel.catalog.waiting(caller)
  const catalog = kernel.catalog.of(caller)
  const [entry, ...others] = found(catalog, name, kind)
  if (entry === undefined) {
    const known = catalog.entries.filter((one) => kind === undefined || one.kind === kind)
    const names = known.map((one) => one.name)
    const near = didYouMean(name, names).trim()
    const told = near === '' ? {} : { near }
    return { ...common, verdict: 'unknown', ...told, listed: false, targets: [] }
  }
  if (args !== undefined) refuseArgs(entry, name, args)
  try {
    const { candidates, refusals } = (await kernel.views.of(caller)).permit(entry)
    const against = await shadowRefusals(site, caller, entry)
    const shown = JSON.parse((await kernel.list(caller))[entry.kind].text) as Named[]
    const verdict =
      candidates.length === 0 ? 'refused' : candidates.length === 1 ? 'callable' : 'ambiguous'
    return {
      ...common,
      kind: entry.kind,
      ...(entry.name === name ? {} : { template: entry.name }),
      ...(others.length === 0 ? {} : { alsoOf: others.map((one) => one.kind) }),
      verdict,
      listed: shown.some((one) => (one.uri ?? one.uriTemplate ?? one.name) === entry.name),
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
        : { call: await rehearse(site, caller, { ...entry, candidates }, args, name) }),
    }
  } catch (cause) {
    if (!(cause instanceof HookError)) throw cause
    const detail = `${cause.message}. This caller is refused everything until the plugin is mended.`
    throw new AdminProblem({ status: 500, code: 'PLUGIN_FAILED', detail })
  }
}

interface Named {
  readonly name: string
  readonly uri?: string
  readonly uriTemplate?: string
}

/** The entries of that name, by kind; of a URI that is no resource's own, the template that covers it. */
function found(catalog: Assembly, name: string, kind: EntryKind | undefined): Entry[] {
  const all = [
    catalog.find('tools/call', name),
    catalog.find('prompts/get', name),
    catalog.find('resources/read', name),
    catalog.entries.find((one) => one.kind === 'template' && one.name === name),
  ]
  const different = all.filter((one, index) => one !== undefined && all.indexOf(one) === index)
  return (different as Entry[]).filter((one) => kind === undefined || one.kind === kind)
}

/** Who is asked before a call is sent: shapers may refuse one too. */
function mayRefuse({ hooks }: Kernel): string[] {
  const steps = [...(hooks.shapers ?? []), ...(hooks.guards ?? [])]
  return steps.flatMap(({ before, plugin }) => (before === null ? [] : plugin))
}

/** @throws AdminProblem for a call that nobody could make */
function refuseArgs({ kind, name: own }: Entry, name: string, args: object): void {
  if (kind === 'template' && own === name) {
    throw invalid(`${name} is a template: name a URI of it to rehearse a call`)
  }
  if (kind !== 'tool' && kind !== 'prompt' && Object.keys(args).length > 0) {
    throw invalid('a resource takes no arguments: send {} as args')
  }
}

function callerOf(
  kernel: Kernel,
  { issuer, subject, claims, scopes }: Omit<Question, 'args' | 'name' | 'kind' | 'profile'>,
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
  const detail = `${reason}. Send { name, kind?, subject, issuer?, claims?, scopes?, args?, profile? }.`
  return new AdminProblem({ status: 400, code: 'INVALID', detail })
}
