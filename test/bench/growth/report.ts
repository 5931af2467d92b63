import { calm, divide, type Spread, spread } from '../report/figures.ts'

/** What was measured of one configuration: CPU per call in each slice of each round, microseconds. */
export interface Measured {
  readonly size: number
  readonly series: 'patchbay' | 'floor'
  readonly rounds: readonly (readonly (number | null)[])[]
}

/** One line of an axis: CPU in microseconds per call. `null` where the system tells of no CPU time. */
export interface GrowthRow {
  readonly size: number
  readonly cpu: Spread | null
  /** To the smallest size, in the same round. */
  readonly ratio: Spread | null
  /** What the floor takes for the same, where it was measured. */
  readonly floor: Spread | null
  /** To the floor, in the same round. */
  readonly overFloor: Spread | null
}

/** The table of one axis. */
export interface AxisReport {
  readonly name: string
  readonly title: string
  /** Nothing on the call path may depend on it. */
  readonly flat: boolean
  readonly rows: readonly GrowthRow[]
}

/** By how much the largest of what must be flat may differ from the smallest: more is growth, less is noise. */
export const NOISE = 1.15

/** Rows in the order of their sizes, each compared within its round. */
export function rowsOf(measured: readonly Measured[]): GrowthRow[] {
  const line = (series: Measured['series'], size: number) =>
    measured.find((one) => one.series === series && one.size === size)?.rounds.map(calm)
  const sizes = [...new Set(measured.map(({ size }) => size))].sort((a, b) => a - b)
  const smallest = line('patchbay', sizes[0] as number)
  return sizes.map((size) => {
    const cpu = line('patchbay', size) ?? []
    const floor = line('floor', size) ?? []
    return {
      size,
      cpu: spread(cpu),
      ratio: spread(divided(cpu, smallest)),
      floor: spread(floor),
      overFloor: spread(divided(cpu, floor)),
    }
  })
}

/** Whether an axis that must be flat is. `true` where nothing could be measured. */
export function keepsFlat({ flat, rows }: AxisReport): boolean {
  const last = rows.at(-1)?.ratio
  return !flat || last == null || last[0] <= NOISE
}

/** One table per axis, as Markdown. */
export function markdownOf(reports: readonly AxisReport[]): string {
  return reports.map(tableOf).join('\n\n')
}

/** The table of one axis, as Markdown. */
export function tableOf({ title, rows }: AxisReport): string {
  const compared = rows.some(({ floor }) => floor !== null)
  const head = [
    title,
    'CPU µs per call',
    '× smallest',
    ...(compared ? ['floor µs', '× floor'] : []),
  ]
  const lines = [
    head,
    head.map((_, n) => (n === 0 ? '---' : '---:')),
    ...rows.map((row) => [
      sizeOf(row.size),
      number(row.cpu, 1),
      range(row.ratio),
      ...(compared ? [number(row.floor, 1), range(row.overFloor)] : []),
    ]),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A number as people read it: 5,000. */
export function sizeOf(size: number): string {
  return size.toLocaleString('en-US')
}

function number(value: Spread | null, digits: number): string {
  return value === null ? '-' : value[0].toFixed(digits)
}

function range(value: Spread | null): string {
  if (value === null) return '-'
  const [median, low, high] = value.map((one) => one.toFixed(2)) as [string, string, string]
  return `${median} (${low}–${high})`
}

function divided(
  above: readonly (number | null)[],
  below: readonly (number | null)[] | undefined,
): (number | null)[] {
  return above.map((value, n) => divide(value, below?.[n]))
}
