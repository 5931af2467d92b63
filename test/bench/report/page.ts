/** The tables of the README, made of a result file. */

import { markdown } from '../../house/markdown.ts'
import { GROUPS } from '../cases.ts'
import type { Spread } from './figures.ts'
import type { Result } from './result.ts'
import type { Row } from './rows.ts'

const PEERS = 'peers'

/** The tables in Markdown, with machine, versions and date. */
export function pageOf(result: Result): string {
  const { machine, rounds, startup, missing } = result
  const parts = [
    `${machine.cpu}, ${machine.system}, Node.js ${machine.node.slice(1)}, ${machine.date.slice(0, 10)}; ` +
      `median of ${rounds} rounds, lowest and highest in brackets.`,
  ]
  const own = result.rows.filter(({ group }) => group !== PEERS)
  if (own.length > 0) parts.push(caseTable(own))
  const others = result.rows.filter(({ group }) => group === PEERS)
  if (others.length > 0) parts.push(peerTable(others))
  if (missing.length > 0) {
    const names = missing.map(({ name, reason }) => `${name} (${reason.split('\n')[0]})`)
    parts.push(`Not measured: ${names.join('; ')}.`)
  }
  if (startup?.listening != null && startup.node !== null) {
    const [listening, node] = [startup.listening, startup.node].map(milliseconds)
    parts.push(
      `From the start of the process to listening, compile cache warm: ${listening}; \`node -e 0\` from start to end: ${node}.`,
    )
  }
  return parts.join('\n\n')
}

function caseTable(rows: readonly Row[]): string {
  const cells = rows.map((row, n) => [
    row.group === rows[n - 1]?.group ? '' : GROUPS[row.group as keyof typeof GROUPS],
    row.name,
    row.wires,
    us(row.cpu?.[0], 1),
    ratio(row.cpuRatio),
    row.more === null ? '' : us(row.more[0], 1),
    row.addedRatio === null ? '' : row.addedRatio[0].toFixed(2),
    whole(row.at[16].calls?.[0]),
    ...latencies(row),
    memory(row),
  ])
  const head = ['', '', 'wires', 'CPU per call', '× floor', 'adds', 'added p50, × floor']
  return markdown([
    [...head, 'calls/s at 16', 'p50/p99 at 1', 'at 16', 'at 64', 'RSS rest/load'],
    ...cells,
  ])
}

function peerTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    row.wires,
    us(row.cpu?.[0], 0),
    ...[row.at[1], row.at[16], row.at[64]].map(({ calls }) => whole(calls?.[0])),
    ...latencies(row),
    memory(row),
    row.slower === null ? '' : `${row.slower[0].toFixed(1)} × (${row.rival})`,
  ])
  const head = ['', 'wires', 'CPU per call', 'calls/s at 1', 'at 16', 'at 64']
  const tail = ['p50/p99 at 1', 'at 16', 'at 64', 'RSS rest/load']
  return markdown([[...head, ...tail, 'Patchbay with the same wires, at 16'], ...cells])
}

function latencies({ at }: Row): string[] {
  return [at[1], at[16], at[64]].map(({ p50, p99 }) =>
    p50 === null || p99 === null ? '' : `${time(p50[0])}/${time(p99[0])}`,
  )
}

function memory({ rssRest, rssLoad }: Row): string {
  const [rest, load] = [rssRest, rssLoad].map((one) =>
    one === null ? '?' : (one / 1_048_576).toFixed(0),
  )
  return `${rest}/${load} MB`
}

function us(value: number | undefined, digits: number): string {
  return value === undefined ? '' : `${value.toFixed(digits)} µs`
}

function time(value: number): string {
  return value < 1_000 ? `${value.toFixed(0)} µs` : `${(value / 1_000).toFixed(1)} ms`
}

function milliseconds([middle, low, high]: Spread): string {
  return `${middle.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})`
}

function whole(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en')
}

function ratio(value: Spread | null): string {
  if (value === null) return ''
  const [middle, low, high] = value.map((one) => one.toFixed(2)) as [string, string, string]
  return low === high ? middle : `${middle} (${low}–${high})`
}
