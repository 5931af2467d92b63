// MCP Apps: a tool names its user interface by a URI, which means one thing here however many servers use it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const UI = 'io.modelcontextprotocol/ui'
const BIG = '9007199254740993'

/** A server whose tools have user interfaces. @param resources the URIs that it lists */
async function app(
  t: TestContext,
  era: 'legacy' | 'modern',
  tools: Readonly<Record<string, string>>,
  resources: readonly string[],
  extensions: object = {},
): Promise<Stub> {
  const made = await stub(t, era)
  const capabilities = { tools: {}, resources: {}, extensions }
  if (era === 'modern') {
    made.acts['server/discover'] = () => ({ supportedVersions: ['2026-07-28'], capabilities })
  }
  made.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', made.session)
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } }
  }
  made.acts['tools/list'] = ({ message }, response) => {
    const list = Object.entries(tools).map(
      ([name, meta]) => `{"name":"${name}","inputSchema":{"type":"object"},"_meta":${meta}}`,
    )
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"jsonrpc":"2.0","id":${message.id},"result":{"tools":[${list.join(',')}]}}`)
  }
  made.acts['resources/list'] = () => ({ resources: resources.map((uri) => ({ uri, name: uri })) })
  made.acts['resources/templates/list'] = () => ({ resourceTemplates: [] })
  made.acts['resources/read'] = ({ message: { params } }) => ({
    contents: [{ uri: params?.uri, text: 'x' }],
  })
  return made
}

async function house(t: TestContext, ...apps: readonly Stub[]) {
  const upstreams = Object.fromEntries(
    apps.map(({ url }, i) => [`app${i}`, { url, prefix: `${i}` }]),
  )
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  return { gateway, wire: new Wire(t, gateway.url) }
}

const META = `{"ui":{"resourceUri":"ui://board/main","n":${BIG}},"ui/resourceUri":"ui://board/main","e":1e2}`
const readOf = (one: Stub) => one.of('resources/read').map(({ message }) => message.params?.uri)

for (const era of ['legacy', 'modern'] as const) {
  test(`${era} servers: two interfaces of one URI are two, and each tool has its own`, async (t) => {
    const one = await app(t, era, { open: META }, ['ui://board/main'])
    const two = await app(t, era, { open: META }, ['ui://board/main'])
    const { wire } = await house(t, one, two)
    const { text, json } = await wire.modern('tools/list')
    const moved = 'ui://patchbay+app1/board/main'
    assert.ok(text.includes(`"_meta":${META}`), 'the first keeps its own, and its bytes')
    assert.ok(text.includes(`{"resourceUri":"${moved}","n":${BIG}}`), text)
    const [first, second] = json.result.tools
    assert.equal(first._meta['ui/resourceUri'], 'ui://board/main')
    assert.equal(second._meta['ui/resourceUri'], moved)
    assert.ok(text.includes(`"ui/resourceUri":"${moved}","e":1e2`), text)

    const { json: listed } = await wire.modern('resources/list')
    const uris = listed.result.resources.map(({ uri }: { uri: string }) => uri)
    assert.deepEqual(uris, ['ui://board/main', moved])
    for (const uri of uris) {
      const { json: read } = await wire.modern('resources/read', { uri }, { 'mcp-name': uri })
      assert.equal(read.result.contents[0].uri, uri)
    }
    assert.deepEqual(readOf(one), ['ui://board/main'])
    assert.deepEqual(readOf(two), ['ui://board/main'])
  })
}

test('an interface that no list has can be read where its tool says', async (t) => {
  const one = await app(t, 'modern', { open: '{"ui":{"resourceUri":"ui://hidden"}}' }, ['a://b'])
  const { wire } = await house(t, one)
  const { json } = await wire.modern('tools/list')
  const uri = json.result.tools[0]._meta.ui.resourceUri
  assert.match(uri, /^ui:\/\//)
  const { json: read } = await wire.modern('resources/read', { uri }, { 'mcp-name': uri })
  assert.equal(read.result.contents[0].uri, uri)
  assert.deepEqual(readOf(one), ['ui://hidden'])
})

test('no server names an interface as another server’s', async (t) => {
  const evil = '{"ui":{"resourceUri":"ui://patchbay+app0/board/main"}}'
  const one = await app(t, 'modern', {}, ['ui://board/main'])
  const two = await app(t, 'modern', { open: evil }, ['ui://patchbay+app0/board/main'])
  const { wire } = await house(t, one, two)
  const { json } = await wire.modern('tools/list')
  const uri = json.result.tools[0]._meta.ui.resourceUri
  assert.equal(uri, 'ui://patchbay+app1/patchbay+app0/board/main')
  await wire.modern('resources/read', { uri }, { 'mcp-name': uri })
  assert.deepEqual(readOf(one), [])
  assert.deepEqual(readOf(two), ['ui://patchbay+app0/board/main'])
})

test('what is no URI is left as it is', async (t) => {
  const odd = {
    a: '{"ui":7,"ui/resourceUri":null}',
    b: '{"ui":{"resourceUri":["ui://x"]}}',
    c: '{"ui":{}}',
    d: '7',
  }
  const one = await app(t, 'modern', odd, ['a://b'])
  const { wire } = await house(t, one)
  const { text } = await wire.modern('tools/list')
  for (const meta of Object.values(odd)) assert.ok(text.includes(`"_meta":${meta}`), meta)
})

test('clients are told of the extension as connected servers declare it, and of no extension with methods', async (t) => {
  const settings = { mimeTypes: ['text/html;profile=mcp-app'], x: 1 }
  const tasks = { 'io.modelcontextprotocol/tasks': {}, 'com.example/own': {} }
  const one = await app(t, 'modern', {}, [], { [UI]: settings, ...tasks })
  const two = await app(t, 'legacy', {}, [], { [UI]: { mimeTypes: ['text/uri-list'], x: 2 } })
  const three = await app(t, 'modern', {}, [], tasks)
  const { wire } = await house(t, one, two, three)
  const expected = {
    [UI]: { mimeTypes: ['text/html;profile=mcp-app', 'text/uri-list'], x: 1 },
  }
  const { json } = await wire.modern('server/discover')
  assert.deepEqual(json.result.capabilities.extensions, expected)
  const clientInfo = { name: 'c', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const { json: shaken } = await wire.legacy('initialize', params)
  assert.deepEqual(shaken.result.capabilities.extensions, expected)
})

test('without such servers no extension is spoken of', async (t) => {
  const one = await app(t, 'modern', {}, [], { 'io.modelcontextprotocol/tasks': {} })
  const { wire } = await house(t, one)
  const { json } = await wire.modern('server/discover')
  assert.equal('extensions' in json.result.capabilities, false)
})
