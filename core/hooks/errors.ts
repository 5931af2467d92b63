import type { Outcome } from '../../sdk/index.ts'

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

/** What to say about a thrown value, whatever it is. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
