import type { Health, UpstreamStatus } from '../../../sdk/index.ts'
import type { HookCounts } from '../../hooks/hook-counts.ts'
import type { HookTable } from '../../hooks/hooks.ts'
import { verdictsOf } from '../hook-metrics.ts'
import type { KindCounts } from '../kinds.ts'

/** What one hook of a plugin line did since the start. */
export interface HookStatus {
  readonly runs: number
  readonly failures: number
  /** How many runs said what; those that said nothing are in `none`. */
  readonly verdicts: Readonly<Record<string, number>>
  /** Milliseconds in all, estimated from samples where answers come at once. */
  readonly durationMs: number
}

/** What one plugin line looks like from outside. */
export interface PluginStatus {
  readonly name: string
  readonly version: string
  /** `bundled`, a file, or `package@version`. */
  readonly origin: string
  /** `undefined` when the plugin does not report any. */
  readonly health: Health | undefined
  /** How often its hooks failed since the start. */
  readonly failures: number
  /** Set when what it says is counted and not applied. */
  readonly mode?: 'shadow'
  /** What its hooks did since the start, by hook; those that have not run are left out. */
  readonly hooks: Readonly<Record<string, HookStatus>>
  /** Its own section; `{ error }` when it failed to say. */
  readonly status?: object
}

/** The page of `/status`. What changes incompatibly changes `schema`. */
export interface GatewayStatus {
  readonly schema: 1
  readonly version: string
  /** The config file it runs. */
  readonly config: string
  /** ISO 8601. */
  readonly started: string
  /** Milliseconds. */
  readonly uptimeMs: number
  /** Whether the gateway is about to stop. */
  readonly draining: boolean
  /** The MCP endpoint as clients reach it. */
  readonly url: string
  readonly upstreams: Readonly<Record<string, UpstreamStatus & WorkersOfUpstream>>
  readonly catalog: KindCounts & {
    readonly revision: number
    /** Names that two upstreams claim: neither is listed nor callable. */
    readonly collisions: readonly string[]
  }
  readonly plugins: Readonly<Record<string, PluginStatus>>
  /** Every worker, by slot, where there are several: the rest of the page is about all that answered. */
  readonly workers?: readonly WorkerStatus[]
}

/** How one of several workers does. */
export interface WorkerStatus {
  /** Its place, from 0. */
  readonly slot: number
  /** Missing when nobody is there. */
  readonly pid?: number
  readonly state: 'serving' | 'draining' | 'unanswered'
  /** Milliseconds. */
  readonly uptimeMs?: number
  /** Why it did not answer. */
  readonly error?: string
}

/** What is said of an upstream where there are several workers: its state is the worst of theirs. */
export interface WorkersOfUpstream {
  /** How many workers are in which state; `unanswered` are those that did not say. */
  readonly workers?: Readonly<Record<string, number>>
  /** What of the server each worker has for itself. */
  readonly each?: 'process' | 'connection'
}

/** What the hooks of one plugin line did, those left out that have not run. */
export function hookStatus(all: readonly HookCounts[], plugin: string): Record<string, HookStatus> {
  const own = all.filter((one) => one.plugin === plugin && one.runs > 0)
  return Object.fromEntries(
    own.map((one) => {
      const { hook, runs, failures, duration } = one
      const said = Object.entries(verdictsOf(one)).filter(([, count]) => count > 0)
      const durationMs = Math.round(duration * 1_000) / 1_000
      return [hook, { runs, failures, verdicts: Object.fromEntries(said), durationMs }]
    }),
  )
}

/** What every plugin says of itself, by line id. A plugin that fails never fails the page. */
export async function statusSections(hooks: HookTable): Promise<Record<string, object>> {
  const sections = await Promise.all(
    (hooks.on.status ?? []).map(async (one): Promise<[string, object]> => {
      let section: unknown
      try {
        section = await hooks.settle(Promise.resolve().then(one.run), one)
      } catch (error) {
        // `settle` has told the log and the observers.
        return [one.plugin, { error: (error as Error).message }]
      }
      try {
        return [one.plugin, readable(section)]
      } catch (cause) {
        return [one.plugin, { error: hooks.failed(one.plugin, 'status', cause, true).message }]
      }
    }),
  )
  return Object.fromEntries(sections)
}

/** @throws TypeError for what is no object, or what JSON cannot say */
function readable(section: unknown): object {
  const value: unknown = JSON.parse(JSON.stringify(section) ?? 'null')
  if (typeof value !== 'object' || value === null) throw new TypeError('returned no object')
  return value
}
