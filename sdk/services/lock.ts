import type { Maybe } from '../hooks.ts'
import { type Token, token } from '../token.ts'

/** What the holder of a lock has at hand. */
export interface Lease {
  /** Aborted when the lock has expired and may be somebody else's. */
  readonly signal: AbortSignal
}

/** How long to wait for a lock, and how long to hold it. */
export interface LockOptions {
  /** Milliseconds after which the lock goes to the next, done or not. */
  readonly ttlMs: number
  /** Milliseconds to wait for it; 0 when left out. */
  readonly waitMs?: number
}

/** One at a time. Names belong to the plugin line; those who wait are served in the order they came. */
export interface Lock {
  /**
   * Runs `work` while nobody else holds the lock, and lets it go when `work` has ended, however it did.
   * @returns what `work` returned; `undefined` when the lock was not to be had within `waitMs`
   * @throws whatever `work` throws
   */
  hold<T>(
    name: string,
    options: LockOptions,
    work: (lease: Lease) => Maybe<T>,
  ): Promise<T | undefined>
}
/** The service of that name. */
export const Lock: Token<Lock> = token<Lock>('Lock')
