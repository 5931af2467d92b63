import { cpus } from 'node:os'
import type { Tally } from './load.ts'

/** What one round measured at one target, slice by slice. */
export interface Round {
  /** With one connection. */
  readonly single: Tally[]
  /** With many; empty where only the latency of one is wanted. */
  readonly crowd: Tally[]
}

/** Everything measured at one target. */
export interface Series {
  readonly name: string
  /** The series of the same calls without a hop between, to tell what the hop adds. */
  readonly direct: string | undefined
  readonly rounds: Round[]
}

/** Median, lowest, highest over the rounds. */
export type Spread = readonly [number, number, number]

/** One line of the table: medians over the rounds. Times in microseconds. */
export interface Row {
  readonly name: string
  /** At one connection. */
  readonly p50: number | null
  /** What the hop adds to the p50 of a direct call. */
  readonly added: number | null
  /** At many connections, as is what follows. */
  readonly p99Crowd: number | null
  readonly callsPerSecond: number | null
  readonly cpuPerCall: number | null
  /** CPU per call divided by the floor's in the same round. */
  readonly cpuRatio: Spread | null
  /** Added p50 divided by the floor's in the same round. */
  readonly addedRatio: Spread | null
  /** Shares of one core under the crowd. */
  readonly loadShare: number | null
  readonly upstreamShare: number | null
  readonly errors: number
  readonly firstError?: string
}

/** Where and on what the figures were taken. */
export function machine(): Record<string, string> {
  return {
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
  }
}

/** Medians and ratios. `floor` is the name of the series that ratios refer to. */
export function rowsOf(all: readonly Series[], floor: string): Row[] {
  const named = (name: string | undefined) => all.find((series) => series.name === name)
  const added = (series: Series | undefined, round: number) =>
    minus(latency(series, round), latency(named(series?.direct), round))
  const yardstick = named(floor)
  return all.map((series) => {
    const each = <T>(read: (round: number) => T) => series.rounds.map((_, round) => read(round))
    const crowds = series.rounds.flatMap(({ crowd }) => crowd)
    const tallies = [...crowds, ...series.rounds.flatMap(({ single }) => single)]
    const firstError = tallies.find((tally) => tally.firstError !== undefined)?.firstError
    return {
      name: series.name,
      p50: middle(each((n) => latency(series, n))),
      added: middle(each((n) => added(series, n))),
      p99Crowd: middle(crowds.map(({ p99 }) => p99)),
      callsPerSecond: middle(crowds.map((tally) => tally.calls / tally.seconds)),
      cpuPerCall: middle(each((n) => perCall(series, n))),
      cpuRatio: spread(each((n) => divide(perCall(series, n), perCall(yardstick, n)))),
      addedRatio: spread(each((n) => divide(added(series, n), added(yardstick, n)))),
      loadShare: middle(crowds.map(({ loadShare }) => loadShare)),
      upstreamShare: middle(crowds.map(({ cpu, seconds }) => divide(cpu[1], seconds * 1e6))),
      errors: tallies.reduce((sum, { errors }) => sum + errors, 0),
      ...(firstError === undefined ? {} : { firstError }),
    }
  })
}

/** The table as text. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [
    ['', 'CPU/call', 'x floor', '', 'p50', 'added', 'x floor', '', 'calls/s', 'load', 'upstream'],
    ...rows.map((row) => [
      row.name,
      unit(row.cpuPerCall, 'us', 1),
      ...ratio(row.cpuRatio),
      unit(row.p50, 'us', 0),
      unit(row.added, 'us', 0),
      ...ratio(row.addedRatio),
      unit(row.callsPerSecond, '', 0),
      unit(row.loadShare && row.loadShare * 100, '%', 0),
      unit(row.upstreamShare && row.upstreamShare * 100, '%', 0),
    ]),
  ]
  const widths = (lines[0] as string[]).map((_, n) =>
    Math.max(...lines.map((cells) => cells[n]?.length ?? 0)),
  )
  return lines
    .map((cells) =>
      cells
        .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function ratio(value: Spread | null): [string, string] {
  if (value === null) return ['-', '']
  const [median, low, high] = value.map((one) => one.toFixed(2)) as [string, string, string]
  return [median, `(${low}-${high})`]
}

function unit(value: number | null, name: string, digits: number): string {
  return value === null ? '-' : `${value.toFixed(digits)}${name && ` ${name}`}`
}

function perCall(series: Series | undefined, round: number): number | null {
  return calm(series?.rounds[round]?.crowd.map(({ cpu, calls }) => divide(cpu[0], calls)))
}

function latency(series: Series | undefined, round: number): number | null {
  return calm(series?.rounds[round]?.single.map(({ p50 }) => p50))
}

/** The lower quartile: what a slice costs when nobody else disturbs the machine. */
function calm(slices: readonly (number | null)[] | undefined): number | null {
  const sorted = (slices ?? []).filter((value) => value !== null).sort((a, b) => a - b)
  return sorted[sorted.length >> 2] ?? null
}

function minus(from: number | null, what: number | null): number | null {
  return from === null || what === null ? null : from - what
}

function divide(above: number | null | undefined, below: number | null | undefined): number | null {
  return above == null || below == null || below === 0 ? null : above / below
}

function middle(values: readonly (number | null)[]): number | null {
  return spread(values)?.[0] ?? null
}

function spread(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  const [low, high] = [sorted[0], sorted.at(-1)]
  if (low === undefined || high === undefined) return null
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2
  return [median, low, high]
}
