/** Why a rule added nothing; stable, for clients and operators. */
export type FailureCode =
  | 'BUDGET'
  | 'CYCLE'
  | 'FAILED'
  | 'INEXACT'
  | 'NOT_OBJECT'
  | 'NO_PLACE'
  | 'NO_VALUE'
  | 'SOURCE_DENIED'
  | 'SOURCE_FAILED'
  | 'TIMEOUT'
  | 'TOO_LARGE'

/** A rule that cannot add what it should. Its message is for the client: nothing of the source stands in it. */
export class RuleFailure extends Error {
  readonly code: FailureCode
  /** What only operators may read. */
  readonly detail: string

  constructor(code: FailureCode, message: string, detail = '') {
    super(message)
    this.code = code
    this.detail = detail
  }
}

/** What somebody threw, as a rule's failure. */
export function failureOf(cause: unknown): RuleFailure {
  if (cause instanceof RuleFailure) return cause
  return new RuleFailure('FAILED', 'it could not be applied', String(cause))
}
