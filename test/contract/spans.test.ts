import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, Calls, definePlugin, deny, type GuardHooks, Tracer } from 'mcp-patchbay/sdk'
import { type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'
import { drive } from '../e2e/upstreams/gateway.ts'
import { refuse, type Said, stub } from '../e2e/upstreams/stub.ts'
import spansPlugin, { type Recorded } from './spans.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CLIENT = 'b7ad6b7169203331'
const client = { traceparent: `00-${TRACE}-${CLIENT}-01`, tracestate: 'a=1', baggage: 'b=2' }
const spansIn = async (gateway: TestGateway) =>
  ((await gateway.status()).spans as { spans: readonly Recorded[] }).spans
const short = ({ kind, name, parent, outcome, ends }: Recorded) =>
  [kind[0], name, parent?.slice(-1), outcome, ends].join(' ')

/** A plugin that is just these hooks. */
const hooked = (name: string, hooks: GuardHooks, parts: object = {}) =>
  definePlugin({
    name,
    version: '1.0.0',
    phase: 'guard',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => hooks,
    ...parts,
  })

/** A real gateway in front of a real server, traced or not. */
async function traced(
  t: Parameters<typeof drive>[0],
  plugins: object[],
  upstream: object = {},
  files: Record<string, string> = {},
) {
  const server = await stub(t, 'modern')
  const gateway = await drive(t, { up: { url: server.url, ...upstream } }, { plugins, files })
  await gateway.ready()
  const spans = async (): Promise<Recorded[]> =>
    (await fetch(new URL('/spans', gateway.url))).json() as Promise<Recorded[]>
  return { server, gateway, spans }
}
const recording = [{ use: join(import.meta.dirname, 'spans.ts') }]
const metaOf = ({ message }: Said) => (message.params as { _meta: Record<string, unknown> })._meta

test('a server’s span hangs on the attempt, that on the operation, that on the client’s', async (t) => {
  const { server, gateway, spans } = await traced(t, recording, {
    forwardHeaders: ['traceparent', 'tracestate', 'x-told'],
    headers: { authorization: 'Bearer of-the-operator' },
  })
  const headers = { traceparent: 'forwarded', tracestate: 'c=3', 'x-told': 'forwarded' }
  await gateway.call('up__look', { meta: { ...client, 'acme/own': 1 }, headers })
  const [operation, attempt] = await spans()
  assert.equal(operation?.trace, TRACE)
  assert.equal(operation?.parent, CLIENT)
  assert.equal(operation?.outcome, 'result')
  assert.equal(attempt?.parent, operation?.id)
  const [sent] = server.of('tools/call') as [Said]
  const traceparent = `00-${TRACE}-${attempt?.id}-01`
  const { tracestate, baggage, ...meta } = metaOf(sent)
  assert.deepEqual([meta.traceparent, meta['acme/own']], [traceparent, 1])
  assert.deepEqual([tracestate, baggage], [undefined, client.baggage])
  assert.equal(sent.text.match(/"traceparent"/g)?.length, 1)
  assert.equal(sent.headers.traceparent, traceparent)
  assert.equal(sent.headers.tracestate, undefined)
  assert.equal(sent.headers['x-told'], attempt?.id)
  assert.equal(sent.headers.authorization, 'Bearer of-the-operator')
})

test('what a tracer sends never stands in for credentials', async (t) => {
  const credentials = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'keys', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ credentials: () => ({ headers: { AUTHORIZATION: 'Bearer key', 'X-Told': 'key' } }) }),
})`
  const plugins = [...recording, { use: './keys.ts' }]
  const { server, gateway } = await traced(t, plugins, {}, { 'keys.ts': credentials })
  await gateway.call('up__look')
  const [{ headers }] = server.of('tools/call') as [Said]
  assert.deepEqual([headers.authorization, headers['x-told']], ['Bearer key', 'key'])
})

test('where `_meta` has no trace context the headers have it, and where neither has there is a new one', async (t) => {
  const { gateway, spans } = await traced(t, recording)
  await gateway.call('up__look', { headers: { traceparent: client.traceparent } })
  await gateway.call('up__look')
  const operations = (await spans()).filter(({ kind }) => kind === 'operation')
  assert.deepEqual(
    operations.map(({ trace, parent }) => [trace, parent]),
    [
      [TRACE, CLIENT],
      ['3'.padStart(32, '0'), undefined],
    ],
  )
})

test('untraced, the client’s own context travels on as it came', async (t) => {
  const { server, gateway } = await traced(t, [])
  await gateway.call('up__look', { meta: client })
  const { traceparent, tracestate, baggage } = metaOf(server.of('tools/call')[0] as Said)
  assert.deepEqual({ traceparent, tracestate, baggage }, client)
})

test('a call that is sent again has an attempt for each sending', async (t) => {
  const { server, gateway, spans } = await traced(t, recording)
  let sendings = 0
  server.acts['tools/call'] = ({ message }, response) => {
    if (++sendings > 1) return { content: [] }
    return refuse(response, message, -32020, 400)
  }
  await gateway.call('up__look')
  assert.deepEqual((await spans()).map(short), [
    'o up__look  result 1',
    'a up look 1 UNAVAILABLE 1',
    'a up look 1 result 1',
  ])
  const sent = server.of('tools/call').map(({ headers }) => headers['x-told'])
  assert.deepEqual(
    sent,
    (await spans()).slice(1).map(({ id }) => id),
  )
})

test('what is denied, unknown or answered by nobody is an operation without an attempt', async () => {
  const guard = hooked('guard', {
    beforeCall: ({ args, answers }) =>
      args.no ? deny('FORBIDDEN', 'no') : answers.a ? undefined : question,
  })
  const question = ask({ a: { method: 'roots/list', params: {} } })
  const options = { with: [[guard]], client: { capabilities: { roots: {} } } } as const
  const gateway = await testPlugin(spansPlugin, {}, options)
  await gateway.call('demo__echo', { no: true })
  await gateway.call('demo__other')
  const asked = await gateway.call('demo__echo')
  await gateway.answer(asked, { a: { roots: [] } })
  const spans = await spansIn(gateway)
  assert.deepEqual(spans.map(short), [
    'o demo__echo  FORBIDDEN 1',
    'o demo__other  NOT_FOUND 1',
    'o demo__echo  question 1',
    'o demo__echo  result 1',
    'a demo echo 4 result 1',
  ])
  const calls = spans.filter(({ kind }) => kind === 'operation').map(({ call }) => call)
  assert.equal(calls[1], undefined)
  assert.equal(calls[2], calls[3])
  assert.notEqual(calls[0], calls[2])
})

test('a call that is cancelled ends both, once', async () => {
  const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>()
  const gateway = await testPlugin(spansPlugin, {}, { reply: () => promise })
  const stop = new AbortController()
  const running = gateway.call('demo__echo', {}, { cancel: stop.signal })
  stop.abort('enough')
  assert.equal((await running).kind, 'cancelled')
  resolve({ content: [] })
  await new Promise(setImmediate)
  const ended = ['o demo__echo  cancelled 1', 'a demo echo 1 cancelled 1']
  assert.deepEqual((await spansIn(gateway)).map(short), ended)
})

test('an inner call hangs on the one around it, whatever the client said', async () => {
  const wrapper = definePlugin({
    name: 'wrapper',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'wrapped', inputSchema: { type: 'object' } },
          call: (call) => calls.call(call.caller, 'demo__echo', {}, { parent: call }),
        },
      ],
      // Somebody who reads messages stands between the call and its client.
      onMessage: () => undefined,
    }),
    phase: 'guard',
  })
  const gateway = await testPlugin(spansPlugin, {}, { with: [[wrapper]] })
  await gateway.result('wrapped', {}, { meta: client })
  const spans = await spansIn(gateway)
  assert.deepEqual(spans.map(short), [
    'o wrapped 1 result 1',
    'o demo__echo 1 result 1',
    'a demo echo 2 result 1',
  ])
  assert.ok(spans.every(({ trace }) => trace === TRACE))
  assert.equal(gateway.sent[0]?.meta?.traceparent, `00-${TRACE}-${spans[2]?.id}-01`)
})

const boom = (): never => {
  throw new Error('boom')
}
const span = { end() {} }
for (const [what, tracer, failures] of [
  ['operation', { operation: boom, attempt: () => span }, 1],
  ['attempt', { operation: () => span, attempt: boom }, 1],
  ['every end', { operation: () => ({ end: boom }), attempt: () => ({ end: boom }) }, 2],
  [
    'every promise',
    { operation: () => ({ end: async () => boom() }), attempt: async () => boom() },
    2,
  ],
  ['nonsense', { operation: () => 7, attempt: async () => span }, 2],
  [
    'meta and headers',
    {
      operation: () => span,
      attempt: () => ({ meta: { traceparent: 1 }, headers: { a: 'b\n' }, ...span }),
    },
    2,
  ],
] as const) {
  test(`a tracer that fails harms no call: ${what}`, async () => {
    const bad = hooked('bad', { provide: () => ({ tracer }) } as GuardHooks, {
      provides: { tracer: Tracer },
    })
    const gateway = await testPlugin(bad)
    await gateway.result('demo__echo', {}, { meta: client })
    const failed = gateway.events.filter(({ type }) => type === 'plugin.failed')
    assert.equal(failed.length, failures)
    assert.ok(failed.every((event) => event.type === 'plugin.failed' && event.plugin === 'bad'))
    assert.deepEqual(gateway.sent[0]?.meta, client)
    assert.deepEqual(gateway.sent[0]?.headers, {})
  })
}

test('in the test kit a tracer, too, can change nothing that it receives', async () => {
  const told: unknown[] = []
  const own = { end: (outcome: object) => told.push(Object.isFrozen(outcome)) }
  const tracer: Tracer = {
    operation(request, incoming) {
      told.push(Object.isFrozen(request), Object.isFrozen(incoming))
      return own
    },
    attempt(call, target, _n, parent) {
      told.push(Object.isFrozen(call), Object.isFrozen(target), parent === own, 'exchange' in call)
      return undefined
    },
  }
  const plugin = hooked('strict', { provide: () => ({ tracer }) } as GuardHooks, {
    provides: { tracer: Tracer },
  })
  await (await testPlugin(plugin)).result('demo__echo', {}, { meta: client })
  assert.deepEqual(told, [true, true, true, true, true, false, true])
})
