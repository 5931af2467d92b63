// What a session said outlives the process that heard it, and ends with the session everywhere.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { startFixture } from '../../conformance/fixture/fixture.ts'
import { type Scope, type Surroundings, startWith } from '../../fixtures/gateway.ts'
import { steered } from './steered.ts'
import { Wire } from './wire.ts'

const HOUR = 3_600_000
const LOGGING = { name: 'up__test_tool_with_logging', arguments: {} }

/** Another principal object at every request, as after a token refresh. */
const REFRESHED = `import { definePlugin } from 'mcp-patchbay/sdk'
let count = 0
export default definePlugin({
  name: 'refreshed', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate: ({ headers }) => ({
      principal: {
        issuer: 'idp', subject: headers['x-user'] ?? 'anna', claims: { token: ++count }, scopes: [],
      },
    }),
  }),
})
`

/** A bus for all gateways of this process: they hear each other at once. */
const BUS = `import { Bus, definePlugin, perLine } from 'mcp-patchbay/sdk'
const listeners = (globalThis.onTheBus ??= new Set())
let count = (globalThis.busReplicas = (globalThis.busReplicas ?? 0) + 1)
export default definePlugin({
  name: 'wire-bus', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  provides: { bus: Bus },
  setup: () => ({
    provide: () => ({
      bus: perLine((line) => ({
        replica: 'replica-' + count,
        publish(topic, message) {
          for (const one of listeners) if (one.topic === line + '/' + topic) one.listener(message)
        },
        subscribe(topic, listener) {
          const one = { topic: line + '/' + topic, listener }
          listeners.add(one)
          return () => listeners.delete(one)
        },
        answer: () => () => {},
        serve: () => () => {},
      })),
    }),
  }),
})
`

/** A folder that outlives the gateways that keep their data there. */
function folder(scope: Scope): string {
  const data = mkdtempSync(join(tmpdir(), 'patchbay-data-'))
  scope.after(() => rmSync(data, { recursive: true, force: true }))
  return data
}

/** How many log messages come before the answer. */
async function logged(wire: Wire, session: Readonly<Record<string, string>>): Promise<number> {
  const { status, messages } = await wire.legacy('tools/call', LOGGING, session)
  assert.equal(status, 200)
  assert.ok(messages.at(-1)?.result)
  return messages.length - 1
}

test('a token refresh and a restart end nothing: not the session, its level, nor its end', async (t) => {
  const fixture = await startFixture(t)
  const data = folder(t)
  const start = async () => {
    const gateway = await startWith(
      t,
      {
        data,
        upstreams: { up: { url: fixture.url } },
        plugins: [{ use: './refreshed.ts' }],
      },
      { files: { 'refreshed.ts': REFRESHED } },
    )
    await gateway.ready()
    return { gateway, wire: new Wire(t, gateway.url) }
  }
  const first = await start()
  const [session, quiet, gone] = [
    await first.wire.session(),
    await first.wire.session(),
    await first.wire.session(),
  ]
  assert.equal(await logged(first.wire, session), 0)
  assert.ok(!existsSync(join(data, 'patchbay.db')), 'opened for nobody')
  await first.wire.legacy('logging/setLevel', { level: 'debug' }, session)
  assert.equal(await logged(first.wire, session), 3)
  assert.equal((await first.wire.send('DELETE', gone)).status, 200)
  await first.gateway.stop()

  const second = await start()
  assert.equal(await logged(second.wire, session), 3)
  assert.equal(await logged(second.wire, quiet), 0)
  assert.equal((await second.wire.legacy('ping', undefined, gone)).status, 404)
  const foreign = await second.wire.legacy('ping', undefined, { ...session, 'x-user': 'bob' })
  assert.equal(foreign.status, 404)
  assert.deepEqual([...first.gateway.log, ...second.gateway.log], [])
})

test('a session ends when it is idle, also over a restart, and its stream counts as use', async (t) => {
  const clock = new FakeClock()
  const data = folder(t)
  const config = { data, listen: { sessions: { idle: '10h', lifetime: '3d' } } }
  const start = (more: Surroundings = {}) => steered(t, config, { clock, ...more })
  const first = await start()
  const [silent, called, listening] = [
    await first.wire.session(),
    await first.wire.session(),
    await first.wire.session(),
  ]
  const ping = async ({ wire }: typeof first, session: typeof called) =>
    (await wire.legacy('ping', undefined, session)).status
  const stream = first.wire.begin('GET', { ...listening, accept: '*/*' }, undefined)
  await stream.seen('retry: ')
  for (let hours = 0; hours < 24; hours += 4) {
    clock.advance(4 * HOUR)
    assert.equal(await ping(first, called), 200)
  }
  assert.equal(await ping(first, silent), 404)
  assert.equal(await ping(first, listening), 200)
  await first.gateway.stop()
  const second = await start()
  assert.equal(await ping(second, called), 200)
  assert.equal(await ping(second, silent), 404)
  assert.equal(await ping(second, listening), 200)
  const again = second.wire.begin('GET', { ...listening, accept: '*/*' }, undefined)
  await again.seen('retry: ')
  for (let hours = 0; hours < 49; hours += 1) clock.advance(HOUR)
  assert.deepEqual((await again.answer).messages, [], 'ended with the session')
  assert.equal(await ping(second, listening), 404)
})

test('what one replica hears of a session all know at once: its level, and its end', async (t) => {
  const fixture = await startFixture(t)
  const replica = async () => {
    const config = {
      keys: ['the one key of all replicas, long enough'],
      upstreams: { up: { url: fixture.url } },
      plugins: [{ use: 'auth-none' }, { use: './bus.ts' }],
    }
    const gateway = await startWith(t, config, { files: { 'bus.ts': BUS } })
    await gateway.ready()
    return new Wire(t, gateway.url)
  }
  const [here, there] = [await replica(), await replica()]
  const session = await here.session()
  assert.equal(await logged(there, session), 0)
  await here.legacy('logging/setLevel', { level: 'info' }, session)
  assert.equal(await logged(there, session), 3)
  const stream = there.begin('GET', { ...session, accept: 'text/event-stream' }, undefined)
  await stream.seen('retry: ')
  assert.equal((await here.send('DELETE', session)).status, 200)
  assert.deepEqual((await stream.answer).messages, [])
  assert.equal((await there.legacy('ping', undefined, session)).status, 404)
})

test('sessions whose data cannot be kept work on, and the log says what failed', async (t) => {
  const { wire, gateway } = await steered(
    t,
    { data: './taken/data', keys: ['a key that is long enough for sealing'] },
    { files: { taken: '' } },
  )
  const session = await wire.session()
  assert.deepEqual(
    (await wire.legacy('logging/setLevel', { level: 'info' }, session)).json.result,
    {},
  )
  assert.equal((await wire.send('DELETE', session)).status, 200)
  assert.equal((await wire.legacy('ping', undefined, session)).status, 404)
  assert.ok(gateway.log.length >= 1)
})
