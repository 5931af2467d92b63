// On a pipe, servers of both eras tell of resources; one that died is asked again.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Era, rawClient } from '../../fixtures/raw.ts'
import { request, rightful, subscribe } from './subscriber.ts'

const CAPABILITIES = '{ tools: {}, resources: { subscribe: true }, logging: {} }'

/** What a server of that era does its own way; `told` says how it tells. */
const ACTS: Readonly<Record<Era, string>> = {
  legacy: `
  'server/discover': () => ({ error: { code: -32601, message: 'no such method' } }),
  initialize: () => ({ result: { protocolVersion: '2025-11-25', capabilities: ${CAPABILITIES}, serverInfo: {} } }),
  'resources/subscribe': ({ uri }) => { subscribed.set(uri, {}); return { result: {} } },
  'resources/unsubscribe': ({ uri }) => { subscribed.delete(uri); return { result: {} } },`,
  modern: `
  'server/discover': () => ({ result: { supportedVersions: ['2026-07-28'], capabilities: ${CAPABILITIES} } }),
  'subscriptions/listen': ({ notifications }, id) => {
    const _meta = { 'io.modelcontextprotocol/subscriptionId': id }
    streams.set(id, notifications.resourceSubscriptions)
    for (const uri of notifications.resourceSubscriptions) subscribed.set(uri, _meta)
    send({ method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta } })
  },
  'notifications/cancelled': ({ requestId }) => {
    streams.delete(requestId)
    for (const uri of subscribed.keys()) if (![...streams.values()].flat().includes(uri)) subscribed.delete(uri)
  },`,
}

const server = (era: Era) => `
import { createInterface } from 'node:readline'
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const tool = (name) => ({ name, inputSchema: { type: 'object' } })
const subscribed = new Map()
const streams = new Map()
const acts = {${ACTS[era]}
  'tools/list': () => ({ result: { tools: ['touch', 'count', 'die'].map(tool) } }),
  'resources/list': () => ({ result: { resources: [{ uri: 'a:1', name: '1' }, { uri: 'a:2', name: '2' }] } }),
  'resources/templates/list': () => ({ result: { resourceTemplates: [] } }),
  'tools/call': ({ name }) => {
    if (name === 'die') process.exit(1)
    if (name === 'touch') for (const [uri, _meta] of subscribed) send({ method: 'notifications/resources/updated', params: { uri, colour: 'red', _meta } })
    return { result: { content: [{ type: 'text', text: [...subscribed.keys()].join() }] } }
  },
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  const answer = acts[method]?.(params, id)
  if (id !== undefined && answer !== undefined) send({ id, ...answer })
})
`

for (const era of ['legacy', 'modern'] satisfies Era[]) {
  test(`a ${era} server on a pipe tells, is told what is not wanted, and is asked again after it died`, async (t) => {
    const { url } = await rightful(
      t,
      { up: { command: [process.execPath, 'server.mjs'], connectTimeout: '30m' } },
      {},
      { files: { 'server.mjs': server(era) } },
    )
    const caller = await rawClient(t, url, 'legacy')
    const call = async (name: string) => {
      const { messages } = await caller.ask({
        method: 'tools/call',
        params: `"name":"up__${name}"`,
      })
      return JSON.parse(messages[0] ?? '').result.content[0].text as string
    }
    const anna = await subscribe(t, url, 'modern', ['a:1'])
    const bob = await subscribe(t, url, 'legacy', ['a:2', 'a:1'], 'bob')
    assert.deepEqual((await call('touch')).split(',').sort(), ['a:1', 'a:2'])
    const { params } = await anna.message()
    assert.equal(params.uri, 'a:1')
    assert.equal(params.colour, 'red')
    assert.deepEqual([await bob.next(), await bob.next()].sort(), ['a:1', 'a:2'])
    await request(bob.client, 'resources/unsubscribe', 'a:2')
    // A modern server learns it with the stream that takes the place of the one before.
    for (let left = 'a:2'; left.includes('a:2'); left = await call('count'));
    await call('die').catch(() => {})
    assert.equal(await anna.next(), 'a:1')
    assert.equal(await bob.next(), 'a:1')
    assert.equal(await call('touch'), 'a:1')
    assert.equal(await anna.next(), 'a:1')
    assert.equal(await bob.next(), 'a:1')
  })
}
