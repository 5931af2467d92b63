import {
  type Denial,
  deny,
  type Entry,
  type Failure,
  type Outcome,
  type ResultOutcome,
  type Target,
} from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import { HookError, Refused } from '../hooks/errors.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { repeatsNameAnywhere } from '../wire/json.ts'
import type { CallRequest, Exchange } from './ports.ts'
import type { Round } from './round.ts'

/** A result that still has the text it came in. */
export class RelayedResult implements ResultOutcome {
  readonly kind = 'result'
  readonly source = 'upstream'
  readonly executed = true
  readonly result: Readonly<Record<string, unknown>>
  readonly text: string

  constructor(result: Readonly<Record<string, unknown>>, text: string) {
    this.result = result
    this.text = text
  }
}

/** An upstream's JSON-RPC error that still has the text it came in. */
export class RelayedError implements Failure {
  readonly kind = 'failure'
  readonly code = 'UPSTREAM_ERROR'
  readonly hint = ''
  readonly executed = 'unknown'
  readonly message: string
  readonly error: NonNullable<Failure['error']>
  readonly text: string

  constructor(error: NonNullable<Failure['error']>, text: string) {
    this.message = error.message
    this.error = error
    this.text = text
  }
}

/** Guards judge a result by what every parser reads in it: one with a name twice loses its source text. */
export function readable(outcome: Outcome): Outcome {
  if (!(outcome instanceof RelayedResult) || !repeatsNameAnywhere(outcome.text, 0)) return outcome
  const { result, source, executed } = outcome
  return { kind: 'result', result, source, executed }
}

/** A changed result keeps the source of the numbers nobody touched. */
export function keepText(outcome: Outcome, original: Outcome): Outcome {
  if (outcome.kind !== 'result' || outcome === original) return outcome
  if (!(original instanceof RelayedResult)) return outcome
  return new RelayedResult(
    outcome.result,
    writeChanged(outcome.result, original.result, original.text),
  )
}

/** What a failed hook or a refused credential means for the caller; `undefined` for any other throw. */
export function outcomeOf(cause: unknown, executed: Outcome['executed']): Outcome | undefined {
  if (cause instanceof Refused) {
    return cause.outcome.kind === 'denial' ? { ...cause.outcome, executed } : cause.outcome
  }
  if (!(cause instanceof HookError)) return undefined
  const { plugin, hook } = cause
  return {
    kind: 'failure',
    code: 'PLUGIN_FAILED',
    message: 'a plugin of the gateway failed',
    hint: 'Tell the operator the request id.',
    plugin,
    hook,
    executed,
  }
}

/** A throw in the gateway's own code. */
export function internal(executed: Outcome['executed']): Failure {
  const hint = 'Tell the operator the request id.'
  return { kind: 'failure', code: 'INTERNAL', message: 'the gateway failed', hint, executed }
}

const UNKNOWN: Readonly<Record<EntryMethod, readonly [what: string, kind: string]>> = {
  'tools/call': ['Unknown tool', 'tools'],
  'prompts/get': ['Unknown prompt', 'prompts'],
  'resources/read': ['Resource not found', 'resources'],
  'completion/complete': ['Unknown prompt or resource', 'prompts and resources'],
}

/** No such entry, as far as this caller can tell. */
export function notFound({ method, name }: CallRequest): Denial {
  const [what, kind] = UNKNOWN[method]
  const hint = `List the ${kind} again and use one of their names.`
  return deny('NOT_FOUND', `${what}: ${name}`, { hint })
}

/** The caller no longer wants it. */
export function cancelled(round: Round, executed: Outcome['executed']): Outcome {
  return { kind: 'cancelled', reason: round.cancelled ?? '', executed }
}

/** Every candidate was refused. */
export function refused(
  request: CallRequest,
  refusals: readonly {
    readonly plugin: string
    readonly rule: string
    readonly target: Target
    readonly scopes?: readonly string[]
  }[],
): Denial {
  const final = refusals.filter(({ scopes }) => !Array.isArray(scopes))
  const closed = new Set(final.map(({ target }) => target))
  const helpful = refusals.filter(({ target }) => !closed.has(target))
  const scopes = [...new Set(helpful.flatMap((refusal) => refusal.scopes ?? []))]
  const [decisive] = scopes.length > 0 ? helpful : [...final, ...refusals]
  // Whoever may not use it reads the same as if it did not exist, unless more scopes would help.
  const denial =
    scopes.length > 0
      ? deny('INSUFFICIENT_SCOPE', `${request.name} needs more scopes`, { scopes })
      : notFound(request)
  return decisive === undefined
    ? denial
    : { ...denial, plugin: decisive.plugin, rule: decisive.rule }
}

/** Nothing chose between the candidates. */
export function ambiguous(entry: Entry, candidates: readonly Target[]): Denial {
  const places = candidates.map(({ upstream, name }) => `${upstream}: ${name}`).join(', ')
  return deny(
    'INVALID',
    `${entry.name} can go to several places (${places}) and nothing chose one`,
    {
      hint: 'Enable a plugin that chooses the target, or give the upstreams different names.',
    },
  )
}

/** The caller's W3C trace context. */
export function traceparent(request: CallRequest, exchange: Exchange): string | undefined {
  const fromMeta = request.meta.traceparent
  const found = fromMeta ?? exchange.headers.traceparent
  return typeof found === 'string' ? found : undefined
}
