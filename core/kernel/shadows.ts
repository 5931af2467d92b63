import type { Caller, Clock, Entry, Principal } from '../../sdk/index.ts'
import type { HookTable, Listener } from '../hooks/hooks.ts'
import type { Round } from './round.ts'

/** Whoever asks plugins in shadow what they would say. Never throws, and nobody waits for it. */
export interface Shadows {
  /** Asks `beforeCall`. @param guards whether it is a guard's */
  judge(one: Listener<'beforeCall'>, round: Round, guards: boolean): void
  /** Asks filters about a call that the others permit. */
  permitted(round: Round): void
  /** Asks filters about a list. @param entries those that the others permit */
  listed(caller: Caller, entries: () => readonly Entry[]): void
  /** Forgets what filters said, of all or of one principal. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void
}

/** Makes it for a kernel that has lines in shadow. */
export type MakeShadows = (hooks: HookTable, clock: Clock) => Shadows
