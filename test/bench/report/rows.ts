import { cpus } from 'node:os'
import type { Tally } from '../load.ts'
import { calm, divide, median, minus, type Spread, spread } from './figures.ts'

/** What one round measured at one target, slice by slice. */
export interface Round {
  /** With one connection. */
  readonly single: Tally[]
  /** With 16. */
  readonly crowd: Tally[]
  /** With 64. */
  readonly wide: Tally[]
}

/** Everything measured at one target. */
export interface Series {
  readonly name: string
  readonly group: string
  /** The series of the same calls without a hop between, to tell what the hop adds. */
  readonly direct: string | undefined
  /** The series that ratios refer to. */
  readonly floor: string | undefined
  /** The series of which this one does a little more. */
  readonly over: string | undefined
  /** The series of ours with the same wires on both sides. */
  readonly rival?: string | undefined
  /** In which shape clients and upstream speak. */
  readonly wires: string
  readonly rounds: Round[]
  /** Bytes after a collection, before the load and after it; null where that cannot be known. */
  readonly heap: { readonly rest: number | null; readonly after: number | null }
  /** Resident bytes before the load. */
  readonly rest: number | null
}

/** At so many connections; latencies in microseconds. */
export interface Crowd {
  readonly calls: Spread | null
  readonly p50: Spread | null
  readonly p99: Spread | null
}

/**
 * One line of the table. Times in microseconds, sizes in bytes. CPU figures are of all rounds together, with the
 * lowest and the highest of a single one; the others are the rounds' median, lowest and highest.
 */
export interface Row {
  readonly name: string
  readonly group: string
  readonly wires: string
  readonly floor: string | null
  readonly at: { readonly 1: Crowd; readonly 16: Crowd; readonly 64: Crowd }
  /** What the hop adds to the p50 of a direct call at one connection. */
  readonly added: number | null
  /** At 16 connections, children included, as is what follows. */
  readonly cpu: Spread | null
  /** CPU per call divided by the floor's, measured in turns with it. */
  readonly cpuRatio: Spread | null
  /** CPU per call less that of the case it does a little more than. */
  readonly more: Spread | null
  /** Added p50 divided by the floor's in the same round. */
  readonly addedRatio: Spread | null
  /** Calls a second divided by the floor's in the same round. */
  readonly callsRatio: Spread | null
  /** Its rival's calls a second divided by its own in the same round. */
  readonly slower: Spread | null
  readonly rival: string | null
  readonly rssRest: number | null
  readonly rssLoad: number | null
  readonly heapRest: number | null
  readonly heapAfter: number | null
  /** Shares of one core under 16 connections. */
  readonly loadShare: number | null
  readonly upstreamShare: number | null
  readonly errors: number
  readonly firstError?: string
}

/** Where and on what the figures were taken. */
export function machine(): Record<'cpu' | 'system' | 'node' | 'date', string> {
  return {
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
  }
}

/** Medians and ratios of the series of one group. */
export function rowsOf(all: readonly Series[]): Row[] {
  const named = (name: string | undefined) => all.find((series) => series.name === name)
  const added = (series: Series | undefined, round: number) =>
    minus(latency(series, round), latency(named(series?.direct), round))
  return all.map((series) => {
    const yardstick = named(series.floor)
    const each = (read: (round: number) => number | null) => series.rounds.map((_, n) => read(n))
    const crowds = series.rounds.flatMap(({ crowd }) => crowd)
    const tallies = series.rounds.flatMap(({ single, crowd, wide }) => [single, crowd, wide].flat())
    const firstError = tallies.find((tally) => tally.firstError !== undefined)?.firstError
    return {
      name: series.name,
      group: series.group,
      wires: series.wires,
      floor: series.floor ?? null,
      at: {
        1: crowdOf(series, 'single'),
        16: crowdOf(series, 'crowd'),
        64: crowdOf(series, 'wide'),
      },
      added: median(each((n) => added(series, n))),
      cpu: overall(series, (n) => perCall(series, n)),
      cpuRatio: overall(series, (n) => divide(perCall(series, n), perCall(yardstick, n))),
      more: overall(series, (n) => minus(perCall(series, n), perCall(named(series.over), n))),
      addedRatio: spread(each((n) => divide(added(series, n), added(yardstick, n)))),
      callsRatio: spread(each((n) => divide(pace(series, n), pace(yardstick, n)))),
      slower: spread(each((n) => divide(pace(named(series.rival), n), pace(series, n)))),
      rival: series.rival ?? null,
      rssRest: series.rest,
      rssLoad: greatest(tallies.map(({ rss }) => rss[0])),
      heapRest: series.heap.rest,
      heapAfter: series.heap.after,
      loadShare: median(crowds.map(({ loadShare }) => loadShare)),
      upstreamShare: median(crowds.map(({ cpu, seconds }) => divide(cpu[1], seconds * 1e6))),
      errors: tallies.reduce((sum, { errors }) => sum + errors, 0),
      ...(firstError === undefined ? {} : { firstError }),
    }
  })
}

function crowdOf(series: Series, which: keyof Round): Crowd {
  const each = (read: (tally: Tally) => number) =>
    spread(series.rounds.map((round) => median(round[which].map(read))))
  return {
    calls: each(({ calls, seconds }) => calls / seconds),
    p50: each(({ p50 }) => p50),
    p99: each(({ p99 }) => p99),
  }
}

/** A figure of all rounds together, and the lowest and the highest that one round alone would give. */
function overall(
  { rounds }: Series,
  read: (round: number | undefined) => number | null,
): Spread | null {
  const whole = read(undefined)
  const ends = spread(rounds.map((_, n) => read(n)))
  return whole === null || ends === null ? null : [whole, ends[1], ends[2]]
}

/** CPU of a call at 16 connections: of the calm slices of a round, or of all. */
function perCall(series: Series | undefined, round: number | undefined): number | null {
  const rounds = series?.rounds.filter((_, n) => round === undefined || n === round) ?? []
  const slices = rounds.flatMap(({ crowd }) => crowd)
  return calm(slices.map(({ cpu, calls }) => divide(cpu[0], calls)))
}

/** The p50 at one connection: of the calm slices. */
function latency(series: Series | undefined, round: number): number | null {
  return calm(series?.rounds[round]?.single.map(({ p50 }) => p50))
}

function pace(series: Series | undefined, round: number): number | null {
  const tallies = series?.rounds[round]?.crowd ?? []
  return median(tallies.map(({ calls, seconds }) => calls / seconds))
}

function greatest(values: readonly (number | null | undefined)[]): number | null {
  return values.reduce<number | null>(
    (most, value) => (value == null ? most : Math.max(most ?? 0, value)),
    null,
  )
}
