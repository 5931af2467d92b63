import assert from 'node:assert/strict'
import test from 'node:test'
import type { Metric } from 'mcp-patchbay/sdk'
import { exposition } from './prometheus.ts'

const common = { plugin: 'otel', description: 'What it tells.', unit: undefined }
const clashes: string[] = []
/** The page without its first three lines, which are the resource's. */
function page(...metrics: Metric[]): string[] {
  const text = exposition(metrics, 'otel', { 'service.name': 'x' }, (name) => clashes.push(name))
  assert.equal(text.split('\n')[2], 'target_info{service_name="x"} 1')
  return text.trimEnd().split('\n').slice(3)
}

test('a histogram is cumulative, and its name has the unit', () => {
  const series = [{ labels: { 'a.b': 'c' }, count: 6, sum: 4.5, buckets: [1, 2, 3] }]
  const histogram = {
    ...common,
    name: 'x.y',
    unit: 's',
    kind: 'histogram',
    boundaries: [0.5, 1],
    series,
  } as const
  assert.deepEqual(page(histogram), [
    '# HELP x_y_seconds What it tells.',
    '# TYPE x_y_seconds histogram',
    'x_y_seconds_bucket{a_b="c",le="0.5"} 1',
    'x_y_seconds_bucket{a_b="c",le="1"} 3',
    'x_y_seconds_bucket{a_b="c",le="+Inf"} 6',
    'x_y_seconds_sum{a_b="c"} 4.5',
    'x_y_seconds_count{a_b="c"} 6',
  ])
})

test('a counter is a total, a gauge is not, and what has no series is not there', () => {
  const series = [{ labels: {}, value: 2 }]
  assert.deepEqual(
    page(
      { ...common, name: 'a', unit: '{call}', kind: 'counter', series },
      { ...common, name: 'b', unit: 'By', kind: 'gauge', series },
      { ...common, name: 'c', kind: 'gauge', series: [] },
    ).filter((line) => !line.startsWith('#')),
    ['a_total 2', 'b_bytes 2'],
  )
})

test('values are escaped, and labels that come to the same are joined', () => {
  const series = [
    { labels: { 'a.b': '"\n\\', a_b: '2', '9': 'x' }, value: Number.POSITIVE_INFINITY },
  ]
  const [, , line] = page({ ...common, name: 'a', kind: 'gauge', series })
  assert.equal(line, String.raw`a{_9="x",a_b="\"\n\\;2"} +Inf`)
})

test('what other plugins count says whose it is, and names of different kinds do not meet', () => {
  const series = [{ labels: {}, value: 1 }]
  const lines = page(
    { ...common, name: 'a', plugin: 'cache', kind: 'gauge', series },
    { ...common, name: 'a', plugin: 'other', kind: 'gauge', series },
    { ...common, name: 'a_total', kind: 'gauge', series },
    { ...common, name: 'a', kind: 'counter', series },
  )
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('#')),
    [
      'a{otel_scope_name="mcp-patchbay/cache"} 1',
      'a{otel_scope_name="mcp-patchbay/other"} 1',
      'a_total 1',
    ],
  )
  assert.deepEqual(clashes, ['a_total'])
})

test('what stands for too many series is named as the specification names it', () => {
  const series = [{ labels: { overflow: 'true' }, value: 1 }]
  const [, , line] = page({ ...common, name: 'a', kind: 'gauge', series })
  assert.equal(line, 'a{otel_metric_overflow="true"} 1')
})
