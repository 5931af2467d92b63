// How long a list may be kept, and by whom: no longer than any of its parts, and by nobody who sees another.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { rawClient } from '../../fixtures/raw.ts'
import { type Stub, stream, stub } from '../upstreams/stub.ts'

interface Kept {
  readonly ttlMs: number
  readonly cacheScope: string
}

/** A modern server that says how long its list may be kept, and can say that it has changed. */
async function keeper(t: TestContext, terms: Partial<Kept>) {
  const made = await stub(t, 'modern')
  const said = { terms, announce: () => {} }
  made.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true } },
  })
  made.acts['tools/list'] = () => ({ tools: made.tools, ...said.terms })
  made.acts['subscriptions/listen'] = ({ message }, response) => {
    const send = stream(response)
    const _meta = { 'io.modelcontextprotocol/subscriptionId': message.id }
    const note = (method: string, more = {}) => send({ method, params: { ...more, _meta } })
    note('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged: true } })
    said.announce = () => note('notifications/tools/list_changed')
  }
  return Object.assign(said, { stub: made, url: made.url })
}

interface House {
  readonly gateway: RunningGateway
  readonly clock: FakeClock
  kept(method?: string): Promise<Kept>
}

async function house(
  t: TestContext,
  urls: readonly string[],
  more: object = {},
  files = {},
): Promise<House> {
  const clock = new FakeClock()
  const upstreams = Object.fromEntries(urls.map((url, i) => [`up${i}`, { url, refresh: '0s' }]))
  const config = { upstreams, plugins: [{ use: 'auth-none' }], ...more }
  const gateway = await startWith(t, config, { clock, files })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  return {
    gateway,
    clock,
    async kept(method = 'tools/list') {
      const { messages } = await client.ask({ method })
      const { ttlMs, cacheScope } = JSON.parse(messages[0] ?? '').result
      return { ttlMs, cacheScope }
    },
  }
}

const times = (made: Stub) => made.of('tools/list').length

test('a list is good for as long as the part that is good for least, and that time passes', async (t) => {
  const long = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const short = await keeper(t, { ttlMs: 20_000, cacheScope: 'public' })
  const { kept, clock } = await house(t, [long.url, short.url])
  assert.deepEqual(await kept(), { ttlMs: 20_000, cacheScope: 'public' })
  clock.advance(15_000)
  assert.deepEqual(await kept(), { ttlMs: 5_000, cacheScope: 'public' })
  clock.advance(15_000)
  assert.deepEqual(await kept(), { ttlMs: 0, cacheScope: 'public' })
  // Neither has prompts: nothing there can grow old but by what the config says.
  assert.deepEqual(await kept('prompts/list'), { ttlMs: 0, cacheScope: 'public' })
})

test('one private part makes the whole list private', async (t) => {
  const open = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const own = await keeper(t, { ttlMs: 60_000, cacheScope: 'private' })
  const { kept } = await house(t, [open.url, own.url])
  assert.deepEqual(await kept(), { ttlMs: 60_000, cacheScope: 'private' })
})

test('a server that says nothing of it lets nobody keep its list', async (t) => {
  const silent = await keeper(t, {})
  const { kept } = await house(t, [silent.url], { lists: { ttl: '5m' } })
  assert.deepEqual(await kept(), { ttlMs: 0, cacheScope: 'private' })
})

test('parts of handshake servers are good for what the config says', async (t) => {
  const modern = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const legacy = await stub(t, 'legacy')
  const first = await house(t, [modern.url, legacy.url])
  assert.deepEqual(await first.kept(), { ttlMs: 0, cacheScope: 'public' })
  const second = await house(t, [modern.url, legacy.url], { lists: { ttl: '45s' } })
  assert.deepEqual(await second.kept(), { ttlMs: 45_000, cacheScope: 'public' })
})

const OFFERS = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'offers', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ tools: [{ definition: { name: 'own', inputSchema: { type: 'object' } }, call: () => ({ content: [] }) }] }),
})
`

test('so is what plugins offer', async (t) => {
  const modern = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const plugins = [{ use: 'auth-none' }, { use: './offers.ts' }]
  const files = { 'offers.ts': OFFERS }
  const { kept } = await house(t, [modern.url], { plugins, lists: { ttl: '7s' } }, files)
  assert.deepEqual(await kept(), { ttlMs: 7_000, cacheScope: 'public' })
})

test('a list that depends on who asks is private, whatever its parts say', async (t) => {
  const open = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const plugins = [{ use: 'auth-none' }, { use: 'denylist', config: { tools: ['none'] } }]
  const { kept } = await house(t, [open.url], { plugins })
  assert.deepEqual(await kept(), { ttlMs: 60_000, cacheScope: 'private' })
})

test('all pages of a list say the same of it', async (t) => {
  const own = await keeper(t, { ttlMs: 60_000, cacheScope: 'private' })
  const { gateway } = await house(t, [own.url], { lists: { pageSize: 1 } })
  const client = await rawClient(t, gateway.url, 'modern')
  const seen: Kept[] = []
  for (let params = ''; ; ) {
    const { result } = JSON.parse(
      (await client.ask({ method: 'tools/list', params })).messages[0] ?? '',
    )
    seen.push({ ttlMs: result.ttlMs, cacheScope: result.cacheScope })
    if (result.nextCursor === undefined) break
    params = `"cursor":"${result.nextCursor}"`
  }
  const same = { ttlMs: 60_000, cacheScope: 'private' }
  assert.deepEqual(seen, [same, same])
})

test('a list that is only good for longer now has not changed: nobody is told', async (t) => {
  const upstream = await keeper(t, { ttlMs: 60_000, cacheScope: 'public' })
  const { gateway, kept } = await house(t, [upstream.url])
  const client = await rawClient(t, gateway.url, 'modern')
  const listening = await client.listen()
  const before = times(upstream.stub)
  upstream.terms = { ttlMs: 90_000, cacheScope: 'private' }
  upstream.announce()
  while ((await kept()).ttlMs !== 90_000) await new Promise(setImmediate)
  assert.equal(times(upstream.stub), before + 1)
  assert.deepEqual(await kept(), { ttlMs: 90_000, cacheScope: 'private' })
  // The first thing that is heard is the next real change.
  upstream.stub.tools = []
  upstream.announce()
  const { method } = JSON.parse((await listening.next()) ?? '{}')
  assert.equal(method, 'notifications/tools/list_changed')
  await gateway.stop()
  const { result } = JSON.parse((await listening.next()) ?? '{}')
  assert.equal(result.resultType, 'complete')
})
