import type { UpstreamStatus } from '../../sdk/index.ts'
import type { TermsByKind } from '../catalog/freshness.ts'
import type { ListedEntry } from '../catalog/ports.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { HeldCalls, Traces, Vault } from '../kernel/ports.ts'
import type { Implementation } from '../wire/protocol.ts'

/** What an upstream needs of the gateway. */
export interface UpstreamHost {
  readonly wheel: Wheel
  readonly us: Implementation
  readonly vault: Vault
  readonly holds: HeldCalls
  readonly traces: Traces | null
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  /** 0 ≤ n < 1. */
  random(): number
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Its whole list, after every reading; `[]` hides it.
   * @param open whether it lists this to anybody, without credentials
   * @param terms how long this may be kept
   */
  listed(id: string, entries: readonly ListedEntry[], open: boolean, terms: TermsByKind): void
  /** What it lists for single identities is to be read again. */
  stale(id: string): void
  /** It will not list anything soon. */
  silent(id: string): void
  changed(id: string, status: UpstreamStatus): void
}
