import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Driven, drive, until } from '../upstreams/gateway.ts'
import { refuse, type Said, stub } from '../upstreams/stub.ts'
import { type ArrivedSpan, type Collector, collector } from './collector.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CLIENT = 'b7ad6b7169203331'
const client = { traceparent: `00-${TRACE}-${CLIENT}-01`, tracestate: 'a=1', baggage: 'b=2' }
const metaOf = ({ message }: Said) => (message.params as { _meta: Record<string, unknown> })._meta

/** A gateway that traces to a collector, in front of one server. */
async function traced(t: TestContext, config: object = {}, era: 'modern' | 'legacy' = 'modern') {
  const [server, far] = [await stub(t, era), await collector(t)]
  const use = { use: 'otel', config: { otlp: { endpoint: far.url }, ...config } }
  const gateway = await drive(t, { up: { url: server.url } }, { plugins: [use] })
  await gateway.ready()
  return { server, far, gateway }
}

/** Waits until that many spans have arrived; servers before their attempts. */
async function arrived(gateway: Driven, far: Collector, count: number): Promise<ArrivedSpan[]> {
  await gateway.passUntil(() => far.spans.length >= count)
  assert.equal(far.spans.length, count)
  return far.spans.toSorted((a, b) => Number(a.start - b.start) || a.kind - b.kind)
}

test('a server’s span hangs on the attempt, that on the operation, that on the client’s', async (t) => {
  const { server, far, gateway } = await traced(t, { serviceName: 'gate' })
  await gateway.call('up__look', { meta: client, args: { secret: 'of the caller' } })
  const [operation, attempt] = (await arrived(gateway, far, 2)) as [ArrivedSpan, ArrivedSpan]
  const { host, port } = { host: '127.0.0.1', port: Number(new URL(server.url).port) }
  assert.deepEqual(operation, {
    trace: TRACE,
    id: operation.id,
    parent: CLIENT,
    state: 'a=1',
    name: 'tools/call up__look',
    kind: 2,
    start: operation.start,
    end: operation.end,
    status: 0,
    message: '',
    scope: 'mcp-patchbay',
    resource: operation.resource,
    attributes: {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'up__look',
      'jsonrpc.request.id': '1',
      'patchbay.outcome': 'result',
    },
  })
  assert.deepEqual(attempt, {
    ...operation,
    id: attempt.id,
    parent: operation.id,
    name: 'tools/call look',
    kind: 3,
    start: attempt.start,
    end: attempt.end,
    attributes: {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      'server.address': host,
      'server.port': port,
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'look',
      'patchbay.upstream': 'up',
      'patchbay.attempt': 1,
      'patchbay.outcome': 'result',
    },
  })
  assert.equal(operation.resource['service.name'], 'gate')
  assert.match(String(operation.resource['service.instance.id']), /^[0-9a-f-]{36}$/)
  const [sent] = server.of('tools/call') as [Said]
  const { traceparent, tracestate, baggage } = metaOf(sent)
  assert.deepEqual(
    [traceparent, tracestate, baggage],
    [`00-${TRACE}-${attempt.id}-01`, 'a=1', 'b=2'],
  )
  assert.equal(sent.headers.traceparent, undefined)
  assert.deepEqual(
    far.requests.map(({ path }) => path),
    ['/v1/traces'],
  )
  await until(() => true)
})

test('a call that is sent again has a second attempt, and the first one says why', async (t) => {
  const { server, far, gateway } = await traced(t)
  let sendings = 0
  server.acts['tools/call'] = ({ message }, response) => {
    if (++sendings > 1) return { content: [] }
    return refuse(response, message, -32020, 400)
  }
  await gateway.call('up__look')
  const [operation, first, second] = await arrived(gateway, far, 3)
  assert.deepEqual(
    [first, second].map((one) => [one?.parent, one?.attributes['patchbay.attempt'], one?.status]),
    [
      [operation?.id, 1, 2],
      [operation?.id, 2, 0],
    ],
  )
  assert.equal(first?.attributes['error.type'], 'UNAVAILABLE')
  assert.deepEqual([operation?.status, operation?.attributes['error.type']], [0, undefined])
})
