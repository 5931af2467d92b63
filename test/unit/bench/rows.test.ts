import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tally } from '../../bench/load.ts'
import { calm, divide, minus, spread } from '../../bench/report/figures.ts'
import { rowsOf, type Series } from '../../bench/report/rows.ts'
import { tableOf } from '../../bench/report/table.ts'

const tally = (cpu: number, p50: number, more: Partial<Tally> = {}): Tally => ({
  calls: 100,
  errors: 0,
  seconds: 0.1,
  p50,
  p99: p50 * 2,
  cpu: [cpu * 100, 5_000],
  rss: [1_048_576 * cpu],
  loadShare: 0.5,
  ...more,
})

const series = (name: string, cpu: number, p50: number, more: Partial<Series> = {}): Series => ({
  name,
  group: 'calls',
  direct: 'direct',
  floor: 'floor',
  over: undefined,
  wires: 'modern',
  rounds: [0, 1, 2].map((n) => ({
    single: [tally(cpu, p50)],
    crowd: [tally(cpu + n, p50), tally(cpu + n + 50, p50)],
    wide: [tally(cpu, p50 * 4)],
  })),
  heap: { rest: 1_048_576, after: null },
  rest: 1_048_576,
  ...more,
})

test('ratios are taken round by round to the floor of the same run', () => {
  const rows = rowsOf([
    series('direct', 5, 30, { direct: undefined, floor: undefined }),
    series('floor', 50, 100),
    series('gateway', 60, 114, { over: 'floor' }),
  ])
  const [direct, floor, gateway] = rows
  assert.equal(direct?.cpuRatio, null)
  assert.deepEqual(floor?.cpuRatio, [1, 1, 1])
  // The second slice of each round was disturbed.
  assert.deepEqual(floor?.cpu, [51, 50, 52])
  assert.equal(gateway?.added, 84)
  assert.equal(gateway?.addedRatio?.[0], 84 / 70)
  assert.deepEqual(gateway?.more, [10, 10, 10])
  assert.ok((gateway?.cpuRatio?.[1] ?? 0) <= (gateway?.cpuRatio?.[0] ?? 0))
  assert.equal(gateway?.at[64].p50?.[0], 456)
  assert.equal(gateway?.at[16].calls?.[0], 1_000)
  assert.equal(gateway?.upstreamShare, 0.05)
})

test('wrong answers are counted over all slices', () => {
  const one = series('gateway', 60, 114)
  const wrong = tally(60, 114, { errors: 2, firstError: 'HTTP/1.1 500' })
  const [row] = rowsOf([{ ...one, rounds: [{ single: [wrong], crowd: [wrong], wide: [] }] }])
  assert.equal(row?.errors, 4)
  assert.equal(row?.firstError, 'HTTP/1.1 500')
})

test('what the system does not tell stays empty, never 0', () => {
  const dark = { cpu: [null, null], rss: [null] }
  const one = series('floor', 50, 100, { heap: { rest: null, after: null }, rest: null })
  const rounds = [{ single: [tally(5, 5, dark)], crowd: [tally(5, 5, dark)], wide: [] }]
  const [row] = rowsOf([{ ...one, rounds }])
  assert.equal(row?.cpu, null)
  assert.equal(row?.cpuRatio, null)
  assert.equal(row?.rssLoad, null)
  assert.match(tableOf(row === undefined ? [] : [row], new Map()), /floor +modern +- +-/)
})

test('the table has a heading for each group and no line longer than its cells', () => {
  const rows = rowsOf([series('floor', 50, 100), series('gateway', 60, 114)])
  const text = tableOf(rows, new Map([['calls', 'small calls']]))
  assert.match(text, /^small calls:$/m)
  assert.match(text, /^gateway +modern +61\.0 us +1\.20 +\(1\.19-1\.20\)/m)
})

test('quartiles, medians and differences', () => {
  assert.equal(calm([4, 1, 3, 2]), 1.5)
  assert.equal(calm([3]), 3)
  assert.equal(calm([]), null)
  assert.deepEqual(spread([3, null, 1]), [2, 1, 3])
  assert.equal(spread([null]), null)
  assert.equal(minus(3, null), null)
  assert.equal(divide(1, 0), null)
})
