// Clients that leave, or read nothing, while something is on its way to them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { openSse } from './sse-client.ts'
import { steered } from './steered.ts'
import { initialize } from './wire.ts'

const UNTIL = `import { definePlugin } from 'mcp-patchbay/sdk'
const principal = { issuer: 'until', subject: 'anna', claims: {}, scopes: [] }
export default definePlugin({ name: 'until', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ authenticate: ({ headers }) => ({ principal, until: Number(headers['x-until']) }) }) })`

test('an answer that comes after its stream ended, while its client reads nothing, harms nobody', async (t) => {
  const clock = new FakeClock()
  const { wire, stub } = await steered(
    t,
    { plugins: [{ use: './until.ts' }], listen: { bodyLimit: '12MiB' } },
    { clock, files: { 'until.ts': UNTIL } },
  )
  const client = await openSse(wire, { 'x-until': String(clock.now() + 20_000) })
  await client.begin()
  client.stream.pause()
  const params = { name: 'echo', arguments: { words: 'x'.repeat(10 * 1024 * 1024) } }
  await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  await stub.until(() => stub.calls.length === 1)
  // Its answer fills what the sockets hold.
  await pause(500)
  await client.post({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'hold' } })
  await stub.until(() => stub.calls.length === 2)
  await clock.advance(20_000)
  await pause(100)
  stub.release()
  await pause(300)
  assert.equal((await wire.send('GET', {}, undefined, '/live')).status, 200)
  // It had its time to read.
  await clock.advance(15_000)
  await pause(100)
  const later = { 'x-until': String(clock.now() + 20_000) }
  const { status } = await client.post({ jsonrpc: '2.0', id: 3, method: 'ping' }, later)
  assert.equal(status, 404)
  client.stream.cut()
})

const SLOW = `import { definePlugin } from 'mcp-patchbay/sdk'
const principal = { issuer: 'slow', subject: 'anna', claims: {}, scopes: [] }
export default definePlugin({ name: 'slow', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ authenticate: async ({ headers }) => {
    if (headers['x-slow']) await new Promise((go) => { globalThis.letIn = go })
    return { principal } } }) })`

const host = globalThis as unknown as { letIn: (() => void) | undefined }
const POST = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

for (const path of ['/sse', '/mcp']) {
  test(`a client that leaves while it is found out who it is holds no stream (${path})`, async (t) => {
    const { wire } = await steered(
      t,
      { plugins: [{ use: './slow.ts' }], listen: { streams: 2 } },
      { files: { 'slow.ts': SLOW } },
    )
    const get = async (more = {}) => {
      const hello = await wire.send('POST', POST, JSON.stringify(initialize('2025-11-25')))
      const session = { 'mcp-session-id': hello.headers['mcp-session-id'] }
      const headers = { accept: 'text/event-stream', ...(path === '/mcp' ? session : {}), ...more }
      return wire.begin('GET', headers, undefined, path)
    }
    for (let i = 0; i < 3; i++) {
      const left = await get({ 'x-slow': 'yes' })
      while (host.letIn === undefined) await pause(5)
      left.cut()
      await pause(50)
      host.letIn()
      host.letIn = undefined
    }
    const open = await get()
    const ended = await Promise.race([open.answer.then(({ status }) => status), pause(300)])
    assert.equal(ended, undefined)
    open.cut()
  })
}
