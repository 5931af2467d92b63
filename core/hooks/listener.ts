import { EVENT_TYPES, type Event, type HookName, type Hooks, type Phase } from '../../sdk/index.ts'
import type { HookCounts } from './hook-counts.ts'

/** One plugin line of the config, set up. */
export interface PluginLine {
  readonly id: string
  readonly phase: Phase | undefined
  readonly hooks: Hooks
  /** `skip`: the operator's word that a failure of this plugin may be passed over. */
  readonly onFailure: 'deny' | 'skip'
  /** Milliseconds per hook, in place of the defaults. */
  readonly timeouts: Partial<Record<HookName, number>>
  /** Names of the services it provides. */
  readonly provides?: readonly string[]
  /** Its place among those that start: providers first, backward to stop. As in the config when left out. */
  readonly turn?: number
  /** `shadow`: what it says is counted and not applied. `enforce` when left out. */
  readonly mode?: Mode
  /** Whether the plugin says that it can run dry. */
  readonly shadow?: boolean
}

/** Whether a plugin line decides, or is only asked what it would decide. */
export type Mode = 'enforce' | 'shadow'

/** One plugin's share in one hook. */
export interface Listener<H extends HookName> {
  readonly plugin: string
  readonly hook: H
  readonly run: NonNullable<Hooks[H]>
  readonly skip: boolean
  /** Milliseconds a returned promise may take. */
  readonly limit: number
  readonly counts: HookCounts
}

/** One plugin's place on the way of a call. */
export interface Step {
  readonly plugin: string
  readonly before: Listener<'beforeCall'> | null
  /** In place of `before` for a line in shadow. */
  readonly dry: Listener<'beforeCall'> | null
  readonly after: Listener<'afterCall'> | null
}

/** Makes the share of a line in a hook; `null` when it has none. */
export type Listen = <H extends HookName>(line: PluginLine, hook: H) => Listener<H> | null

/** Hooks of a line in shadow that are run as always: they decide nothing about anybody's call. */
const IN_SHADOW: ReadonlySet<HookName> = new Set([
  'observe',
  'routes',
  'start',
  'stop',
  'health',
  'status',
])

/** Hooks of a line in shadow that are asked what they would say. */
export const SHADOWED = ['listFilter', 'beforeCall'] as const

const LIMITS: Partial<Record<HookName, number>> = {
  authenticate: 10_000,
  credentials: 30_000,
  refused: 30_000,
  start: 30_000,
  stop: 10_000,
}
const LIMIT = 2_000

/**
 * Hooks whose failures `onFailure: skip` passes over. Those that decide who may do what are not among them:
 * no operator can make them fail open.
 */
export const SKIPPABLE: readonly HookName[] = [
  'onRegister',
  'arrange',
  'present',
  'beforeCall',
  'afterCall',
  'onMessage',
  'settle',
  'routes',
]

/** Whether a line's share in a hook has any effect. */
export function isApplied({ mode }: PluginLine, hook: HookName): boolean {
  return mode !== 'shadow' || IN_SHADOW.has(hook)
}

/** A line's share in a hook, whether it is applied or not; `null` when it has none. */
export function listener<H extends HookName>(
  line: PluginLine,
  hook: H,
  counts: HookCounts,
): Listener<H> | null {
  const run = line.hooks[hook]
  if (run === undefined) return null
  const isDry = !isApplied(line, hook)
  return {
    plugin: line.id,
    hook,
    // Bound, so that plugins written as objects with `this` work like those written as closures.
    run: (run as (...args: never[]) => unknown).bind(line.hooks) as NonNullable<Hooks[H]>,
    skip: isDry || (line.onFailure === 'skip' && SKIPPABLE.includes(hook)),
    limit: line.timeouts[hook] ?? LIMITS[hook] ?? LIMIT,
    counts,
  }
}

/** The places of one phase's lines on the way of a call, in config order. */
export function steps(lines: readonly PluginLine[], phase: Phase, listen: Listen): Step[] {
  return lines.flatMap((line) => {
    if (line.phase !== phase) return []
    const isDry = !isApplied(line, 'beforeCall')
    const before = listen(line, 'beforeCall')
    const after = isDry ? null : listen(line, 'afterCall')
    if (before === null && after === null) return []
    return { plugin: line.id, before: isDry ? null : before, dry: isDry ? before : null, after }
  })
}

/** `afterCall` of the first so many shapers in reverse, then of the first so many guards. */
export function wayBack(
  shapers: readonly Step[] | null,
  guards: readonly Step[] | null,
  reachedShapers?: number,
  reachedGuards?: number,
): readonly Listener<'afterCall'>[] {
  const back = (shapers ?? []).slice(0, reachedShapers).reverse()
  return [...back, ...(guards ?? []).slice(0, reachedGuards)].flatMap(({ after }) => after ?? [])
}

/** Who is told of what, in config order; `null` for events that nobody wants. */
export type Observers = Readonly<Record<Event['type'], readonly Listener<'observe'>[] | null>>

/** @param all every observer */
export function observersOf(
  lines: readonly PluginLine[],
  all: readonly Listener<'observe'>[] | null,
): Observers {
  const wanted = new Map(lines.map(({ id, hooks }) => [id, hooks.observes]))
  const told = (type: Event['type']) =>
    all?.filter(({ plugin }) => wanted.get(plugin)?.includes(type) ?? true) ?? []
  const byType = EVENT_TYPES.map((type) => [type, told(type).length === 0 ? null : told(type)])
  return Object.fromEntries(byType) as Observers
}
