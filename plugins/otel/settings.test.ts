import assert from 'node:assert/strict'
import test from 'node:test'
import type { Env } from './environment.ts'
import { settingsOf } from './settings.ts'

type Config = Parameters<typeof settingsOf>[0]

/** Parts of a config, and what the gateway fills in. */
interface Said extends Partial<Omit<Config, 'traces' | 'metrics'>> {
  readonly traces?: Partial<Config['traces']>
  readonly metrics?: Partial<Config['metrics']>
}

function config({ traces, metrics, ...rest }: Said = {}): Config {
  return {
    resource: {},
    otlp: {},
    ...rest,
    traces: { headers: false, attributes: [], ...traces },
    metrics: { operations: true, names: 1_000, ...metrics },
  }
}
const of = (env: Env, said?: Said) => settingsOf(config(said), env)
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://far:4318' }

test('without an endpoint nothing goes out', () => {
  const { traces, metrics, problems, resource } = of({})
  assert.deepEqual([traces.to, metrics.to, problems], [undefined, undefined, []])
  assert.deepEqual(resource, { 'service.name': 'mcp-patchbay' })
})

test('the standard variables say where to, how, and under which name', () => {
  const { traces, metrics, resource, problems } = of({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://other/take/this',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=two%20words',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '3000',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_SERVICE_NAME: 'gate',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=passed-over',
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(traces.to, {
    url: 'http://far:4318/v1/traces',
    headers: { a: '1', b: '3' },
    timeout: 2_000,
    compression: 'gzip',
  })
  assert.deepEqual(metrics.to, {
    url: 'https://other/take/this',
    headers: { a: '1', b: 'two words' },
    timeout: 3_000,
    compression: 'gzip',
  })
  assert.deepEqual(resource, { 'deployment.environment.name': 'prod', 'service.name': 'gate' })
})

test('they say which calls are recorded, and how many at a time', () => {
  const { traces, metrics } = of({
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BSP_MAX_QUEUE_SIZE: '50',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '80',
    OTEL_METRIC_EXPORT_INTERVAL: '900',
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '7',
  })
  const { sampler, delay, queue, batch, valueLength } = traces
  assert.deepEqual([delay, queue, batch, valueLength, metrics.interval], [100, 50, 50, 7, 900])
  assert.equal(sampler.samples('f'.repeat(32), true), false)
})

test('the config wins', () => {
  const env = {
    ...ENDPOINT,
    OTEL_SDK_DISABLED: 'true',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_SERVICE_NAME: 'gate',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_TRACES_SAMPLER: 'always_off',
  }
  const { traces, metrics, resource, disabled } = of(env, {
    disabled: false,
    serviceName: 'mine',
    otlp: { endpoint: 'http://mine/base/', headers: { c: '2' } },
    traces: { export: true, delay: 5, sampler: 'always_on' },
    metrics: { export: false },
  })
  assert.deepEqual([disabled, resource['service.name'], metrics.to], [false, 'mine', undefined])
  assert.equal(traces.to?.url, 'http://mine/base/v1/traces')
  assert.deepEqual([traces.to?.headers, traces.delay], [{ a: '1', c: '2' }, 5])
  assert.equal(traces.sampler.samples('0'.repeat(32), undefined), true)
})

test('disabled, and without exporters, nothing goes out', () => {
  assert.equal(of({ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }).traces.to, undefined)
  const { traces, metrics } = of({
    ...ENDPOINT,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'prometheus',
  })
  assert.deepEqual([traces.to, metrics.to], [undefined, undefined])
})

test('a variable that cannot be used is told of without its value, and passed over', () => {
  const { problems, traces, metrics } = of({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'far:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'secret-without-name',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
    OTEL_TRACES_SAMPLER: 'xray',
    OTEL_TRACES_SAMPLER_ARG: '7',
    OTEL_BSP_MAX_QUEUE_SIZE: '-1',
    OTEL_METRICS_EXPORTER: 'console,otlp',
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
  })
  assert.equal(problems.length, 9)
  assert.ok(
    problems.every((one) => /^OTEL_\w+ .*: it is passed over$/.test(one)),
    problems.join('\n'),
  )
  assert.doesNotMatch(problems.join(), /secret/)
  assert.equal(traces.to?.url, 'http://far:4318/v1/traces')
  assert.deepEqual([traces.to?.timeout, traces.queue], [10_000, 2_048])
  assert.equal(metrics.to?.url, 'http://far:4318/v1/metrics')
})
