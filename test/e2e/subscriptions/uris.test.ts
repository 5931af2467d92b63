// Clients subscribe with the URIs that they read, and are told those, whatever a server calls its own.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Era } from '../../fixtures/raw.ts'
import { rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

for (const era of ['legacy', 'modern'] satisfies Era[]) {
  test(`two servers of one URI are told apart, ${era} client`, async (t) => {
    const one = await watched(t, 'legacy', ['a:1'])
    const two = await watched(t, 'modern', ['a:1'])
    const { url } = await rightful(t, { one: { url: one.url }, two: { url: two.url } })
    const anna = await subscribe(t, url, era, ['patchbay+two:a:1', 'a:1'])
    assert.deepEqual(anna.agreed, ['patchbay+two:a:1', 'a:1'])
    two.update('a:1')
    assert.equal(await anna.next(), 'patchbay+two:a:1')
    one.update('a:1')
    assert.equal(await anna.next(), 'a:1')
    anna.leave()
  })

  test(`what lies below is told of to those who may read it, ${era} client`, async (t) => {
    const up = await watched(t, 'legacy', ['a:dir', 'a:dir/one', 'a:dir/secret', 'a:1'])
    const { url } = await rightful(t, { up: { url: up.url } })
    const bob = await subscribe(t, url, era, ['a:dir', 'a:1'], 'bob')
    const anna = await subscribe(t, url, era, ['a:dir'])
    up.update('a:dir/secret')
    assert.equal(await anna.next(), 'a:dir/secret')
    up.update('a:dir/one')
    assert.equal(await bob.next(), 'a:dir/one')
  })
}

test('a stdio server tells too, and after it died is asked again', async (t) => {
  const SERVER = `
import { createInterface } from 'node:readline'
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const acts = {
  'server/discover': () => ({ error: { code: -32601, message: 'no such method' } }),
  initialize: () => ({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {}, resources: { subscribe: true } }, serverInfo: {} } }),
  'tools/list': () => ({ result: { tools: [{ name: 'touch', inputSchema: { type: 'object' } }, { name: 'die', inputSchema: { type: 'object' } }] } }),
  'resources/list': () => ({ result: { resources: [{ uri: 'a:1', name: 'one' }] } }),
  'resources/templates/list': () => ({ result: { resourceTemplates: [] } }),
  'resources/subscribe': ({ uri }) => { subscribed.add(uri); return { result: {} } },
  'resources/unsubscribe': ({ uri }) => { subscribed.delete(uri); return { result: {} } },
  'tools/call': ({ name }) => {
    if (name === 'die') process.exit(1)
    for (const uri of subscribed) send({ method: 'notifications/resources/updated', params: { uri, exact: 12345678901234567890 } })
    return { result: { content: [] } }
  },
}
const subscribed = new Set()
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id !== undefined) send({ id, ...acts[method](params) })
})
`
  const { url } = await rightful(
    t,
    { up: { command: [process.execPath, 'server.mjs'], connectTimeout: '30m' } },
    {},
    { files: { 'server.mjs': SERVER } },
  )
  const anna = await subscribe(t, url, 'modern', ['a:1'])
  const bob = await subscribe(t, url, 'legacy', ['a:1'], 'bob')
  const call = (name: string) =>
    anna.client.ask({ method: 'tools/call', name, params: `"name":"${name}"` })
  await call('up__touch')
  assert.equal(await anna.next(), 'a:1')
  assert.equal(await bob.next(), 'a:1')
  await call('up__die')
  assert.equal(await anna.next(), 'a:1')
  assert.equal(await bob.next(), 'a:1')
  await call('up__touch')
  assert.equal(await anna.next(), 'a:1')
  assert.equal(await bob.next(), 'a:1')
  anna.leave()
  bob.leave()
})
