import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chartOf, svg } from '../../bench/report/chart.ts'
import { pageOf } from '../../bench/report/page.ts'
import { FIGURES, lastResult, published, sectioned } from '../../bench/report/published.ts'
import { type Result, rounded } from '../../bench/report/result.ts'
import type { Row } from '../../bench/report/rows.ts'
import { ROOT } from '../../house/plugins.ts'

const crowd = { calls: [12_345, 12_000, 13_000], p50: [80, 79, 81], p99: [1_500, 1, 2] } as const
const row = (name: string, more: Partial<Row> = {}): Row => ({
  name,
  group: 'calls',
  wires: 'modern → modern',
  floor: 'floor',
  at: { 1: crowd, 16: crowd, 64: crowd },
  added: 30,
  cpu: [70.12, 69, 71],
  cpuRatio: [1.1, 1.05, 1.2],
  more: null,
  addedRatio: [1.15, 1, 2],
  callsRatio: [0.9, 0.8, 1],
  slower: null,
  rival: null,
  rssRest: 104_857_600,
  rssLoad: null,
  heapRest: null,
  heapAfter: null,
  loadShare: 0.4,
  upstreamShare: 0.3,
  errors: 0,
  ...more,
})

const result: Result = {
  machine: {
    cpu: '2 x Some & Core',
    system: 'linux x64',
    node: 'v24.1.0',
    date: '2026-11-29T01:02:03Z',
  },
  rounds: 5,
  rows: [
    row('floor', { cpuRatio: [1, 1, 1] }),
    row('auth-none'),
    row('auth-none', { group: 'peers' }),
    row('other 1.2.3', { group: 'peers', rival: 'auth-none', slower: [4.56, 4, 5] }),
  ],
  startup: { listening: [312.4, 300, 330], node: [40, 39, 41] },
  versions: {},
  missing: [{ name: 'absent', reason: 'no absent on PATH\nmore' }],
}

test('the page has machine, versions, date, each case and each peer', () => {
  const page = pageOf(result)
  assert.match(page, /^2 x Some & Core, linux x64, Node\.js 24\.1\.0, 2026-11-29; /)
  assert.match(page, /\| auth-none +\| modern → modern +\| 70\.1 µs +\| 1\.10 \(1\.05–1\.20\) +\|/)
  assert.match(page, /12,345 .*80 µs\/1\.5 ms .*100\/\? MB/)
  assert.match(page, /\| other 1\.2\.3 .*4\.6 × \(auth-none\)/)
  assert.match(page, /Not measured: absent \(no absent on PATH\)\./)
  assert.match(page, /listening, compile cache warm: 312 ms \(300–330\)/)
})

test('the chart has a bar for each figure, needs nothing from outside and minds the background', () => {
  const chart = chartOf(result)
  assert.equal(chart.match(/<rect /g)?.length, 3)
  assert.match(chart, />1\.10 ×</)
  assert.match(chart, />Patchbay, auth-none /)
  assert.match(chart, /2 x Some &amp; Core/)
  assert.match(chart, /prefers-color-scheme:dark/)
  assert.doesNotMatch(chart.replace('http://www.w3.org/2000/svg', ''), /https?:|url\(|@import/)
})

test('bars are as long as their values say, within the picture', () => {
  const bars = [1, 2, 4].map((value) => ({
    label: `${value}`,
    value,
    text: `${value}`,
    kind: 'own' as const,
  }))
  const widths = [...svg([{ title: 't', bars }], '').matchAll(/<rect [^>]*width="([\d.]+)"/g)]
  assert.deepEqual(
    widths.map(([, width]) => Number(width)),
    [100, 200, 400],
  )
})

test('the README’s section is replaced between its marks, and a README without them is left alone', () => {
  const [start, end] = ['<!-- bench: made by `npm run bench -- --publish` -->', '<!-- /bench -->']
  assert.equal(sectioned(`a\n${start}\nold\n${end}\nb`, 'new'), `a\n${start}\n\nnew\n\n${end}\nb`)
  assert.equal(sectioned('a', 'new'), 'a')
  assert.throws(() => sectioned(`a\n${start}\n`, 'new'), /has no/)
})

test('figures are kept with the digits that count', () => {
  assert.deepEqual(rounded({ a: 1.23456, b: [104_857_600, null] }), {
    a: 1.235,
    b: [104_900_000, null],
  })
})

test('page, chart and the README’s section are those of the figures', () => {
  if (!existsSync(join(ROOT, FIGURES))) {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    assert.equal(sectioned(readme, ''), readme, `${FIGURES} is missing: npm run bench -- --publish`)
    return
  }
  for (const [path, text] of published(lastResult())) {
    const current = readFileSync(join(ROOT, path), 'utf8')
    assert.equal(current, text, `${path} is out of date: npm run bench -- --render`)
  }
})
