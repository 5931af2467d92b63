import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { driveScript } from '../upstreams/script.ts'
import { refuse, type Said } from '../upstreams/stub.ts'
import { ENVELOPE, Wire } from '../wire/wire.ts'
import { type ArrivedSpan, collector } from './collector.ts'
import { arrived, CLIENT, CONTEXT, metaOf, TRACE, traced } from './traced.ts'

test('a server’s span hangs on the attempt, that on the operation, that on the client’s', async (t) => {
  const { server, far, gateway } = await traced(t, { serviceName: 'gate' })
  await gateway.call('up__look', { meta: CONTEXT, args: { secret: 'of the caller' } })
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

test('the trace goes on over pipes, and over handshake servers and clients', async (t) => {
  const far = await collector(t)
  const otel = { use: 'otel', config: { otlp: { endpoint: far.url }, metrics: { export: false } } }
  const tell = `acts['tools/call'] = ({ id, params: { _meta } }) => say(id, text(JSON.stringify(_meta)))`
  const gateway = await driveScript(t, tell, {}, [otel])
  await gateway.ready()
  const client = new FormerClient({ name: 'old', version: '1' })
  t.after(() => client.close())
  await client.connect(new FormerTransport(new URL(gateway.url)) as never)
  const result = await client.callTool({ name: 'up__run', arguments: {}, _meta: CONTEXT })
  const { traceparent, tracestate, baggage } = JSON.parse(
    (result as unknown as { content: [{ text: string }] }).content[0].text,
  )
  const [operation, attempt] = (await arrived(gateway, far, 2)) as [ArrivedSpan, ArrivedSpan]
  assert.deepEqual(
    [traceparent, tracestate, baggage],
    [`00-${TRACE}-${attempt.id}-01`, 'a=1', 'b=2'],
  )
  assert.deepEqual([operation.trace, operation.parent], [TRACE, CLIENT])
  assert.deepEqual(
    [operation, attempt].map(({ attributes }) => [
      attributes['mcp.protocol.version'],
      attributes['network.transport'],
      attributes['server.address'],
    ]),
    [
      ['2025-11-25', 'tcp', undefined],
      ['2025-11-25', 'pipe', undefined],
    ],
  )
  assert.equal(operation.attributes['jsonrpc.request.id'], '1')
})

test('a handshake server gets it as well, and what a client does not record is recorded nowhere', async (t) => {
  const { server, far, gateway } = await traced(t, {}, 'legacy')
  const unsampled = { ...CONTEXT, traceparent: CONTEXT.traceparent.replace(/01$/, '00') }
  await gateway.call('up__look', { meta: unsampled })
  await gateway.call('up__look', { meta: CONTEXT })
  const [, attempt] = await arrived(gateway, far, 2)
  const [first, second] = server.of('tools/call').map((said) => String(metaOf(said).traceparent))
  assert.match(first ?? '', new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  assert.equal(second, `00-${TRACE}-${attempt?.id}-01`)
  assert.equal(attempt?.attributes['mcp.protocol.version'], '2025-11-25')
})

test('a context in headers is taken up, and put into headers where that is asked for', async (t) => {
  const { server, far, gateway } = await traced(t, { traces: { headers: true } })
  await gateway.call('up__look', { headers: CONTEXT })
  const [operation, attempt] = (await arrived(gateway, far, 2)) as [ArrivedSpan, ArrivedSpan]
  assert.deepEqual([operation.trace, operation.parent], [TRACE, CLIENT])
  const [sent] = server.of('tools/call') as [Said]
  const expected = { traceparent: `00-${TRACE}-${attempt.id}-01`, tracestate: 'a=1' }
  const { traceparent, tracestate, baggage } = metaOf(sent)
  assert.deepEqual({ traceparent, tracestate }, expected)
  assert.equal(baggage, 'b=2')
  const { headers } = sent
  assert.deepEqual({ traceparent: headers.traceparent, tracestate: headers.tracestate }, expected)
})

test('a call that asks and goes on is one span per round in the client’s trace', async (t) => {
  const { server, far, gateway } = await traced(t)
  const elicit = {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
  }
  server.acts['tools/call'] = ({ message: { params } }) =>
    params?.requestState === undefined
      ? { resultType: 'input_required', inputRequests: { sure: elicit }, requestState: 's' }
      : { resultType: 'complete', content: [] }
  const wire = new Wire(t, gateway.url)
  const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
  const _meta = { ...CONTEXT, ...capabilities }
  const params = { name: 'up__look', arguments: {}, _meta }
  const asked = await wire.modern('tools/call', params)
  assert.equal(asked.json.result.resultType, 'input_required', asked.text)
  const { requestState, inputRequests } = asked.json.result
  const [key] = Object.keys(inputRequests) as [string]
  const inputResponses = { [key]: { action: 'accept', content: {} } }
  const done = await wire.modern('tools/call', { ...params, requestState, inputResponses })
  assert.deepEqual(done.json.result.content, [], done.text)
  const spans = await arrived(gateway, far, 4)
  assert.ok(spans.every(({ trace }) => trace === TRACE))
  const servers = spans.filter(({ kind }) => kind === 2)
  assert.deepEqual(
    servers.map(({ parent, attributes }) => [parent, attributes['patchbay.outcome']]),
    [
      [CLIENT, 'question'],
      [CLIENT, 'result'],
    ],
  )
  assert.deepEqual(
    spans.filter(({ kind }) => kind === 3).map(({ parent }) => parent),
    servers.map(({ id }) => id),
  )
})

test('errors say what they are, and nothing that is personal unless it is asked for by name', async (t) => {
  const { server, far, gateway } = await traced(t)
  const answers: ((said: Said) => object)[] = [
    () => ({ content: [{ type: 'text', text: 'of the caller' }], isError: true }),
    ({ message }) => ({ error: { code: -32_050, message: 'of the caller' }, id: message.id }),
    ({ message }) => ({ error: { code: -32_602, message: 'of the caller' }, id: message.id }),
  ]
  server.acts['tools/call'] = (said, response) => {
    const answer = answers.shift()?.(said) as { error?: object }
    if (answer.error === undefined) return answer
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', ...answer }))
    return undefined
  }
  for (let n = 0; n < 3; n++) await gateway.call('up__look', { args: { a: 'of the caller' } })
  await gateway.call('up__of_the_caller')
  const spans = await arrived(gateway, far, 7)
  const told = spans.map(({ name, kind, status, attributes: of }) =>
    [name, kind, status, of['error.type'], of['rpc.response.status_code']].join(' '),
  )
  assert.deepEqual(told.toSorted(), [
    'tools/call 2 0  -32602',
    'tools/call look 3 2 -32050 -32050',
    'tools/call look 3 2 -32602 -32602',
    'tools/call look 3 2 tool_error ',
    'tools/call up__look 2 0  -32602',
    'tools/call up__look 2 2 -32050 -32050',
    'tools/call up__look 2 2 tool_error ',
  ])
  const all = JSON.stringify(spans.map(({ start: _, end: __, ...span }) => span))
  assert.doesNotMatch(all, /of.the.caller|anonymous/)
})

test('what is personal is recorded where it is named, cut and redacted', async (t) => {
  process.env.OTEL_TEST_SECRET = 'hunter2-and-more'
  t.after(() => delete process.env.OTEL_TEST_SECRET)
  const attributes = [
    'gen_ai.tool.call.arguments',
    'gen_ai.tool.call.result',
    'user.id',
    'error.message',
  ]
  const { server, far, gateway } = await traced(t, {
    traces: { attributes, valueLength: 30 },
    // A value that comes from a reference is a secret.
    resource: { 'x.y': `\${OTEL_TEST_SECRET}` },
  })
  server.acts['tools/call'] = () => ({ content: [{ type: 'text', text: 'x'.repeat(100) }] })
  await gateway.call('up__look', { args: { a: 'hunter2-and-more' } })
  const [operation, attempt] = (await arrived(gateway, far, 2)) as [ArrivedSpan, ArrivedSpan]
  assert.equal(operation.attributes['gen_ai.tool.call.arguments'], '{"a":"[redacted]"}')
  assert.equal(attempt.attributes['gen_ai.tool.call.arguments'], '{"a":"[redacted]"}')
  const result = String(operation.attributes['gen_ai.tool.call.result'])
  assert.match(result, /^\{"content":\[/)
  assert.equal(result.length, 30)
  assert.equal(operation.attributes['user.id'], 'anonymous')
  assert.equal(operation.attributes['patchbay.user.issuer'], 'auth-none')
})

test('an id that a client makes very long is cut', async (t) => {
  const { far, gateway } = await traced(t)
  const id = 'i'.repeat(100_000)
  const _meta = ENVELOPE
  const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'up__look', _meta } }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'up__look',
  }
  await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify(message) })
  const ids = (await arrived(gateway, far, 2)).map((one) => one.attributes['jsonrpc.request.id'])
  assert.ok(ids.includes('i'.repeat(128)), String(ids))
})

test('what is not named is not recorded, whatever else is', async (t) => {
  const { far, gateway } = await traced(t, { traces: { attributes: ['user.id'] } })
  await gateway.call('up__look', { args: { a: 1 } })
  const spans = await arrived(gateway, far, 2)
  const names = spans.flatMap(({ attributes }) => Object.keys(attributes))
  assert.ok(names.includes('user.id'))
  assert.deepEqual(
    names.filter((name) => /arguments|result|variable|uri|session/.test(name)),
    [],
  )
})

test('a call inside another is a span of its own below it', async (t) => {
  const around = `import { Calls, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'around', version: '1.0.0', needs: { calls: Calls },
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: (_config, { calls }) => ({
    tools: [{
      definition: { name: 'around', inputSchema: { type: 'object' } },
      call: (call) => calls.call(call.caller, 'up__look', {}, { parent: call }),
    }],
  }),
})`
  const { far, gateway } = await traced(t, {}, 'modern', {
    plugins: [{ use: './around.ts' }],
    files: { 'around.ts': around },
  })
  await gateway.call('around', { meta: CONTEXT })
  const spans = await arrived(gateway, far, 3)
  assert.deepEqual(spans.map(({ name, kind }) => [name, kind]).toSorted(), [
    ['tools/call around', 2],
    ['tools/call look', 3],
    ['tools/call up__look', 1],
  ])
  const by = (kind: number) => spans.find((one) => one.kind === kind)
  assert.deepEqual([by(3)?.parent, by(1)?.parent, by(2)?.parent], [by(1)?.id, by(2)?.id, CLIENT])
})
