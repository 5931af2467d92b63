import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { GatewayError } from '../../../core/hooks/errors.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { steered } from '../wire/steered.ts'
import type { Wire } from '../wire/wire.ts'

/** A plugin of that name whose `setup` has this body; what it says with `told` stands in a file of the test. */
function plugin(name: string, setup: string): string {
  return `import { appendFileSync } from 'node:fs'
import { definePlugin } from 'mcp-patchbay/sdk'
const told = (what) => appendFileSync('TOLD', what + ' ')
export default definePlugin({
  name: '${name}', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup() { ${setup} },
})
`
}

const sound = (name: string) =>
  plugin(name, `return { start() { told('+${name}') }, stop() { told('-${name}') } }`)

/** Why a gateway with these plugins does not start, and what they told meanwhile. */
async function refusal(
  t: Scope,
  plugins: Readonly<Record<string, string>>,
  line: object = {},
): Promise<{ error: GatewayError; told: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-told-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'told')
  const files = Object.fromEntries(
    Object.entries(plugins).map(([id, text]) => [`${id}.ts`, text.replace('TOLD', file)]),
  )
  const config = { plugins: Object.keys(plugins).map((id) => ({ use: `./${id}.ts`, ...line })) }
  try {
    await startWith(t, config, { files })
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    return { error, told: existsSync(file) ? readFileSync(file, 'utf8').trim() : '' }
  }
  throw new Error('it started')
}

test('every plugin whose setup fails is named, all at once', async (t) => {
  const { error } = await refusal(t, {
    a: plugin('a', `throw new Error('no luck')`),
    b: plugin('b', `return Promise.reject(new Error('late'))`),
    c: plugin('c', 'return { afterCal() {} }'),
    d: plugin('d', 'return { beforeCall: 7 }'),
    e: plugin('e', 'return undefined'),
  })
  assert.deepEqual(
    error.problems.map(({ path, code }) => [path, code]),
    [
      ['plugins[0].config', 'PLUGIN_SETUP'],
      ['plugins[1]', 'PLUGIN_SETUP'],
      ['plugins[2]', 'PLUGIN_UNKNOWN_HOOK'],
      ['plugins[3]', 'PLUGIN_SETUP'],
      ['plugins[4]', 'PLUGIN_SETUP'],
    ],
  )
  assert.ok(error.problems.every(({ where }) => /patchbay\.yaml:1:\d+$/.test(where ?? '')))
  assert.match(error.message, /no luck/)
  assert.match(error.message, /not a promise; do I\/O in `start`/)
  assert.match(error.message, /no hook `afterCal` \(did you mean "afterCall"\?\)/)
})

for (const [how, body, cause] of [
  ['throws', `throw new Error('no disk')`, /plugin c: start failed: no disk/],
  ['hangs', 'return new Promise(() => {})', /plugin c: start failed: did not settle within 250 ms/],
] as const) {
  test(`a start that ${how} stops those before it in reverse, and names the plugin`, async (t) => {
    const plugins = {
      a: sound('a'),
      b: sound('b'),
      c: plugin('c', `return { start() { told('+c'); ${body} }, stop() { told('-c') } }`),
      d: sound('d'),
    }
    const { error, told } = await refusal(t, plugins, { timeouts: { start: '250ms' } })
    assert.equal(told, '+a +b +c -c -b -a')
    assert.equal(error.problems.length, 1)
    assert.equal(error.problems[0]?.where, 'plugin c')
    assert.equal(error.problems[0]?.code, 'PLUGIN_START_FAILED')
    assert.match(error.message, cause)
  })
}

test('routes that cannot be registered stop the start, each with its reason', async (t) => {
  const add = (path: string) => `routes.add({ method: 'GET', path: '${path}', handle() {} })`
  const { error, told } = await refusal(t, {
    a: plugin('a', `return { stop() { told('-a') }, routes() { throw new Error('boom') } }`),
    b: plugin('b', 'return { async routes() {} }'),
    c: plugin('c', `return { routes(routes) { ${add('/mcp')} } }`),
    d: plugin('d', `return { routes(routes) { ${add('/same')} } }`),
    e: plugin('e', `return { routes(routes) { ${add('/same')} } }`),
  })
  assert.equal(told, '-a')
  assert.deepEqual(
    error.problems.map(({ where }) => where),
    ['plugin a', 'plugin b', 'plugin c', 'plugin e'],
  )
  for (const reason of [
    /boom/,
    /returned a promise/,
    /the path \/mcp is the gateway's own/,
    /GET \/same belongs to the plugin d/,
  ]) {
    assert.match(error.message, reason)
  }
})

test('a tool that two lines offer is offered by none: the gateway does not start', async (t) => {
  const tool = `{ definition: { name: 'same', inputSchema: { type: 'object' } }, call() {} }`
  const { error } = await refusal(t, {
    a: plugin('a', `return { tools: [${tool}] }`),
    b: plugin('b', `return { tools: [${tool}] }`),
  })
  assert.equal(error.problems.length, 1)
  assert.match(error.message, /plugin b: offers `same`, and so does plugin a/)
})

test('two gateways in one process know nothing of each other', async (t) => {
  const one = await steered(t)
  const two = await steered(t, {
    plugins: [{ use: './steer.ts' }, { use: 'denylist', config: { tools: ['echo'] } }],
  })
  const session = await one.wire.session()
  const call = (wire: Wire) => wire.modern('tools/call', { name: 'echo' })
  assert.equal((await call(one.wire)).json.result.content[0].text, '{}')
  assert.equal((await call(two.wire)).json.error.code, -32602)
  assert.equal((await two.wire.legacy('ping', undefined, session)).status, 404)
  await two.gateway.stop()
  assert.equal((await call(one.wire)).json.result.content[0].text, '{}')
})

test('a stop waits for the calls in flight, down to their last byte', async (t) => {
  const { wire, stub, gateway } = await steered(t, { drain: '1m' })
  const session = await wire.session()
  const params = { name: 'hold', arguments: { pad: 'x' } }
  const modern = wire.beginModern('tools/call', params)
  const legacy = wire.beginPost({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session)
  await stub.until(() => stub.calls.length === 2)
  const stopped = gateway.stop()
  assert.equal(gateway.stop(), stopped)
  const ready = await wire.send('GET', {}, undefined, '/ready')
  assert.deepEqual([ready.status, ready.json.draining], [503, true])
  assert.equal(ready.headers.connection, 'close')
  assert.equal((await wire.send('GET', {}, undefined, '/live')).status, 200)
  // Whoever begins to listen now is told at once that it is over.
  const late = await wire.modern('subscriptions/listen', { notifications: {} })
  assert.equal(late.json.result.resultType, 'complete')
  stub.release()
  for (const sending of [modern, legacy]) {
    assert.equal((await sending.answer).json.result.content[0].text, 'held')
  }
  assert.deepEqual(await stopped, { cut: 0 })
  await assert.rejects(wire.legacy('ping', undefined))
})

test('a stop cuts what outlasts the grace, tells those clients, and says how many calls that was', async (t) => {
  const clock = new FakeClock()
  const { wire, stub, gateway } = await steered(t, { drain: '10s' }, { clock })
  const sendings = [1, 2, 3].map(() => wire.beginModern('tools/call', { name: 'hold' }))
  await stub.until(() => stub.calls.length === 3)
  const stopped = gateway.stop()
  clock.advance(10_250)
  assert.deepEqual(await stopped, { cut: 3 })
  for (const { answer } of sendings) {
    const { json } = await answer
    assert.equal(json.result.isError, true)
    assert.equal(json.result._meta['patchbay/error'].code, 'UNAVAILABLE')
    assert.match(json.result.content[0].text, /Check whether it was done before trying again/)
  }
  await stub.until(() => stub.closed === 3)
})
