import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergedShadow } from '../../../core/boot/admin/merged-shadow.ts'
import { mergedStatus } from '../../../core/boot/admin/merged-status.ts'
import type { ShadowPage } from '../../../core/boot/admin/shadow-page.ts'
import type { GatewayStatus } from '../../../core/boot/admin/status.ts'
import { shared, shareOf } from '../../../core/boot/workers/seat.ts'
import { mergedMetrics } from '../../../core/services/workers/merged-metrics.ts'
import type { Metric, UpstreamStatus } from '../../../sdk/index.ts'
import { load } from './folder.ts'

const page = (state: UpstreamStatus['state'], runs: number, failures = 0): GatewayStatus => ({
  schema: 1,
  version: '1',
  config: 'a.yaml',
  started: `2026-01-01T00:00:0${runs}.000Z`,
  uptimeMs: 10 - runs,
  draining: false,
  url: 'u',
  upstreams: {
    up: { state, era: 'modern', tools: 1, ...(state === 'down' ? { error: 'no' } : {}) },
  },
  catalog: { revision: 1, tools: 1, prompts: 0, resources: 0, templates: 0, collisions: [] },
  plugins: {
    p: {
      name: 'p',
      version: '1',
      origin: 'bundled',
      health: { ok: failures === 0, detail: 'so' },
      failures,
      hooks: { beforeCall: { runs, failures, verdicts: { none: runs }, durationMs: 1 } },
      status: { runs },
    },
  },
})

test('a page of all workers: the worst state, sums, and whoever did not answer by name', () => {
  const others = [
    { slot: 1, pid: 2, value: page('down', 2, 3) },
    { slot: 2, pid: undefined, error: 'it is not there' },
  ]
  const merged = mergedStatus(page('ready', 1), 0, others, { upstreams: [] })
  const { up } = merged.upstreams
  assert.equal(up?.state, 'down')
  assert.equal(up?.error, 'no')
  assert.deepEqual(up?.workers, { ready: 1, down: 1, unanswered: 1 })
  assert.deepEqual(
    merged.workers?.map(({ slot, state, error }) => [slot, state, error]),
    [
      [0, 'serving', undefined],
      [1, 'serving', undefined],
      [2, 'unanswered', 'it is not there'],
    ],
  )
  const { p } = merged.plugins
  assert.deepEqual(p?.hooks.beforeCall, {
    runs: 3,
    failures: 3,
    verdicts: { none: 3 },
    durationMs: 2,
  })
  assert.equal(p?.failures, 3)
  assert.deepEqual(p?.health, { ok: false, detail: 'worker 1: so' })
  assert.deepEqual(p?.status, { 'worker 0': { runs: 1 }, 'worker 1': { runs: 2 } })
  assert.equal(merged.started, '2026-01-01T00:00:01.000Z')
})

test('numbers are added up by instrument and labels, and a worker that is silent is a 0', () => {
  const common = { plugin: 'p', description: 'd', unit: undefined }
  const of = (n: number): Metric[] => [
    {
      ...common,
      name: 'c',
      kind: 'counter',
      series: [
        { labels: { a: '1', b: '2' }, value: n },
        { labels: { only: String(n) }, value: 1 },
      ],
    },
    {
      ...common,
      name: 'h',
      kind: 'histogram',
      boundaries: [1],
      series: [{ labels: {}, count: n, sum: n, buckets: [n, 0] }],
    },
  ]
  const other = of(2)
  const [counter] = other as [Metric & { kind: 'counter' }]
  other[0] = {
    ...counter,
    series: [{ labels: { b: '2', a: '1' }, value: 5 }, ...counter.series.slice(1)],
  }
  const [c, h, up] = mergedMetrics(of(1), 1, [{ slot: 0, value: other }, { slot: 2 }])
  assert.deepEqual(
    c?.series.map((one) => ({ ...one.labels, value: 'value' in one ? one.value : -1 })),
    [
      { b: '2', a: '1', value: 6 },
      { only: '2', value: 1 },
      { only: '1', value: 1 },
    ],
  )
  assert.deepEqual(h?.series, [{ labels: {}, count: 3, sum: 3, buckets: [3, 0] }])
  assert.deepEqual(
    up?.series.map((one) => [one.labels.worker, 'value' in one && one.value]),
    [
      ['0', 1],
      ['1', 1],
      ['2', 0],
    ],
  )
})

test('what plugins in shadow would have done is added up, and what is missing is named', () => {
  const of = (count: number, rule: string, since: string): ShadowPage => ({
    schema: 1,
    since,
    plugins: ['p'],
    rows: [
      {
        plugin: 'p',
        hook: 'beforeCall',
        verdict: 'deny',
        rule,
        issuer: 'i',
        subject: 's',
        count,
        judged: 10,
      },
    ],
  })
  const merged = mergedShadow(of(1, 'a', '2'), [
    { slot: 1, pid: 1, value: of(2, 'a', '1') },
    { slot: 2, pid: 1, value: of(9, 'b', '3') },
    { slot: 3, pid: 1, error: 'late' },
  ])
  assert.deepEqual(
    merged.rows.map(({ rule, count, judged }) => [rule, count, judged]),
    [
      ['b', 9, 12],
      ['a', 3, 12],
    ],
  )
  assert.equal(merged.since, '1')
  assert.deepEqual(merged.missing, [3])
})

test('workers divide what is counted in memory, and each may have one', async (t) => {
  const config = await load(
    t,
    `listen: { streams: 100, subscriptions: 1 }
upstreams: { up: { url: 'http://127.0.0.1:1/mcp', maxSessions: 5 } }`,
  )
  const { listen, upstreams } = shareOf(config, 2)
  assert.deepEqual([listen.streams, listen.subscriptions], [50, 1])
  assert.equal(upstreams[0]?.maxSessions, 2)
  assert.deepEqual([shared(32, 3), shared(2, 64)], [10, 1])
})

test('`workers` is a whole number from 1 to 64', async (t) => {
  assert.equal((await load(t, 'workers: 64')).workers, 64)
  for (const wrong of ['0', '65', '1.5', 'many']) {
    await assert.rejects(load(t, `workers: ${wrong}`), /workers/)
  }
})
