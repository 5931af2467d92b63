import type { Spread } from './figures.ts'
import type { Row } from './rows.ts'

const HEAD = [
  '',
  'wires',
  'CPU/call',
  'x floor',
  '',
  'more',
  'x slower than',
  'added p50',
  'x floor',
  'p50/p99 at 1',
  'at 16',
  'at 64',
  'calls/s at 1',
  'at 16',
  'at 64',
  'RSS rest/load',
  'heap rest/after',
  'load',
  'upstream',
]

/** The table as text, one block for each group. @param titles group → heading */
export function tableOf(rows: readonly Row[], titles: ReadonlyMap<string, string>): string {
  const groups = [...new Set(rows.map(({ group }) => group))]
  const blocks = groups.map((group) => ({
    title: titles.get(group) ?? group,
    cells: rows.filter((row) => row.group === group).map(cellsOf),
  }))
  const lines = [HEAD, ...blocks.flatMap(({ cells }) => cells)]
  const widths = HEAD.map((_, n) => Math.max(...lines.map((cells) => cells[n]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, n) => (n < 2 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join('  ')
      .trimEnd()
  return [
    line(HEAD),
    ...blocks.flatMap(({ title, cells }) => ['', `${title}:`, ...cells.map(line)]),
  ].join('\n')
}

function cellsOf(row: Row): string[] {
  const crowds = [row.at[1], row.at[16], row.at[64]]
  return [
    row.name,
    row.wires,
    unit(row.cpu?.[0], 'us', 1),
    ...ratio(row.cpuRatio),
    row.more === null ? '' : `${row.more[0] < 0 ? '' : '+'}${row.more[0].toFixed(1)} us`,
    row.slower === null ? '' : `${row.slower[0].toFixed(1)} ${row.rival}`,
    unit(row.added, 'us', 0),
    ratio(row.addedRatio)[0],
    ...crowds.map(({ p50, p99 }) => `${unit(p50?.[0], '', 0)}/${unit(p99?.[0], 'us', 0)}`),
    ...crowds.map(({ calls }) => unit(calls?.[0], '', 0)),
    `${megabytes(row.rssRest)}/${megabytes(row.rssLoad)}`,
    `${megabytes(row.heapRest)}/${megabytes(row.heapAfter)}`,
    unit(row.loadShare && row.loadShare * 100, '%', 0),
    unit(row.upstreamShare && row.upstreamShare * 100, '%', 0),
  ]
}

function ratio(value: Spread | null): [string, string] {
  if (value === null) return ['-', '']
  const [middle, low, high] = value.map((one) => one.toFixed(2)) as [string, string, string]
  return [middle, `(${low}-${high})`]
}

function unit(value: number | null | undefined, name: string, digits: number): string {
  return value == null ? '-' : `${value.toFixed(digits)}${name && ` ${name}`}`
}

function megabytes(value: number | null): string {
  return value === null ? '-' : `${(value / 1_048_576).toFixed(0)}`
}
