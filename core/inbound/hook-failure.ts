import type { Denial, Failure } from '../../sdk/index.ts'
import { internal, outcomeOf } from '../kernel/outcome.ts'

/** A hook that failed outside a call. */
export function failed(cause: unknown): Denial | Failure {
  return (outcomeOf(cause, false) ?? internal(false)) as Denial | Failure
}
