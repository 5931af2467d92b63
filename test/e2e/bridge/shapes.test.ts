// What one era says and the other reads otherwise: each client gets what its revision knows.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const TOOLS = [
  { name: 'plain', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
  { name: 'list', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } },
  {
    name: 'either',
    inputSchema: { type: 'object' },
    outputSchema: { anyOf: [{ type: 'object' }] },
  },
  { name: 'free', inputSchema: { type: 'object' }, execution: { taskSupport: 'optional' } },
]
const BIG = '9007199254740993'

/** A gateway in front of a server whose results are the text that the call brings along. */
async function house(t: TestContext, era: 'legacy' | 'modern') {
  const upstream = await stub(t, era)
  upstream.tools = TOOLS
  const capabilities = { tools: {}, prompts: {} }
  if (era === 'modern') {
    upstream.acts['server/discover'] = () => ({ supportedVersions: ['2026-07-28'], capabilities })
  }
  const prompt = { description: 'x', messages: [] as unknown[] }
  upstream.acts['prompts/list'] = () => ({ prompts: [{ name: 'tell' }] })
  upstream.acts['prompts/get'] = () => prompt
  upstream.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', upstream.session)
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } }
  }
  upstream.acts['tools/call'] = ({ message }, response) => {
    const { result } = (message.params?.arguments ?? {}) as { result: string }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"jsonrpc":"2.0","id":${message.id},"result":${result}}`)
  }
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url, prefix: '' } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  return { upstream, gateway, wire, prompt }
}

type Wires = Awaited<ReturnType<typeof house>>

async function callAs({ wire }: Wires, version: string, name: string, result: string) {
  const params = { name, arguments: { result } }
  if (version === '2026-07-28') return wire.modern('tools/call', params)
  return wire.legacy('tools/call', params, await wire.session({}, version))
}

// biome-ignore lint/suspicious/noExplicitAny: definitions of any shape
async function toolsAs({ wire }: Wires, version: string): Promise<Record<string, any>> {
  const { json } =
    version === '2026-07-28'
      ? await wire.modern('tools/list')
      : await wire.legacy('tools/list', {}, await wire.session({}, version))
  return Object.fromEntries(json.result.tools.map((tool: { name: string }) => [tool.name, tool]))
}

for (const era of ['legacy', 'modern'] as const) {
  test(`${era} server: output schemas and structured content fit each client`, async (t) => {
    const wires = await house(t, era)
    const old = await toolsAs(wires, '2025-11-25')
    assert.deepEqual(old.plain.outputSchema, { type: 'object' })
    assert.deepEqual(old.list.outputSchema, {
      type: 'object',
      properties: { result: { type: 'array' } },
      required: ['result'],
    })
    assert.deepEqual(old.either.outputSchema.properties.result, { anyOf: [{ type: 'object' }] })
    assert.equal(old.free.outputSchema, undefined)
    assert.deepEqual(old.free.execution, { taskSupport: 'optional' })

    const now = await toolsAs(wires, '2026-07-28')
    assert.deepEqual(now.list.outputSchema, { type: 'array' })
    assert.deepEqual(now.either.outputSchema, { anyOf: [{ type: 'object' }] })
    assert.equal('execution' in now.free, false)

    const cases = [
      ['list', `[${BIG},1.0]`, true],
      ['list', 'null', true],
      ['free', '"text"', true],
      ['free', `{"n":${BIG}}`, false],
      ['plain', `{"n":${BIG}}`, false],
      ['either', `{"n":${BIG}}`, true],
    ] as const
    for (const [tool, content, wrapped] of cases) {
      const result = `{"content":[],"structuredContent":${content}}`
      const legacy = (await callAs(wires, '2025-11-25', tool, result)).text
      const expected = wrapped ? `{"result":${content}}` : content
      assert.ok(legacy.includes(`"structuredContent":${expected}`), legacy)
      const modern = (await callAs(wires, '2026-07-28', tool, result)).text
      assert.ok(modern.includes(`"structuredContent":${content}`), modern)
    }
  })

  test(`${era} server: clients get text for content that their revision has not`, async (t) => {
    const wires = await house(t, era)
    const audio = { type: 'audio', data: 'AA==', mimeType: 'audio/wav' }
    const annotations = { priority: 0.5 }
    const link = { type: 'resource_link', uri: 'x://y', name: 'y', title: 'Why', annotations }
    const image = { type: 'image', data: 'AA==', mimeType: 'image/png' }
    const result = `{"content":${JSON.stringify([audio, link, image])},"n":${BIG}}`
    const audioText = {
      type: 'text',
      text: "[audio, audio/wav: this client's protocol revision has no audio]",
    }
    const linkText = { type: 'text', text: 'Why\nx://y', annotations }
    const expected = {
      '2024-11-05': [audioText, linkText, image],
      '2025-03-26': [audio, linkText, image],
      '2025-06-18': [audio, link, image],
      '2025-11-25': [audio, link, image],
      '2026-07-28': [audio, link, image],
    }
    for (const [version, content] of Object.entries(expected)) {
      const { json, text } = await callAs(wires, version, 'free', result)
      assert.deepEqual(json.result.content, content, version)
      assert.ok(text.includes(`"n":${BIG}`), version)
    }
    wires.prompt.messages = [
      { role: 'user', content: link },
      { role: 'user', content: image },
    ]
    const session = await wires.wire.session({}, '2024-11-05')
    const { json } = await wires.wire.legacy('prompts/get', { name: 'tell' }, session)
    assert.deepEqual(json.result.messages, [
      { role: 'user', content: linkText },
      { role: 'user', content: image },
    ])
  })
}

test('no client and no server is told of tasks by the other', async (t) => {
  const wires = await house(t, 'legacy')
  const { upstream, wire } = wires
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
  upstream.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', upstream.session)
    const capabilities = { tools: {}, tasks }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } }
  }
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { tasks },
    clientInfo: { name: 'c', version: '1' },
  }
  const { json, headers } = await wire.legacy('initialize', params)
  assert.equal('tasks' in json.result.capabilities, false)
  const session = {
    'mcp-session-id': String(headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  }
  const call = { name: 'free', arguments: { result: '{"content":[]}' }, task: { ttl: 60_000 } }
  const answer = await wire.legacy('tools/call', call, session)
  assert.deepEqual(answer.json.result, { content: [] })
  assert.equal('task' in (upstream.of('tools/call')[0]?.message.params ?? {}), false)
  for (const { message } of upstream.of('initialize')) {
    assert.deepEqual(message.params?.capabilities, {})
  }
  for (const method of ['tasks/list', 'tasks/get', 'tasks/result', 'tasks/cancel']) {
    assert.equal((await wire.legacy(method, {}, session)).json.error.code, -32601)
  }
  const discovered = await wire.modern('server/discover')
  assert.equal('tasks' in discovered.json.result.capabilities, false)
})

test('a modern server is told nothing of tasks either', async (t) => {
  const { upstream, wire } = await house(t, 'modern')
  const _meta = {
    'io.modelcontextprotocol/clientCapabilities': {
      tasks: { list: {} },
      extensions: { 'io.modelcontextprotocol/tasks': {}, 'com.example/x': { n: 1 } },
    },
  }
  await wire.modern('tools/call', { name: 'free', arguments: { result: '{"content":[]}' }, _meta })
  const meta = upstream.of('tools/call')[0]?.message.params?._meta as Record<string, unknown>
  const declared = meta['io.modelcontextprotocol/clientCapabilities']
  assert.deepEqual(declared, { extensions: { 'com.example/x': { n: 1 } } })
})
