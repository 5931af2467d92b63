import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartOf } from '../../bench/growth/chart.ts'
import { type AxisReport, keepsFlat, markdownOf, rowsOf } from '../../bench/growth/report.ts'

/** Rounds of one slice each. */
const rounds = (...cpu: number[]) => cpu.map((one) => [one])

test('a size is compared with the smallest and with the floor of the same round', () => {
  const [small, large] = rowsOf([
    { size: 1_000, series: 'patchbay', rounds: rounds(40, 60) },
    { size: 10, series: 'patchbay', rounds: rounds(20, 30) },
    { size: 10, series: 'floor', rounds: rounds(10, 15) },
  ])
  assert.deepEqual(small, {
    size: 10,
    cpu: [25, 20, 30],
    ratio: [1, 1, 1],
    floor: [12.5, 10, 15],
    overFloor: [2, 2, 2],
  })
  assert.deepEqual(large, {
    size: 1_000,
    cpu: [50, 40, 60],
    ratio: [2, 2, 2],
    floor: null,
    overFloor: null,
  })
})

test('a round counts with the mean of the lower half of its slices, and nothing is made of what was not measured', () => {
  const slices = [[900, 12, 11, 10, 13, 14, 15, 800]]
  assert.equal(rowsOf([{ size: 1, series: 'patchbay', rounds: slices }])[0]?.cpu?.[0], 11.5)
  assert.equal(rowsOf([{ size: 1, series: 'patchbay', rounds: [[null, null]] }])[0]?.cpu, null)
})

const axis = (flat: boolean, ...ratios: number[]): AxisReport => ({
  name: 'tools',
  title: 'tools of the upstream',
  flat,
  rows: ratios.map((ratio, n) => ({
    size: 10 ** (n + 1),
    cpu: [50 * ratio, 40, 60],
    ratio: [ratio, ratio, ratio],
    floor: null,
    overFloor: null,
  })),
})

test('only what must be flat, and costs more at its largest, has grown', () => {
  assert.equal(keepsFlat(axis(true, 1, 1.3, 1.1)), true)
  assert.equal(keepsFlat(axis(true, 1, 1.1, 1.3)), false)
  assert.equal(keepsFlat(axis(false, 1, 1.1, 1.3)), true)
})

test('the table says sizes as people do, and has the floor only where it was measured', () => {
  const lines = markdownOf([axis(true, 1, 1, 1, 2)]).split('\n')
  assert.equal(lines.length, 6)
  assert.equal(lines[0], '| tools of the upstream | CPU µs per call | × smallest |')
  assert.equal(lines[5], '| 10,000 | 100.0 | 2.00 (2.00–2.00) |')
})

test('the chart has a panel for each axis, with a dot for each size, inside its frame', () => {
  const svg = chartOf([axis(true, 1, 1, 2), axis(false, 1, 50, 90)])
  assert.equal(svg.match(/<circle/g)?.length, 6)
  assert.equal(svg.match(/<polyline points="[\d., ]+"/g)?.length, 2)
  for (const [, x, y] of svg.matchAll(/cx="([\d.-]+)" cy="([\d.-]+)"/g)) {
    assert.ok(Number(x) >= 0 && Number(x) <= 300, x)
    assert.ok(Number(y) >= 0 && Number(y) <= 210, y)
  }
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
  assert.doesNotMatch(chartOf([]), /NaN|Infinity|undefined/)
})
