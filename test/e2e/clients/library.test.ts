// Prompts, resources and completions of real servers of each era, through the gateway, by clients of each era.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { kindCounts } from '../../../core/boot/kinds.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { library } from '../../fixtures/library.ts'
import { type Era, rawClient } from '../../fixtures/raw.ts'

const ERAS = ['legacy', 'modern'] satisfies Era[]

async function connect(scope: Scope, url: string, era: Era) {
  if (era === 'legacy') {
    const client = new FormerClient({ name: 'test', version: '1' })
    scope.after(() => client.close())
    // The former SDK's own transport does not keep to exactOptionalPropertyTypes.
    await client.connect(new FormerTransport(new URL(url)) as never)
    return client
  }
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  scope.after(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

async function gatewayTo(
  scope: Scope,
  urls: Readonly<Record<string, string>>,
  more: object[] = [],
) {
  const upstreams = Object.fromEntries(Object.entries(urls).map(([id, url]) => [id, { url }]))
  const gateway = await startWith(scope, { upstreams, plugins: [{ use: 'auth-none' }, ...more] })
  await gateway.ready()
  return gateway
}

for (const server of ERAS) {
  for (const era of ERAS) {
    test(`${server} server, ${era} client: prompts, resources, templates and completions`, async (t) => {
      const books = await library(t, server, 'books')
      const gateway = await gatewayTo(t, { up: books.url })
      const client = await connect(t, gateway.url, era)
      const { prompts } = await client.listPrompts()
      assert.deepEqual(
        prompts.map(({ name, description }) => [name, description]),
        [['up__praise', 'Praises a book.']],
      )
      const got = await client.getPrompt({ name: 'up__praise', arguments: { title: 'Emma' } })
      assert.match(JSON.stringify(got.messages), /books: praise Emma/)
      const { resources } = await client.listResources()
      assert.deepEqual(
        resources.map(({ uri, title }) => [uri, title]),
        [['books://shelf', 'The shelf']],
      )
      const { resourceTemplates } = await client.listResourceTemplates()
      assert.deepEqual(
        resourceTemplates.map(({ uriTemplate }) => uriTemplate),
        ['books://by-title/{title}'],
      )
      for (const uri of ['books://shelf', 'books://by-title/emma']) {
        const { contents } = await client.readResource({ uri })
        assert.deepEqual(contents, [{ uri, mimeType: 'text/plain', text: `books: ${uri}` }])
      }
      for (const ref of [
        { type: 'ref/prompt', name: 'up__praise' },
        { type: 'ref/resource', uri: 'books://by-title/{title}' },
      ] as const) {
        const { completion } = await client.complete({
          ref,
          argument: { name: 'title', value: 'em' },
        })
        assert.deepEqual(completion.values, ['emma', 'emil'])
      }
    })
  }
}

test('where two servers mean different things by one URI, each is read by one of its own', async (t) => {
  const [one, two] = await Promise.all([library(t, 'legacy', 'one'), library(t, 'modern', 'two')])
  const gateway = await gatewayTo(t, { one: one.url, two: two.url })
  for (const era of ERAS) {
    const client = await connect(t, gateway.url, era)
    const { resources } = await client.listResources()
    const uris = resources.map(({ uri }) => uri)
    assert.deepEqual(uris, ['books://shelf', 'patchbay+two:books://shelf'])
    for (const [uri, says] of [
      [uris[0], 'one: books://shelf'],
      [uris[1], 'two: books://shelf'],
      ['books://by-title/emma', 'one: books://by-title/emma'],
      ['patchbay+two:books://by-title/emma', 'two: books://by-title/emma'],
    ] as const) {
      const { contents } = await client.readResource({ uri: uri ?? '' })
      const [first] = contents as [{ uri: string; text: string }]
      assert.deepEqual([first.uri, first.text], [uri, says])
    }
    const lent = await client.callTool({ name: 'two__lend', arguments: {} })
    const content = lent.content as { uri?: string; text?: string; resource?: { uri: string } }[]
    assert.deepEqual(
      content.map(({ uri, text, resource }) => uri ?? text ?? resource?.uri),
      [
        'patchbay+two:books://shelf',
        'patchbay+two:books://by-title/emma',
        'patchbay+two:cellar://box/7',
        'patchbay+two:books://shelf',
        // What is only text is nobody's URI.
        'books://shelf',
      ],
    )
    const { messages } = await client.getPrompt({ name: 'two__praise', arguments: { title: 'x' } })
    assert.match(JSON.stringify(messages), /"uri":"patchbay\+two:books:\/\/shelf"/)
  }
})

test('a URI that a result names and no list does leads to the server that named it', async (t) => {
  const books = await library(t, 'modern', 'books')
  const gateway = await gatewayTo(t, { up: books.url })
  const client = await rawClient(t, gateway.url, 'modern')
  const read = async (uri: string) => {
    const params = `"uri":${JSON.stringify(uri)}`
    const { messages } = await client.ask({ method: 'resources/read', params, name: uri })
    return JSON.parse(messages[0] ?? '')
  }
  // The server itself knows no such box, and says so of its own URI under the client's name for it.
  const { error } = await read('patchbay+up:cellar://box/7')
  assert.equal(error.code, -32602)
  assert.equal(error.data?.uri ?? 'patchbay+up:cellar://box/7', 'patchbay+up:cellar://box/7')
  // Nobody has been told of this one, and no upstream is asked for it.
  assert.equal((await read('cellar://box/7')).error.data.code, 'NOT_FOUND')
  assert.equal((await read('patchbay+other:cellar://box/7')).error.data.code, 'NOT_FOUND')
  const { messages } = await client.ask({ method: 'resources/templates/list' })
  assert.doesNotMatch(messages[0] ?? '', /patchbay\+/)
  assert.equal(kindCounts(gateway.catalog?.entries ?? []).templates, 1)
})

const CLOSED = `
import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'closed',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    listFilter: () => ({
      key: '',
      test: ({ kind, name }) => kind === 'tool' || name === 'books://by-title/{title}' || { rule: 'closed', reason: 'closed' },
    }),
  }),
})
`

test('what may not be read cannot be read, by whatever it is called', async (t) => {
  const books = await library(t, 'modern', 'books')
  const gateway = await startWith(
    t,
    {
      upstreams: { up: { url: books.url } },
      plugins: [{ use: 'auth-none' }, { use: './closed.ts' }],
    },
    { files: { 'closed.ts': CLOSED } },
  )
  await gateway.ready()
  for (const era of ERAS) {
    const client = await connect(t, gateway.url, era)
    assert.deepEqual((await client.listResources()).resources, [])
    assert.deepEqual((await client.listPrompts()).prompts, [])
    await client.readResource({ uri: 'books://by-title/emma' })
    for (const uri of [
      'books://shelf',
      'patchbay+up:books://shelf',
      'patchbay+up:patchbay+up:books://shelf',
      'patchbay+up:cellar://box',
    ]) {
      await assert.rejects(client.readResource({ uri }), {
        code: era === 'modern' ? -32602 : -32002,
      })
    }
    await assert.rejects(client.getPrompt({ name: 'up__praise', arguments: { title: 'x' } }))
    const ref = { type: 'ref/prompt', name: 'up__praise' } as const
    await assert.rejects(client.complete({ ref, argument: { name: 'title', value: 'e' } }))
  }
  assert.deepEqual([...new Set(books.read)], ['books://by-title/emma'])
})

test('what servers say of their use is passed on, to those who may use them', async (t) => {
  const [one, two] = await Promise.all([library(t, 'legacy', 'one'), library(t, 'modern', 'two')])
  const urls = { one: one.url, two: two.url }
  const all = await gatewayTo(t, urls)
  const some = await gatewayTo(t, urls, [{ use: 'denylist', config: { tools: ['two__*'] } }])
  for (const era of ERAS) {
    const client = await connect(t, all.url, era)
    assert.equal(client.getInstructions(), '# one\n\nAsk one.\n\n# two\n\nAsk two.')
    // A prompt of it is still there; so is what it says.
    const other = await connect(t, some.url, era)
    assert.equal(other.getInstructions(), '# one\n\nAsk one.\n\n# two\n\nAsk two.')
  }
  const closed = await startWith(
    t,
    {
      upstreams: { one: { url: one.url }, two: { url: two.url } },
      plugins: [{ use: 'auth-none' }, { use: './only-one.ts' }],
    },
    {
      files: {
        'only-one.ts': CLOSED.replace(
          /test: .*/,
          "test: (_, { upstream }) => upstream === 'one' || { rule: 'r', reason: 'r' },",
        ),
      },
    },
  )
  await closed.ready()
  for (const era of ERAS) {
    assert.equal((await connect(t, closed.url, era)).getInstructions(), '# one\n\nAsk one.')
  }
})
