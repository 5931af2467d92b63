import { type Token, token } from '../token.ts'

/** Time. Tests put a clock in its place that moves when told to. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that only ever grow, for durations. */
  monotonic(): number
  /** Calls `run` every `ms` milliseconds until the returned function is called. Never keeps the process alive. */
  every(ms: number, run: () => void): () => void
}
/** The service of that name. */
export const Clock: Token<Clock> = token<Clock>('Clock')
