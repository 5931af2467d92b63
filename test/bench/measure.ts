/** Runs groups: starts each, returns to all its targets again and again in random order, ends it. */

import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Case, Group } from './cases.ts'
import { startGroup, type Target } from './group.ts'
import type { Job, Tally } from './load.ts'
import { type Cores, launch, stopAll } from './process.ts'
import type { Round, Series } from './report/rows.ts'

/** How long and how often. */
export interface Plan {
  readonly rounds: number
  /** Slices of a round at one connection. */
  readonly single: number
  /** Slices at 16 connections, from which CPU per call is taken. */
  readonly crowd: number
  /** Slices at 64 connections. */
  readonly wide: number
  /** Milliseconds of calls before anything is measured, for each target. */
  readonly warm: number
  /** Whether direct calls are measured. */
  readonly direct: boolean
}

/** Where a run happens. */
export interface Place {
  readonly cores: Cores
  readonly folder: string
  say(text: string): void
}

const CROWD = 16
const WIDE = 64
/** Milliseconds. */
const SLICE = 100
const MOST_CALLS = 1_000_000
const CONNECTS = 20_000
/** The load generator's file. */
export const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))

/** Measures the cases of one group, with processes of their own. */
export async function measureGroup(
  group: Group,
  cases: readonly Case[],
  plan: Plan,
  place: Place,
): Promise<Series[]> {
  const { cores, folder, say } = place
  try {
    const load = launch([LOAD], cores.load, 'inherit')
    say(`${group}: starting`)
    const targets = await startGroup({
      group,
      cases,
      cores,
      folder,
      direct: plan.direct,
      ready: (target) => answers(load, target),
    })
    return await measureTargets(group, targets, load, plan, say)
  } finally {
    await stopAll()
  }
}

/** Takes a target that could not be called out of the run, or throws to end it. */
export type Failed = (target: Target, cause: Error) => void

/** Measures targets that are there. @param failed without it, one that cannot be called ends the run */
export async function measureTargets(
  group: string,
  targets: readonly Target[],
  load: ChildProcess,
  plan: Plan,
  say: Place['say'],
  failed: Failed = (_, cause) => {
    throw cause
  },
): Promise<Series[]> {
  let all: { target: Target; atRest: Rest; rounds: Round[] }[] = []
  for (const target of targets) {
    say(`${group}: warming up ${target.name}`)
    try {
      const atRest = await restOf(load, target)
      await order(load, { ...jobFor(target, CROWD), duration: plan.warm })
      all.push({ target, atRest, rounds: [] })
    } catch (cause) {
      failed(target, cause as Error)
    }
  }
  for (let round = 1; round <= plan.rounds; round++) {
    say(`${group}: round ${round} of ${plan.rounds}`)
    const gone = await oneRound(load, all, plan, failed)
    all = all.filter(({ target }) => !gone.has(target))
  }
  const series: Series[] = []
  for (const { target, atRest, rounds } of all) {
    const { name, direct, floor, over, rival, wires } = target
    const heap = { rest: atRest.heap, after: (await target.heap?.()) ?? null }
    series.push({
      ...{ name, group, direct, floor, over, rival, wires, rounds, heap },
      rest: atRest.rss,
    })
  }
  return series
}

/** @returns the targets that could not be called */
async function oneRound(
  load: ChildProcess,
  all: readonly { readonly target: Target; readonly rounds: Round[] }[],
  plan: Plan,
  failed: Failed,
): Promise<ReadonlySet<Target>> {
  const now = all.map(({ target, rounds }) => {
    const one: Round = { single: [], crowd: [], wide: [] }
    rounds.push(one)
    return { target, ...one }
  })
  const gone = new Set<Target>()
  const slices = Math.max(plan.single, plan.crowd, plan.wide)
  for (let slice = 0; slice < slices; slice++) {
    // In random order: what runs after whom must not become part of the figure.
    for (const { target, single, crowd, wide } of shuffled(now)) {
      if (gone.has(target)) continue
      const most = { ...plan, ...target.most }
      try {
        if (slice < most.single) single.push(await order(load, jobFor(target, 1)))
        if (slice < most.crowd) crowd.push(await order(load, jobFor(target, CROWD)))
        if (slice < most.wide) wide.push(await order(load, jobFor(target, WIDE)))
      } catch (cause) {
        failed(target, cause as Error)
        gone.add(target)
      }
    }
  }
  return gone
}

interface Rest {
  readonly heap: number | null
  readonly rss: number | null
}

/** Memory before the load, heap first: its collection gives back what starting needed. */
async function restOf(load: ChildProcess, target: Target): Promise<Rest> {
  const heap = (await target.heap?.()) ?? null
  const { rss } = await order(load, { ...jobFor(target, 1), calls: 1 })
  return { heap, rss: rss[0] ?? null }
}

/** A server may listen before it can answer: waits until a call comes through. */
export async function answers(load: ChildProcess, target: Target): Promise<void> {
  await firstAnswer(load, [target], CONNECTS, () => true)
}

/**
 * The first of several targets at one process that answers a call well.
 * @param limit milliseconds until it gives up
 * @param running whether that process is still there
 */
export async function firstAnswer(
  load: ChildProcess,
  targets: readonly Target[],
  limit: number,
  running: () => boolean,
): Promise<Target> {
  const until = performance.now() + limit
  while (true) {
    let wrong: string | undefined
    for (const target of targets) {
      wrong = await attempt(load, target)
      if (wrong === undefined) return target
    }
    const name = targets[0]?.name
    if (!running()) throw new Error(`${name} has ended`)
    if (performance.now() > until) throw new Error(`${name} answers wrongly: ${wrong}`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
}

/** Milliseconds between two attempts. */
const PAUSE = 50

async function attempt(load: ChildProcess, target: Target): Promise<string | undefined> {
  try {
    const { errors, firstError } = await order(load, { ...jobFor(target, 1), calls: 1 })
    return errors === 0 ? undefined : firstError
  } catch (cause) {
    return (cause as Error).message
  }
}

function jobFor({ aim, watch }: Target, connections: number): Job {
  return { ...aim, connections, duration: SLICE, calls: MOST_CALLS, watch }
}

function order(load: ChildProcess, job: Job): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the load generator has ended'))
    load.once('exit', gone)
    load.once('message', ({ tally, error }: { tally?: Tally; error?: string }) => {
      load.off('exit', gone)
      if (tally !== undefined) resolve(tally)
      else reject(new Error(`${job.url} (${job.era}, ${job.connections} connections): ${error}`))
    })
    load.send(job)
  })
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
