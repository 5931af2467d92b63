import { isDeepStrictEqual } from 'node:util'
import type { Health, UpstreamStatus } from '../../../sdk/index.ts'
import type { UpstreamConfig } from '../../outbound/settings.ts'
import type { CrewAnswer } from '../../services/workers/crew.ts'
import type {
  GatewayStatus,
  HookStatus,
  PluginStatus,
  WorkerStatus,
  WorkersOfUpstream,
} from './status.ts'

/** The worst first. */
const STATES = ['auth-required', 'down', 'connecting', 'ready', 'disabled']

type Told = readonly { readonly slot: number; readonly page: GatewayStatus }[]

/**
 * One page of the pages of all workers: counts are added up, of states the worst is shown, and who did not
 * answer is named in `workers`.
 * @param own of the worker in that slot
 */
export function mergedStatus(
  own: GatewayStatus,
  slot: number,
  others: readonly CrewAnswer[],
  { upstreams }: { readonly upstreams: readonly UpstreamConfig[] },
): GatewayStatus {
  const told: Told = [
    { slot, page: own },
    ...others.flatMap((one) =>
      'value' in one ? { slot: one.slot, page: one.value as GatewayStatus } : [],
    ),
  ].sort((a, b) => a.slot - b.slot)
  const pages = told.map(({ page }) => page)
  const missing = others.length + 1 - pages.length
  const merged = Object.entries(own.upstreams).map(([id, mine]) => {
    const states = [...pages.map((page) => page.upstreams[id]), ...Array(missing).fill(undefined)]
    const config = upstreams.find((one) => one.id === id)
    return [id, mergedUpstream(states, config) ?? mine] as const
  })
  const collisions = [...new Set(pages.flatMap((page) => page.catalog.collisions))].sort()
  return {
    ...own,
    draining: pages.some((page) => page.draining),
    started: pages.map((page) => page.started).sort()[0] ?? own.started,
    uptimeMs: Math.max(...pages.map((page) => page.uptimeMs)),
    upstreams: Object.fromEntries(merged),
    catalog: { ...own.catalog, collisions },
    plugins: Object.fromEntries(
      Object.entries(own.plugins).map(([id, plugin]) => [id, mergedPlugin(id, plugin, told)]),
    ),
    workers: [
      { slot, pid: process.pid, page: own },
      ...others.map((one) => {
        const { slot, pid } = one
        return 'value' in one
          ? { slot, pid, page: one.value as GatewayStatus }
          : { slot, pid, error: one.error }
      }),
    ]
      .sort((a, b) => a.slot - b.slot)
      .map(workerStatus),
  }
}

/** One upstream as all workers see it: the worst state. `undefined` stands for a worker that did not say. */
export function mergedUpstream(
  states: readonly (UpstreamStatus | undefined)[],
  config: UpstreamConfig | undefined,
): (UpstreamStatus & WorkersOfUpstream) | undefined {
  const known = states.flatMap((one) => one ?? [])
  const [worst] = known.toSorted((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state))
  if (worst === undefined) return undefined
  const workers: Record<string, number> = {}
  for (const one of states) {
    const state = one?.state ?? 'unanswered'
    workers[state] = (workers[state] ?? 0) + 1
  }
  const each = config?.command === undefined ? 'connection' : 'process'
  return worst.state === 'disabled' ? worst : { ...worst, workers, each }
}

function workerStatus(one: {
  readonly slot: number
  readonly pid: number | undefined
  readonly page?: GatewayStatus
  readonly error?: string
}): WorkerStatus {
  const { slot, pid, page, error } = one
  const who = { slot, ...(pid === undefined ? {} : { pid }) }
  if (page === undefined) return { ...who, state: 'unanswered', error: error ?? '' }
  return { ...who, state: page.draining ? 'draining' : 'serving', uptimeMs: page.uptimeMs }
}

function mergedPlugin(id: string, own: PluginStatus, told: Told): PluginStatus {
  const all = told.flatMap(({ slot, page }) => {
    const plugin = page.plugins[id]
    return plugin === undefined ? [] : { slot, plugin }
  })
  const sections = all.map(({ plugin }) => plugin.status)
  const same = sections.every((one) => isDeepStrictEqual(one, sections[0]))
  const bySlot = all.map(({ slot, plugin }) => [`worker ${slot}`, plugin.status])
  const hooks: Record<string, HookStatus> = {}
  for (const { plugin } of all) {
    for (const [hook, one] of Object.entries(plugin.hooks)) hooks[hook] = sum(hooks[hook], one)
  }
  const { status: _, ...rest } = own
  const section = same ? sections[0] : Object.fromEntries(bySlot)
  return {
    ...rest,
    health: worstHealth(all.map(({ slot, plugin }) => ({ slot, health: plugin.health }))),
    failures: all.reduce((count, { plugin }) => count + plugin.failures, 0),
    hooks,
    ...(section === undefined ? {} : { status: section }),
  }
}

function worstHealth(
  all: readonly { readonly slot: number; readonly health: Health | undefined }[],
): Health | undefined {
  const ill = all.filter(({ health }) => health?.ok === false)
  if (ill.length === 0) return all.find(({ health }) => health !== undefined)?.health
  const told = ill.map(({ slot, health }) => `worker ${slot}: ${health?.detail ?? 'not well'}`)
  return { ok: false, detail: told.join('; ') }
}

function sum(before: HookStatus | undefined, one: HookStatus): HookStatus {
  if (before === undefined) return one
  const verdicts: Record<string, number> = { ...before.verdicts }
  for (const [said, count] of Object.entries(one.verdicts)) {
    verdicts[said] = (verdicts[said] ?? 0) + count
  }
  return {
    runs: before.runs + one.runs,
    failures: before.failures + one.failures,
    verdicts,
    durationMs: before.durationMs + one.durationMs,
  }
}
