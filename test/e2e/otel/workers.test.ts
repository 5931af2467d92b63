import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../upstreams/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'
import { startProcesses } from '../workers/processes.ts'
import { collector } from './collector.ts'

test('of two workers the page tells the sum, and the collector is told by each', async (t) => {
  const [server, far] = [await stub(t, 'modern'), await collector(t)]
  const otlp = { endpoint: far.url }
  const gateway = await startProcesses(t, {
    upstreams: { up: { url: server.url } },
    plugins: [
      { use: 'auth-none' },
      { use: './probe.ts' },
      { use: 'otel', config: { otlp, traces: { delay: '20ms' }, metrics: { export: false } } },
    ],
  })
  await until(async () => (await gateway.admin('/status')).upstreams.up.workers.ready === 2)
  const one = new Wire(t, gateway.url)
  const params = { name: 'up__look', arguments: {} }
  const pids = await gateway.workers()
  const two = await gateway.another(t, pids[0] as number)
  const three = await gateway.another(t, pids[1] as number)
  for (const wire of [two.wire, three.wire, three.wire]) await wire.modern('tools/call', params)
  await one.modern('tools/call', params)
  const token = readFileSync(join(gateway.folder, 'data/admin-token'), 'utf8').trim()
  const page = await fetch(new URL('/metrics', gateway.adminUrl), {
    headers: { authorization: `Bearer ${token}` },
  })
  const text = await page.text()
  assert.match(text, /^mcp_server_operation_duration_seconds_count\{.*"up__look".*\} 4$/m)
  assert.match(text, /^patchbay_upstream_ready\{.*\} 2$/m)
  assert.match(text, /^patchbay_worker_up\{worker="1"\} 1$/m)
  await until(() => far.spans.length === 8)
  const processes = new Set(far.spans.map(({ resource }) => resource['service.instance.id']))
  assert.equal(processes.size, 2)
})
