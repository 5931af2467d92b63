import assert from 'node:assert/strict'
import test from 'node:test'
import type { Outcome } from 'mcp-patchbay/sdk'
import {
  checkPlugin,
  type TestGateway,
  type TestOptions,
  testPlugin,
} from 'mcp-patchbay/sdk/testing'
import otel from './index.ts'

/** What Prometheus would read. */
async function scraped(gateway: TestGateway): Promise<string> {
  const [route] = gateway.routes()
  assert.deepEqual([route?.method, route?.path, route?.access], ['GET', '/metrics', 'admin'])
  const ctx = { type: '', body: '' }
  await route?.handle(ctx as unknown as Parameters<typeof route.handle>[0])
  assert.equal(ctx.type, 'text/plain; version=0.0.4; charset=utf-8')
  return ctx.body
}

/** The counts of a histogram, by those of their labels that are asked for. */
function counts(text: string, side: 'server' | 'client', ...labels: string[]): string[] {
  const name = `mcp_${side}_operation_duration_seconds_count`
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => {
      const told = labels.map(
        (label) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? '-',
      )
      return [...told, line.split(' ').at(-1)].join(' ')
    })
}

const failure = (code: number): Outcome => ({
  kind: 'failure',
  code: 'UPSTREAM_ERROR',
  message: 'no',
  hint: 'none',
  error: { code, message: 'no' },
  executed: true,
})
const gatewayWith = (reply: TestOptions['reply'], config: object = {}) =>
  testPlugin(otel, config, { tools: { a: ['one', 'two'] }, ...(reply && { reply }) })

test('every call counts in both histograms, with names, units and buckets of the conventions', async () => {
  const gateway = await gatewayWith(undefined)
  await gateway.result('a__one')
  await gateway.result('a__one')
  await gateway.result('a__two')
  const text = await scraped(gateway)
  const attributes = ['mcp_method_name', 'gen_ai_operation_name', 'gen_ai_tool_name']
  assert.deepEqual(counts(text, 'server', ...attributes, 'mcp_protocol_version'), [
    'tools/call execute_tool a__one 2026-07-28 2',
    'tools/call execute_tool a__two 2026-07-28 1',
  ])
  assert.deepEqual(
    counts(text, 'client', ...attributes, 'patchbay_upstream', 'server_address', 'server_port'),
    ['tools/call execute_tool one a a.test 443 2', 'tools/call execute_tool two a a.test 443 1'],
  )
  const buckets = [...text.matchAll(/mcp_server_\S+_bucket\{\S*a__two\S*le="([^"]+)"\} 1/g)]
  const all = '0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 30 60 120 300 +Inf'
  assert.equal(buckets.map(([, end]) => end).join(' '), all)
  assert.match(text, /^# TYPE mcp_server_operation_duration_seconds histogram$/m)
  assert.match(text, /^target_info\{.*service_name="mcp-patchbay".*\} 1$/m)
})

test('how it ended is `error.type`, and what is the caller’s fault is no error of the server', async () => {
  const replies: (Outcome | object)[] = [
    { content: [], isError: true },
    failure(-32_000),
    failure(-32_602),
  ]
  const gateway = await gatewayWith(() => replies.shift() as Outcome)
  for (let n = 0; n < 3; n++) await gateway.call('a__one')
  await gateway.call('a__none')
  const text = await scraped(gateway)
  const attributes = ['gen_ai_tool_name', 'error_type', 'rpc_response_status_code']
  assert.deepEqual(counts(text, 'server', ...attributes), [
    'a__one tool_error - 1',
    'a__one -32000 -32000 1',
    'a__one - -32602 1',
    '- - -32602 1',
  ])
  assert.deepEqual(counts(text, 'client', ...attributes), [
    'one tool_error - 1',
    'one -32000 -32000 1',
    'one -32602 -32602 1',
  ])
})

test('no name that a caller made up becomes an attribute, and of those listed only so many', async () => {
  const gateway = await gatewayWith(undefined, { metrics: { names: 3 } })
  for (const name of ['made__up', 'a__onE', 'a__one', 'a__two']) await gateway.call(name)
  const text = await scraped(gateway)
  assert.doesNotMatch(text, /made__up|a__onE/)
  assert.deepEqual(counts(text, 'server', 'gen_ai_tool_name'), ['- 2', 'a__one 1', '_OTHER 1'])
  assert.deepEqual(counts(text, 'client', 'gen_ai_tool_name'), ['one 1', 'two 1'])
})

test('codes that a server makes up become at most 100 different values', async () => {
  let code = 0
  const gateway = await gatewayWith(() => failure(++code))
  for (let n = 0; n < 120; n++) await gateway.call('a__one')
  const text = await scraped(gateway)
  const series = counts(text, 'client', 'error_type')
  assert.equal(series.length, 101)
  assert.equal(series.at(-1), '_OTHER 20')
})

test('what the gateway and its upstreams count is on the same page', async () => {
  const gateway = await gatewayWith(undefined)
  await gateway.list()
  gateway.emit({
    type: 'auth.refused',
    denial: await gateway.denied('x'),
    path: '/mcp',
    remoteAddress: undefined,
    requestId: '1',
  })
  const text = await scraped(gateway)
  assert.match(text, /^patchbay_lists_total\{mcp_method_name="tools\/list"\} 1$/m)
  assert.match(text, /^patchbay_auth_refused_total\{code="NOT_FOUND"\} 1$/m)
  assert.match(text, /^patchbay_upstream_ready\{patchbay_upstream="a"\} 1$/m)
})

test('without an endpoint nothing is traced, and the client’s context travels on as it came', async () => {
  const gateway = await gatewayWith(undefined)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await gateway.call('a__one', {}, { meta: { traceparent } })
  assert.equal(gateway.sent[0]?.meta?.traceparent, traceparent)
  assert.deepEqual(await gateway.status(), { otel: {} })
})

test('what is not sampled is passed on as not sampled, in one trace', async () => {
  const gateway = await gatewayWith(undefined, {
    otlp: { endpoint: 'http://127.0.0.1:9' },
    traces: { sampler: 'always_off', delay: '1h' },
    metrics: { export: false },
  })
  const trace = '0af7651916cd43dd8448eb211c80319c'
  await gateway.call('a__one', {}, { meta: { traceparent: `00-${trace}-b7ad6b7169203331-01` } })
  await gateway.call('a__one')
  const [first, second] = gateway.sent.map(({ meta }) => String(meta?.traceparent))
  assert.match(first ?? '', new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`))
  assert.match(second ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  assert.deepEqual((await gateway.status()).otel, {
    spans: { to: 'http://127.0.0.1:9', waiting: 0, lost: 0, exported: 0 },
  })
})

test('disabled, it follows nothing', async () => {
  const gateway = await gatewayWith(undefined, {
    disabled: true,
    otlp: { endpoint: 'http://127.0.0.1:9' },
  })
  await gateway.call('a__one')
  assert.deepEqual(counts(await scraped(gateway), 'server'), [])
  assert.deepEqual((await gateway.status()).otel, {})
})

test('settings that cannot be are refused with path and reason', async () => {
  const refusals: [unknown, RegExp][] = [
    [{ otlp: { endpoint: 'localhost:4318' } }, /config\.otlp\.endpoint/],
    [{ traces: { sampler: 'sometimes' } }, /config\.traces\.sampler: must be one of always_on/],
    [{ traces: { ratio: 2 } }, /config\.traces\.ratio/],
    [{ traces: { delay: '0s' } }, /config\.traces\.delay/],
    [{ traces: { attributes: ['everything'] } }, /config\.traces\.attributes\[0\]: must be one of/],
    [{ otlp: { insecure: true } }, /config\.otlp\.insecure: is not a setting here/],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(otel, config), { message })
  }
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(otel, { folder: import.meta.dirname }))
