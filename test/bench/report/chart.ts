/** Charts of horizontal bars in SVG, readable on light and on dark backgrounds. */

import type { Result } from './result.ts'
import type { Row } from './rows.ts'

/** One bar. */
export interface Bar {
  readonly label: string
  readonly value: number
  /** What stands at its end. */
  readonly text: string
  /** `own` is filled with the accent. */
  readonly kind: 'own' | 'other'
}

/** Bars under one heading, on one scale. */
export interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
  /** A value that a line is drawn at. */
  readonly mark?: number
}

const WIDTH = 760
const LABELS = 250
const TEXTS = 110
const BAR = 16
const STEP = 24
const HEAD = 34
const PAD = 12
const LETTER = 7

/** The chart of a result: what a call costs against the floor, and who carries how many. */
export function chartOf({ rows, machine }: Result): string {
  const own = rows.filter(({ group, floor, name }) => group !== 'peers' && floor !== name)
  const costs = own.flatMap(({ name, wires, cpuRatio }): Bar[] =>
    cpuRatio === null
      ? []
      : [
          {
            label: `${name} (${wires})`,
            value: cpuRatio[0],
            text: `${cpuRatio[0].toFixed(2)} ×`,
            kind: name.includes('SDK') ? 'other' : 'own',
          },
        ],
  )
  const panels: Panel[] = [
    { title: 'CPU per call, × a bare relay in front of the same server', bars: costs, mark: 1 },
    { title: 'Calls a second at 16 connections', bars: rows.flatMap(pace) },
  ]
  return svg(
    panels.filter(({ bars }) => bars.length > 0),
    `${machine.cpu}, Node.js ${machine.node.slice(1)}, ${machine.date.slice(0, 10)}`,
  )
}

function pace(row: Row): Bar[] {
  const calls = row.at[16].calls
  if (row.group !== 'peers' || calls === null || row.name.startsWith('direct')) return []
  const own = row.floor !== row.name && row.rival === null
  return [
    {
      label: `${own ? `Patchbay, ${row.name}` : row.name} (${row.wires})`,
      value: calls[0],
      text: Math.round(calls[0]).toLocaleString('en'),
      kind: own ? 'own' : 'other',
    },
  ]
}

/** Panels under each other as one SVG; labels that are too long are cut. */
export function svg(panels: readonly Panel[], foot: string): string {
  const lines: string[] = []
  let y = PAD
  for (const { title, bars, mark } of panels) {
    const most = Math.max(...bars.map(({ value }) => value), mark ?? 0)
    const scale = (value: number) => (value / most) * (WIDTH - LABELS - TEXTS)
    lines.push(text(PAD, y + 14, title, 'title'))
    const top = y + HEAD - 6
    y += HEAD
    for (const bar of bars) {
      const width = Math.max(1, scale(bar.value)).toFixed(1)
      const middle = y + BAR - 4
      lines.push(
        text(LABELS - 8, middle, cut(bar.label), 'label', 'end'),
        `<rect class="${bar.kind}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        text(LABELS + Number(width) + 6, middle, bar.text, 'value'),
      )
      y += STEP
    }
    if (mark !== undefined) {
      const x = (LABELS + scale(mark)).toFixed(1)
      lines.push(`<line class="mark" x1="${x}" y1="${top}" x2="${x}" y2="${y - 4}"/>`)
    }
    y += PAD
  }
  lines.push(text(PAD, y + 8, foot, 'foot'))
  const height = y + 20
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escaped(panels.map(({ title }) => title).join('; '))}</title>`,
    `<style>${STYLE}</style>`,
    ...lines,
    '</svg>\n',
  ].join('\n')
}

const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#57606a}',
  '.title{font-weight:600;font-size:14px;fill:#24292f}',
  '.foot{font-size:11px}',
  '.own{fill:#1f7a6d}',
  '.other{fill:#8c959f}',
  '.mark{stroke:#cf222e;stroke-dasharray:3 3}',
  '@media (prefers-color-scheme:dark){text{fill:#9da7b3}.title{fill:#e6edf3}.own{fill:#3fb6a2}.other{fill:#6e7681}.mark{stroke:#ff7b72}}',
].join('')

function text(x: number, y: number, words: string, kind: string, anchor = 'start'): string {
  const at = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}"${at}>${escaped(words)}</text>`
}

function cut(label: string): string {
  const most = Math.floor((LABELS - PAD) / LETTER) + 4
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
