import type { QuestionOutcome } from './question.ts'

/** Why a call was refused: a closed list. */
export const DENIAL_CODES = [
  'UNAUTHENTICATED',
  'INSUFFICIENT_SCOPE',
  'LOGIN_REQUIRED',
  'FORBIDDEN',
  'NOT_FOUND',
  'RATE_LIMITED',
  'INVALID',
  'UNAVAILABLE',
  'TIMEOUT',
] as const

/** One of {@link DENIAL_CODES}. */
export type DenialCode = (typeof DENIAL_CODES)[number]

/** Whether the upstream did the work. `"unknown"`: the connection broke after the request was sent. */
export type Executed = boolean | 'unknown'

/** A refusal: expected, decided by a policy, and told to the caller. */
export interface Denial {
  readonly kind: 'denial'
  readonly code: DenialCode
  /** What is refused and why, for the caller. */
  readonly message: string
  /** What the caller can do next. */
  readonly hint: string
  /** When trying again may help, in milliseconds. */
  readonly retryAfterMs?: number
  /** The rule that decided, for operators. */
  readonly rule?: string
  /** The scopes that would be enough (INSUFFICIENT_SCOPE). */
  readonly scopes?: readonly string[]
  /** The plugin that refused; filled in by the kernel, `undefined` when the kernel itself refused. */
  readonly plugin?: string
  readonly executed: Executed
}

/** What the tool returned (MCP `CallToolResult`), also when it reports its own error with `isError`. */
export interface ResultOutcome {
  readonly kind: 'result'
  readonly result: Readonly<Record<string, unknown>>
  readonly source: 'upstream' | 'plugin'
  readonly executed: Executed
}

/** An outage or a bug: nobody decided this. */
export interface Failure {
  readonly kind: 'failure'
  /**
   * `UPSTREAM_ERROR`: the upstream answered with a JSON-RPC error, kept in `error`.
   * `UNAVAILABLE`, `TIMEOUT`: it did not answer. `PLUGIN_FAILED`: a hook threw or hung.
   * `INTERNAL`: a bug of the gateway.
   */
  readonly code: 'UPSTREAM_ERROR' | 'UNAVAILABLE' | 'TIMEOUT' | 'PLUGIN_FAILED' | 'INTERNAL'
  readonly message: string
  readonly hint: string
  /** The upstream's JSON-RPC error object, as it came. */
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
  readonly retryAfterMs?: number
  /** Plugin and hook that failed (`PLUGIN_FAILED`). */
  readonly plugin?: string
  readonly hook?: string
  readonly executed: Executed
}

/** The caller went away or cancelled. Nothing more is sent to it. */
export interface Cancelled {
  readonly kind: 'cancelled'
  readonly reason: string
  readonly executed: Executed
}

/** How a call ended. */
export type Outcome = ResultOutcome | QuestionOutcome | Denial | Failure | Cancelled

/** A shaper's wish to send something else, or somewhere else. */
export interface Change {
  readonly kind: 'change'
  readonly args?: Readonly<Record<string, unknown>>
  readonly target?: ChangeTarget
}

/** Names one of the call's candidates. */
export interface ChangeTarget {
  readonly upstream: string
  readonly name: string
}

/** A shaper's own result in the upstream's place. */
export interface Answer {
  readonly kind: 'answer'
  readonly result: Readonly<Record<string, unknown>>
}

const HINTS: Record<DenialCode, string> = {
  UNAUTHENTICATED: 'Send valid credentials.',
  INSUFFICIENT_SCOPE: 'Ask for the missing scopes and try again.',
  LOGIN_REQUIRED: 'Log in to the upstream account and try again.',
  FORBIDDEN: 'Ask the operator of this gateway for access, or do without this tool.',
  NOT_FOUND: 'List the tools again and use one of their names.',
  RATE_LIMITED: 'Wait before trying again.',
  INVALID: 'Correct the arguments and try again.',
  UNAVAILABLE: 'Try again later.',
  TIMEOUT: 'Try again later, or ask for less.',
}

/** Optional parts of a denial. */
export interface DenialData {
  readonly hint?: string
  readonly retryAfterMs?: number
  readonly rule?: string
  readonly scopes?: readonly string[]
}

const DATA: Readonly<Record<string, (value: unknown) => boolean>> = {
  hint: (value) => typeof value === 'string' && value !== '',
  retryAfterMs: (value) => typeof value === 'number' && value >= 0,
  rule: (value) => typeof value === 'string',
  scopes: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
}

/**
 * Refuses a call or a login. `message` says what and why; `hint` defaults to the code's usual advice.
 * @throws TypeError for a code that is not in {@link DENIAL_CODES}, an empty message, and parts there are not
 */
export function deny(code: DenialCode, message: string, data: DenialData = {}): Denial {
  if (!Object.hasOwn(HINTS, code)) {
    throw new TypeError(`deny: no code ${code}; the codes are ${DENIAL_CODES.join(', ')}`)
  }
  if (typeof message !== 'string' || message === '') {
    throw new TypeError('deny: no message; say what is refused and why')
  }
  for (const [name, value] of Object.entries(data)) {
    if (DATA[name]?.(value)) continue
    const known = Object.keys(DATA).join(', ')
    throw new TypeError(`deny: \`${name}\` is no part of a denial, or of the wrong kind: ${known}`)
  }
  return { kind: 'denial', code, message, hint: HINTS[code], executed: false, ...data }
}

/** Changes what will be sent (shapers only). `target` must be one of `call.candidates`. */
export function change(to: Omit<Change, 'kind'>): Change {
  return { kind: 'change', ...to }
}

/** Answers in the upstream's place (shapers only). Guards still judge the call. */
export function answer(result: Readonly<Record<string, unknown>>): Answer {
  return { kind: 'answer', result }
}
