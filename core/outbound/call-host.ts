import type { Maybe } from '../../sdk/index.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { HeldCalls, Traces } from '../kernel/ports.ts'
import type { Round } from '../kernel/round.ts'
import type { CallTerms } from './call-terms.ts'
import type { CallVault } from './call-vault.ts'
import type { Link, Lost } from './link.ts'
import type { LinkLevels } from './log-level.ts'

/** Headers for one request. The same object = prepared once. */
export type FlatHeaders = Readonly<Record<string, string>> | undefined

/** How long a call may take, in milliseconds. */
export interface CallLimits {
  readonly timeout: number
  readonly totalTimeout?: number | undefined
}

/** What a call needs of its upstream. */
export interface CallHost {
  readonly id: string
  readonly wheel: Wheel
  /** Who traces calls, if somebody does. */
  readonly traces: Traces | null
  /** How much its sessions log. */
  readonly levels: LinkLevels
  /** What the config says of calls to it. */
  readonly terms: CallTerms
  /** An open link for the call, opening one if there is none. Throws or rejects with ConnectError. */
  link(round: Round): Maybe<Link>
  /** What the link's failure says about the upstream. */
  linkFailed(link: Link, why: Lost): void
  /** `Mcp-Param-*` headers for the arguments as they are now, names and values in turn. */
  mirrored(round: Round): readonly string[] | undefined
  /** Whether a fresh link may cure a refusal of this request's headers or version. */
  renews(link: Link, round: Round): boolean
  /** What it asks of the kernel. */
  readonly vault: CallVault
  /** Keeps calls that wait for answers with their request open. */
  readonly holds: HeldCalls
}
