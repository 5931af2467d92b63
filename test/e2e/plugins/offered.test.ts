// Prompts and resources of plugins' own, through both eras and both SDK lines.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { type Era, rawClient } from '../../fixtures/raw.ts'

const OFFERS = `
import { Catalog, definePlugin, deny } from 'mcp-patchbay/sdk'
let open = true
export default definePlugin({
  name: 'offers',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { catalog: Catalog },
  setup: (_config, { catalog }) => ({
    listFilter: () => ({ key: String(open), test: (entry) => open || entry.kind === 'tool' || { rule: 'shut', reason: 'shut' } }),
    tools: [{
      definition: { name: 'shut', inputSchema: { type: 'object' } },
      call() { open = false; catalog.invalidate(); return { content: [] } },
    }],
    prompts: [{
      definition: { name: 'greet', description: 'Greets.', arguments: [{ name: 'who', required: true }] },
      call({ args: { who } }) {
        if (who === undefined) return deny('INVALID', 'who is to be greeted?')
        return { messages: [{ role: 'user', content: { type: 'text', text: 'Greet ' + who } }] }
      },
    }],
    resources: [
      { definition: { uri: 'notes:all', name: 'All notes' }, call: ({ args: { uri } }) => ({ contents: [{ uri, text: 'all' }] }) },
      { definition: { uriTemplate: 'notes:{id}/text', name: 'A note' }, call: ({ args: { uri } }) => ({ contents: [{ uri, text: 'one' }] }) },
    ],
  }),
})
`

const setting = { upstreams: {}, plugins: [{ use: 'auth-none' }, { use: './offers.ts' }] }
const offering = (scope: Scope) => startWith(scope, setting, { files: { 'offers.ts': OFFERS } })

const CLIENTS = {
  'client of 2026-07-28': async (url: string) => {
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    )
    await client.connect(new StreamableHTTPClientTransport(new URL(url)))
    return client
  },
  'client of 2025-11-25': async (url: string) => {
    const client = new FormerClient({ name: 'test', version: '1' })
    // The former SDK's own transport does not keep to exactOptionalPropertyTypes.
    await client.connect(new FormerTransport(new URL(url)) as never)
    return client
  },
}

for (const [title, connect] of Object.entries(CLIENTS)) {
  test(`${title}: prompts and resources are announced, listed, got and read`, async (t) => {
    const gateway = await offering(t)
    const client = await connect(gateway.url)
    t.after(() => client.close())
    const capabilities = client.getServerCapabilities()
    for (const kind of ['tools', 'prompts', 'resources'] as const) {
      assert.deepEqual(capabilities?.[kind], { listChanged: true })
    }
    const { prompts } = await client.listPrompts()
    assert.deepEqual(prompts, [
      { name: 'greet', description: 'Greets.', arguments: [{ name: 'who', required: true }] },
    ])
    const { messages } = await client.getPrompt({ name: 'greet', arguments: { who: 'Anna' } })
    assert.deepEqual(messages, [{ role: 'user', content: { type: 'text', text: 'Greet Anna' } }])
    const { resources } = await client.listResources()
    assert.deepEqual(resources, [{ uri: 'notes:all', name: 'All notes' }])
    const { resourceTemplates } = await client.listResourceTemplates()
    assert.deepEqual(resourceTemplates, [{ uriTemplate: 'notes:{id}/text', name: 'A note' }])
    for (const [uri, text] of [
      ['notes:all', 'all'],
      ['notes:7/text', 'one'],
    ] as const) {
      assert.deepEqual((await client.readResource({ uri })).contents, [{ uri, text }])
    }
  })
}

const ask = (uri: string) => ({ method: 'resources/read', params: `"uri":"${uri}"`, name: uri })
const get = (name: string) => ({ method: 'prompts/get', params: `"name":"${name}"`, name })

test('what does not exist and what may not be used read the same, in each era’s own code', async (t) => {
  const gateway = await offering(t)
  for (const [era, code] of [
    ['modern', -32602],
    ['legacy', -32002],
  ] satisfies [Era, number][]) {
    const client = await rawClient(t, gateway.url, era)
    const error = async (request: Parameters<typeof client.ask>[0]) => {
      const { status, messages } = await client.ask(request)
      assert.equal(status, 200)
      return JSON.parse(messages[0] ?? '').error
    }
    const unknown = await error(ask('notes:none'))
    assert.deepEqual([unknown.code, unknown.data.uri], [code, 'notes:none'])
    assert.match(unknown.message, /^Resource not found: notes:none. List the resources again/)
    assert.equal((await error(get('nobody'))).code, -32602)
    const invalid = await error(get('greet'))
    assert.deepEqual([invalid.code, invalid.data.code], [-32602, 'INVALID'])
  }
})

test('2026-07-28 is told how long a read may be kept, and its headers must mirror the aim', async (t) => {
  const gateway = await offering(t)
  const client = await rawClient(t, gateway.url, 'modern')
  const { messages } = await client.ask(ask('notes:all'))
  const { result } = JSON.parse(messages[0] ?? '')
  assert.deepEqual([result.ttlMs, result.cacheScope, result.resultType], [0, 'private', 'complete'])
  const wrong = await client.ask({ ...ask('notes:all'), name: 'notes:other' })
  assert.equal(wrong.status, 400)
  assert.equal(JSON.parse(wrong.messages[0] ?? '').error.code, -32020)
})

test('a client that listens is told of each list that changed, and of no other', async (t) => {
  const gateway = await offering(t)
  const client = await rawClient(t, gateway.url, 'legacy')
  const stream = await client.listen()
  await client.ask({ method: 'tools/call', params: '"name":"shut","arguments":{}', name: 'shut' })
  const told = [await stream.next(), await stream.next()]
  const methods = told.map((text) => JSON.parse(text ?? '').method)
  assert.deepEqual(methods, [
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
  ])
  await gateway.stop()
  assert.equal(await stream.next(), undefined)
})

test('where no plugin offers any, the gateway knows neither prompts nor resources', async (t) => {
  const gateway = await startWith(t, { upstreams: {}, plugins: [{ use: 'auth-none' }] })
  for (const era of ['modern', 'legacy'] satisfies Era[]) {
    const client = await rawClient(t, gateway.url, era)
    for (const request of [{ method: 'prompts/list' }, ask('notes:all'), get('greet')]) {
      const { messages } = await client.ask(request)
      assert.equal(JSON.parse(messages[0] ?? '').error.code, -32601)
    }
  }
})
