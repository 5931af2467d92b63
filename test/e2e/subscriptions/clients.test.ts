// The SDK's own clients subscribe, plugins see each update, and limits say what to do.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import type { Era } from '../../fixtures/raw.ts'
import { rawClient } from '../../fixtures/raw.ts'
import { until } from '../upstreams/gateway.ts'
import { request, rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

const NAME = { name: 'subscriber', version: '1.0.0' }

for (const server of ['legacy', 'modern'] satisfies Era[]) {
  test(`the former SDK's client subscribes and unsubscribes, ${server} server`, async (t) => {
    const up = await watched(t, server, ['a:1'])
    const { url } = await rightful(t, { up: { url: up.url } })
    const client = new FormerClient(NAME)
    const told = Promise.withResolvers<string>()
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
      told.resolve(params.uri),
    )
    t.after(() => client.close())
    const wire = new FormerTransport(new URL(url))
    await client.connect(wire as Parameters<FormerClient['connect']>[0])
    assert.equal(client.getServerCapabilities()?.resources?.subscribe, true)
    await client.subscribeResource({ uri: 'a:1' })
    up.update('a:1')
    assert.equal(await told.promise, 'a:1')
    await client.unsubscribeResource({ uri: 'a:1' })
    await until(() => up.subscribed().length === 0)
  })

  test(`the current SDK's client listens, ${server} server`, async (t) => {
    const up = await watched(t, server, ['a:1', 'a:secret'])
    const { url } = await rightful(t, { up: { url: up.url } })
    const client = new Client(NAME, { versionNegotiation: { mode: 'auto' } })
    const told = Promise.withResolvers<string>()
    client.setNotificationHandler('notifications/resources/updated', ({ params }) =>
      told.resolve(params.uri),
    )
    t.after(() => client.close())
    const headers = { 'x-user': 'bob' }
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
    )
    const listening = await client.listen({ resourceSubscriptions: ['a:1', 'a:secret'] })
    assert.deepEqual(listening.honoredFilter.resourceSubscriptions, ['a:1'])
    up.update('a:1')
    assert.equal(await told.promise, 'a:1')
    await listening.close()
    await until(() => up.subscribed().length === 0)
  })
}

test('a plugin sees each update with its caller, changes it, and drops it', async (t) => {
  const up = await watched(t, 'modern', ['a:1', 'a:2', 'a:3'])
  const eye = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'eye', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    async onMessage({ caller, call }, message) {
      const { uri } = message.params
      if (uri === 'a:1') return null
      if (uri === 'a:3') throw new Error('boom')
      const seen = caller.principal.subject + (call === undefined ? '' : ' in a call')
      return { ...message, params: { ...message.params, _meta: { seen } } }
    },
  }),
})
`
  const plugins = [{ use: './eye.ts' }]
  const { url } = await rightful(
    t,
    { up: { url: up.url } },
    { plugins },
    { files: { 'eye.ts': eye } },
  )
  for (const era of ['legacy', 'modern'] satisfies Era[]) {
    const anna = await subscribe(t, url, era, ['a:1', 'a:2', 'a:3'])
    for (const uri of ['a:1', 'a:3', 'a:2']) up.update(uri)
    const { params } = await anna.message()
    assert.equal(params.uri, 'a:2')
    assert.equal((params._meta as { seen: string }).seen, 'anna')
    anna.leave()
  }
})

test('a principal may hold so many subscriptions, and one more when one of them ends', async (t) => {
  const up = await watched(t, 'legacy', ['a:1', 'a:2', 'a:3'])
  const { url } = await rightful(t, { up: { url: up.url } }, { listen: { subscriptions: 2 } })
  const anna = await subscribe(t, url, 'legacy', ['a:1', 'a:2'])
  const refused = await request(anna.client, 'resources/subscribe', 'a:3')
  assert.equal(refused.error?.data.code, 'RATE_LIMITED')
  assert.match(refused.error.message, /2 subscriptions.*Unsubscribe/)
  const modern = await rawClient(t, url, 'modern', { 'x-user': 'anna' })
  const params = '"notifications":{"resourceSubscriptions":["a:3"]}'
  const { messages } = await modern.ask({ method: 'subscriptions/listen', params })
  assert.equal(JSON.parse(messages[0] ?? '').error.data.code, 'RATE_LIMITED')
  const bob = await subscribe(t, url, 'modern', ['a:3'], 'bob')
  assert.deepEqual(bob.agreed, ['a:3'])
  await request(anna.client, 'resources/unsubscribe', 'a:1')
  assert.deepEqual((await request(anna.client, 'resources/subscribe', 'a:3')).result, {})
  const end = await fetch(url, {
    method: 'DELETE',
    headers: { 'mcp-session-id': anna.client.session ?? '', 'x-user': 'anna' },
  })
  assert.equal(end.status, 200)
  await until(() => up.subscribed().join() === 'a:3')
  bob.leave()
  await until(() => up.subscribed().length === 0)
})

test('what cannot be had says why: the server tells nobody, or refuses', async (t) => {
  const up = await watched(t, 'legacy', ['a:1', 'a:refused'])
  const { url, log } = await rightful(t, { up: { url: up.url } })
  const anna = await rawClient(t, url, 'legacy')
  const refused = await request(anna, 'resources/subscribe', 'a:refused')
  assert.equal(refused.error?.code, -32050)
  assert.match(refused.error.message, /not this one/)
  assert.match(log[0]?.msg ?? '', /up does not tell of a:refused/)
  const none = await request(anna, 'resources/subscribe', '')
  assert.equal(none.error?.code, -32002)
  const { messages } = await anna.ask({ method: 'resources/subscribe', params: '"uri":1' })
  assert.equal(JSON.parse(messages[0] ?? '').error.code, -32602)
  const modern = await rawClient(t, url, 'modern')
  const params = '"notifications":{"resourceSubscriptions":[1]}'
  const wrong = await modern.ask({ method: 'subscriptions/listen', params })
  assert.equal(JSON.parse(wrong.messages[0] ?? '').error.code, -32602)
})

test('a session without a stream is told on its next one, once per resource', async (t) => {
  const clock = new FakeClock()
  const up = await watched(t, 'modern', ['a:1', 'a:2'])
  const { url } = await rightful(t, { up: { url: up.url, refresh: '0s' } }, {}, { clock })
  const client = await rawClient(t, url, 'legacy')
  for (const uri of ['a:1', 'a:2']) await request(client, 'resources/subscribe', uri)
  for (let i = 0; i < 5; i++) up.update('a:1')
  // The server's word has arrived when that of the other has.
  const other = await subscribe(t, url, 'modern', ['a:1', 'a:2'])
  up.update('a:2')
  assert.equal(await other.next(), 'a:2')
  const first = await client.listen()
  const uri = async (stream: typeof first) => JSON.parse((await stream.next()) ?? '').params.uri
  assert.equal(await uri(first), 'a:1')
  assert.equal(await uri(first), 'a:2')
  first.leave()
  other.leave()
  // Nobody reads for long: the server is let go, and what happens meanwhile is told of in advance.
  await until(() => {
    clock.advance(60_000)
    return up.subscribed().length === 0
  })
  const second = await client.listen()
  assert.deepEqual([await uri(second), await uri(second)].sort(), ['a:1', 'a:2'])
  await until(() => up.subscribed().length >= 2)
})
