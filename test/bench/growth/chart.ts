import { type AxisReport, sizeOf } from './report.ts'

const COLUMNS = 3
const WIDTH = 300
const HEIGHT = 210
const LEFT = 48
const RIGHT = 16
const TOP = 34
const BOTTOM = 34
const OURS = '#2563eb'
const FLOOR = '#94a3b8'

/** A dot of a line: places in the plot, from 0 to 1. */
interface Dot {
  readonly x: number
  readonly y: number
}

/** One small chart per axis: CPU per call against size, with the floor's beside it where there is one. */
export function chartOf(reports: readonly AxisReport[]): string {
  const rows = Math.ceil(reports.length / COLUMNS)
  const [width, height] = [COLUMNS * WIDTH, rows * HEIGHT + 24]
  const panels = reports.map((report, n) => {
    const [x, y] = [(n % COLUMNS) * WIDTH, Math.floor(n / COLUMNS) * HEIGHT]
    return `<g transform="translate(${x} ${y})">${panelOf(report)}</g>`
  })
  const legend =
    `<text x="${LEFT}" y="${height - 8}"><tspan fill="${OURS}">● Patchbay</tspan>` +
    `<tspan dx="16" fill="${FLOOR}">● bare relay (floor)</tspan>` +
    '<tspan dx="16">CPU µs per call, median of rounds</tspan></text>'
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    'font-family="system-ui, sans-serif" font-size="11" fill="#475569">' +
    `<title>CPU per call as things get large</title><rect width="100%" height="100%" fill="#fff"/>` +
    `${panels.join('')}${legend}</svg>\n`
  )
}

function panelOf({ title, rows }: AxisReport): string {
  const values = rows.flatMap(({ cpu, floor }) => [cpu?.[0] ?? 0, floor?.[0] ?? 0])
  const most = roundUp(Math.max(1, ...values))
  // A plot from 64 B to 1 MB says nothing unless both ways go by factors.
  const least = Math.min(...values.filter((value) => value > 0))
  const steep = most / least > 20
  const high = (value: number) =>
    steep ? Math.log(value / (least / 2)) / Math.log(most / (least / 2)) : value / most
  const lineOf = (series: 'cpu' | 'floor') =>
    rows.flatMap((row, n): Dot[] => {
      const value = row[series]?.[0]
      if (value === undefined) return []
      return [{ x: rows.length < 2 ? 0.5 : n / (rows.length - 1), y: high(value) }]
    })
  const marks = (steep ? [least, most] : [0, most / 2, most]).map((value) => {
    const y = top(value === 0 ? 0 : high(value))
    return (
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#e2e8f0"/>` +
      `<text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${sizeOf(Math.round(value))}</text>`
    )
  })
  const sizes = rows.map(({ size }, n) => {
    const x = left(rows.length < 2 ? 0.5 : n / (rows.length - 1))
    return `<text x="${x}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${short(size)}</text>`
  })
  return (
    `<text x="${LEFT}" y="20" font-weight="600" fill="#0f172a">${title}</text>` +
    marks.join('') +
    sizes.join('') +
    drawn(lineOf('floor'), FLOOR) +
    drawn(lineOf('cpu'), OURS)
  )
}

function drawn(dots: readonly Dot[], colour: string): string {
  const places = dots.map(({ x, y }) => [left(x), top(y)] as const)
  const line = places.map(([x, y]) => `${x},${y}`).join(' ')
  const circles = places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`)
  return `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>${circles.join('')}`
}

function left(x: number): number {
  return Math.round((LEFT + x * (WIDTH - LEFT - RIGHT)) * 10) / 10
}

function top(y: number): number {
  return Math.round((HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)) * 10) / 10
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) as number) * power
}

/** Sizes as the axis has room for them: 16384 is 16k, 1048576 is 1M. */
function short(size: number): string {
  if (size >= 1_048_576) return `${size / 1_048_576}M`
  if (size >= 1_024 && size % 1_024 === 0) return `${size / 1_024}k`
  return size >= 1_000 ? `${size / 1_000}k` : `${size}`
}
