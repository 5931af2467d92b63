import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive, until } from '../upstreams/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { collector } from './collector.ts'
import { traced } from './traced.ts'

test('metrics arrive with their units, boundaries and attributes, one resource per process', async (t) => {
  const { server, far, gateway } = await traced(t)
  for (let n = 0; n < 3; n++) await gateway.call('up__look')
  await gateway.passUntil(() =>
    far.points.some(({ name, count }) => name === 'mcp.client.operation.duration' && count === 3),
  )
  const by = (name: string) => far.points.find((one) => one.name === name)
  const common = { unit: 's', kind: 'histogram', count: 3, scope: 'mcp-patchbay' }
  const boundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
  const attributes = {
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2026-07-28',
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'gen_ai.operation.name': 'execute_tool',
  }
  for (const [name, more] of [
    ['mcp.server.operation.duration', { 'gen_ai.tool.name': 'up__look' }],
    [
      'mcp.client.operation.duration',
      {
        'gen_ai.tool.name': 'look',
        'patchbay.upstream': 'up',
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(server.url).port),
      },
    ],
  ] as const) {
    const { value, buckets, resource, ...point } = by(name) ?? assert.fail(name)
    assert.deepEqual(point, { ...common, name, boundaries, attributes: { ...attributes, ...more } })
    assert.equal(
      buckets.reduce((sum, one) => sum + one),
      3,
    )
    assert.ok(value >= 0)
    assert.match(String(resource['service.instance.id']), /^[0-9a-f-]{36}$/)
  }
  assert.equal(by('patchbay.upstream.ready')?.kind, 'gauge')
  const runs = far.points.find(({ name }) => name === 'patchbay.plugin.runs')
  assert.deepEqual([runs?.kind, runs?.unit], ['sum', '{run}'])
})

test('the environment says where to, and its headers are sent and told to nobody', async (t) => {
  const far = await collector(t)
  const set = {
    OTEL_EXPORTER_OTLP_ENDPOINT: far.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-collector',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_SERVICE_NAME: 'by-environment',
    OTEL_METRICS_EXPORTER: 'none',
  }
  Object.assign(process.env, set)
  t.after(() => {
    for (const name of Object.keys(set)) delete process.env[name]
  })
  const server = await stub(t, 'modern')
  const gateway = await drive(t, { up: { url: server.url } }, { plugins: [{ use: 'otel' }] })
  await gateway.ready()
  await gateway.call('up__look')
  await gateway.passUntil(() => far.spans.length === 2)
  assert.equal(far.spans[0]?.resource['service.name'], 'by-environment')
  const [{ path, headers } = assert.fail()] = far.requests
  assert.deepEqual(
    [path, headers.authorization, headers['content-encoding'], headers['content-type']],
    ['/v1/traces', 'Bearer of-the-collector', 'gzip', 'application/x-protobuf'],
  )
})

test('a collector that is not there is told of once, and calls do not notice', async (t) => {
  const server = await stub(t, 'modern')
  const otel = {
    use: 'otel',
    config: {
      otlp: { endpoint: 'http://127.0.0.1:9', timeout: '100ms' },
      traces: { delay: '1s', queue: 20, batch: 5 },
      metrics: { interval: '1s' },
    },
  }
  const gateway = await drive(t, { up: { url: server.url } }, { plugins: [otel] })
  await gateway.ready()
  const told = () => gateway.log.filter(({ msg }) => String(msg).includes('could not be exported'))
  for (let n = 0; n < 50; n++) {
    assert.notEqual((await gateway.call('up__look')).result, undefined)
    gateway.clock.advance(250)
  }
  await gateway.passUntil(() => told().length === 2)
  for (let n = 0; n < 20; n++) await gateway.call('up__look')
  for (let n = 0; n < 20; n++) {
    gateway.clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(
    told().map(({ msg }) => String(msg).split(' ')[0]),
    ['spans', 'metrics'],
    JSON.stringify(told()),
  )
  assert.match(String(told()[0]?.msg), /127\.0\.0\.1:9: .*Check that a collector/)
})

test('a collector that takes and never answers delays no call and no stop for long', async (t) => {
  const { far, gateway } = await traced(t, { traces: { batch: 1, queue: 3 } })
  far.silent = true
  for (let n = 0; n < 10; n++) assert.notEqual((await gateway.call('up__look')).result, undefined)
  await until(() => far.requests.length === 1)
  const began = gateway.clock.now()
  let stopped = false
  const stopping = gateway.stop().then(() => {
    stopped = true
  })
  await gateway.passUntil(() => stopped)
  await stopping
  // Sooner than a plugin that does not stop is given up.
  assert.ok(gateway.clock.now() - began < 8_000)
  assert.ok(far.requests.length <= 2)
})

test('what was not sent yet is sent by a stop', async (t) => {
  const { far, gateway } = await traced(t, { traces: { delay: '1h' }, metrics: { interval: '1h' } })
  await gateway.call('up__look')
  assert.deepEqual([far.spans.length, far.points.length], [0, 0])
  await gateway.stop()
  assert.equal(far.spans.length, 2)
  assert.ok(far.points.some(({ name }) => name === 'mcp.server.operation.duration'))
})

test('when a collector is back, exports go on and that is told', async (t) => {
  const { far, gateway } = await traced(t, { metrics: { export: false } })
  far.status = 400
  await gateway.call('up__look')
  await gateway.passUntil(() => gateway.log.some(({ msg }) => /spans could not/.test(String(msg))))
  far.status = 200
  await gateway.call('up__look')
  await gateway.passUntil(() => far.spans.length === 2)
})
