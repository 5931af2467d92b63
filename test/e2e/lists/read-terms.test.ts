// How long what was read may be kept is its owner's to say; by whom, only where all callers read the same.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const ASKS_EVERYBODY = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'looker', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ afterCall: (_, outcome) => outcome }),
})
`

async function read(t: TestContext, said: object, plugins: readonly object[] = []) {
  const upstream = await stub(t, 'modern')
  upstream.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, resources: {} },
  })
  upstream.acts['resources/list'] = () => ({ resources: [{ uri: 'x://y', name: 'y' }] })
  upstream.acts['resources/templates/list'] = () => ({ resourceTemplates: [] })
  upstream.acts['resources/read'] = () => ({ contents: [{ uri: 'x://y', text: 'x' }], ...said })
  const config = {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }, ...plugins],
  }
  const gateway = await startWith(t, config, { files: { 'looker.ts': ASKS_EVERYBODY } })
  await gateway.ready()
  const params = { uri: 'x://y' }
  const answer = await new Wire(t, gateway.url).modern('resources/read', params, {
    'mcp-name': 'x://y',
  })
  const { ttlMs, cacheScope, contents } = answer.json.result
  assert.deepEqual(contents, [{ uri: 'x://y', text: 'x' }])
  return { ttlMs, cacheScope }
}

test('where all callers read the same, what the server says stands', async (t) => {
  for (const terms of [
    { ttlMs: 7, cacheScope: 'public' },
    { ttlMs: 0, cacheScope: 'private' },
  ]) {
    assert.deepEqual(await read(t, terms), terms)
  }
})

test('what a server does not say, or not in these words, may not be kept', async (t) => {
  const never = { ttlMs: 0, cacheScope: 'private' }
  assert.deepEqual(await read(t, {}), never)
  assert.deepEqual(await read(t, { cacheScope: 'public' }), never)
  assert.deepEqual(await read(t, { ttlMs: -1, cacheScope: 'public' }), never)
  assert.deepEqual(await read(t, { ttlMs: 1.5, cacheScope: 'public' }), never)
  assert.deepEqual(await read(t, { ttlMs: 5 }), { ttlMs: 5, cacheScope: 'private' })
  assert.deepEqual(await read(t, { ttlMs: 5, cacheScope: 7 }), { ttlMs: 5, cacheScope: 'private' })
})

test('where callers may read different things, it is each one’s own', async (t) => {
  const terms = { ttlMs: 7, cacheScope: 'public' }
  const own = { ttlMs: 7, cacheScope: 'private' }
  const denylist = { use: 'denylist', config: { tools: ['none'] } }
  assert.deepEqual(await read(t, terms, [denylist]), own)
  assert.deepEqual(await read(t, terms, [{ use: './looker.ts' }]), own)
})
