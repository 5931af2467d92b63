import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { CLIENTS, wordsOf } from '../../fixtures/clients.ts'
import { adapt, serve } from '../../fixtures/upstreams.ts'
import { type Answer, drive, trouble } from './gateway.ts'
import { refuse, stub } from './stub.ts'

const INPUT = {
  type: 'object' as const,
  properties: {
    region: { type: 'string' as const, 'x-mcp-header': 'Region' },
    count: { type: 'integer' as const, 'x-mcp-header': 'Count' },
  },
}

/** A server of the official SDK, which refuses calls whose headers do not mirror their arguments. */
async function checking(t: TestContext): Promise<string> {
  const open = () => {
    const server = new McpServer({ name: 'checking', version: '1.0.0' })
    server.registerTool('place', { inputSchema: fromJsonSchema(INPUT) }, (args) => ({
      content: [{ type: 'text', text: JSON.stringify(args) }],
    }))
    return server
  }
  const handler = createMcpHandler(open, { legacy: 'reject' })
  t.after(() => handler.close())
  return serve(t, (request, response) => adapt(handler.fetch, request, response))
}

const RESHAPE = `import { change, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'reshape', version: '1.0.0', phase: 'shape',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ beforeCall: ({ args }) => change({ args: { ...args, region: 'Zürich' } }) }),
})
`

const HIDE = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'hide', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    listFilter: () => ({ key: 'k', test: () => ({ rule: 'hidden', reason: 'not for you' }) }),
  }),
})
`

const words = ({ result }: Answer): string => result?.content[0]?.text ?? ''

for (const [name, { connect }] of Object.entries(CLIENTS)) {
  test(`arguments reach a checking server with the headers that mirror them: ${name}`, async (t) => {
    const gateway = await drive(t, { up: { url: await checking(t), prefix: '' } })
    await gateway.ready()
    const client = await connect(t, gateway.url)
    await client.list()
    for (const args of [{ region: 'eu', count: 7 }, { region: ' Köln\n' }, { count: -1 }, {}]) {
      assert.deepEqual(JSON.parse(wordsOf(await client.call('place', args))), args)
    }
  })
}

test('a modern client whose headers do not mirror its arguments is refused', async (t) => {
  const gateway = await drive(t, { up: { url: await checking(t), prefix: '' } })
  await gateway.ready()
  const args = { region: 'eu' }
  const wrong: Record<string, string>[] = [
    {},
    { 'mcp-param-region': 'us' },
    { 'mcp-param-region': '=?base64?ZXU?=' },
    { 'mcp-param-region': 'eu', 'mcp-param-count': '7' },
  ]
  for (const headers of wrong) {
    const { error } = await gateway.call('place', { args, headers })
    assert.equal(error?.code, -32020)
    assert.match(error?.message ?? '', /mcp-param-(region|count)/)
  }
  const right = { 'mcp-param-region': '=?base64?ZXU=?=' }
  assert.equal(words(await gateway.call('place', { args, headers: right })), '{"region":"eu"}')
})

test('headers say nothing of a tool that the caller may not use', async (t) => {
  const plugins = [{ use: './hide.ts' }]
  const upstreams = { up: { url: await checking(t), prefix: '' } }
  const gateway = await drive(t, upstreams, { plugins, files: { 'hide.ts': HIDE } })
  await gateway.ready()
  const { error, result } = await gateway.call('place', { args: { region: 'eu' } })
  assert.notEqual(error?.code, -32020)
  assert.doesNotMatch(JSON.stringify(error ?? result), /param/i)
})

test('the upstream gets headers for the arguments as shapers left them', async (t) => {
  const plugins = [{ use: './reshape.ts' }]
  const upstreams = { up: { url: await checking(t), prefix: '' } }
  const gateway = await drive(t, upstreams, { plugins, files: { 'reshape.ts': RESHAPE } })
  await gateway.ready()
  const headers = { 'mcp-param-region': 'eu' }
  const answer = await gateway.call('place', { args: { region: 'eu' }, headers })
  assert.equal(words(answer), '{"region":"Zürich"}')
})

test('only headers of nobody’s annotation pass as they came', async (t) => {
  const server = await stub(t, 'modern')
  server.tools = [{ name: 'place', inputSchema: INPUT }]
  const fixed = { 'Mcp-Param-Count': '9' }
  const gateway = await drive(t, { up: { url: server.url, prefix: '', headers: fixed } })
  await gateway.ready()
  const headers = { 'mcp-param-region': '=?base64?ZXU=?=', 'mcp-param-else': '=?base64?eA==?=' }
  await gateway.call('place', { args: { region: 'eu' }, headers })
  const sent = server.of('tools/call')[0]?.headers ?? {}
  assert.equal(sent['mcp-param-region'], 'eu')
  assert.equal(sent['mcp-param-else'], '=?base64?eA==?=')
  assert.equal(sent['mcp-param-count'], undefined)
})

test('a tool with an illegal annotation is left out, alone, and the log says why', async (t) => {
  const server = await stub(t, 'modern')
  const bad = { type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }
  server.tools = [
    { name: 'bad', inputSchema: bad },
    { name: 'good', inputSchema: INPUT },
  ]
  const gateway = await drive(t, { up: { url: server.url, prefix: '' } })
  await gateway.ready()
  assert.deepEqual(await gateway.list(), ['good'])
  assert.ok(
    gateway.log.some(({ msg }) => /lists bad with an illegal schema \(a: /.test(String(msg))),
  )
})

test('headers that the upstream keeps refusing cost one fresh link a minute', async (t) => {
  const server = await stub(t, 'modern')
  server.acts['tools/call'] = ({ message }, response) => refuse(response, message, -32020, 400)
  const gateway = await drive(t, { up: { url: server.url, prefix: '' } })
  await gateway.ready()
  for (let i = 0; i < 3; i++) assert.match(trouble(await gateway.call('look')), /up: refused/)
  assert.equal(server.of('server/discover').length, 2)
  assert.equal(server.of('tools/call').length, 4)
  assert.equal(gateway.status().up?.state, 'ready')
  gateway.clock.advance(60_000)
  await gateway.call('look')
  assert.equal(server.of('server/discover').length, 3)
})
