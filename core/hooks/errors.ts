import type { Denial, Outcome } from '../../sdk/index.ts'

/** One thing that is wrong, for an operator to read and mend. */
export interface Problem {
  /** Stable, for tools: for example `CONFIG_UNKNOWN_KEY`. */
  readonly code: string
  /** Where: `file:line:column`, or a plugin or upstream id. */
  readonly where?: string
  /** The setting, as a path of keys. */
  readonly path?: string
  readonly reason: string
  /** What to do next. */
  readonly hint?: string
}

/** Thrown when the gateway cannot be built or started; carries every problem found, not only the first. */
export class GatewayError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options)
    this.name = 'GatewayError'
    this.problems = problems
  }
}

/** One line: where, path, reason, hint. */
export function formatProblem({ where, path, reason, hint }: Problem): string {
  const place = [where, path].filter(Boolean).join(' ')
  // A reason that plugins wrote may be sentences already.
  const stop = /[.!?]$/.test(reason) ? '' : '.'
  return `${place ? `${place}: ` : ''}${reason}${hint ? `${stop} ${hint}` : ''}`
}

/** A hook threw or did not settle in time. */
export class HookError extends Error {
  readonly plugin: string
  readonly hook: string

  constructor(plugin: string, hook: string, cause: unknown) {
    super(`plugin ${plugin}, hook ${hook}: ${messageOf(cause)}`, { cause })
    this.name = 'HookError'
    this.plugin = plugin
    this.hook = hook
  }
}

/** What credential hooks say in place of credentials travels as this: a denial, or a question. */
export class Refused extends Error {
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    super('message' in outcome ? outcome.message : 'wants an answer first')
    this.name = 'Refused'
    this.outcome = outcome
  }
}

/** A denial for an operator to read: what is refused, and what to do. */
export function denialText({ message, hint }: Pick<Denial, 'message' | 'hint'>): string {
  return formatProblem({ code: '', reason: message, ...(hint === undefined ? {} : { hint }) })
}

/** What to say about a thrown value, whatever it is. */
export function messageOf(cause: unknown): string {
  if (cause instanceof Refused && cause.outcome.kind === 'denial') return denialText(cause.outcome)
  if (cause instanceof Error) return cause.message
  if (typeof cause !== 'object' || cause === null) return String(cause)
  const made = madeBy(cause)
  return made === undefined ? 'threw an object that is no Error' : `threw ${made}: return it`
}

const MADE_BY: Readonly<Record<string, string>> = {
  denial: 'deny(…)',
  ask: 'ask(…)',
  change: 'change(…)',
  answer: 'answer(…)',
}

/** What a plugin returned, in words: the function that makes such a thing, else what kind of value it is. */
export function nounOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return madeBy(value) ?? 'an object'
}

function madeBy(value: object): string | undefined {
  const { kind } = value as { kind?: unknown }
  return typeof kind === 'string' && Object.hasOwn(MADE_BY, kind) ? MADE_BY[kind] : undefined
}
