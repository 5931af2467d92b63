// Both SDKs' clients of HTTP+SSE.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Client as CurrentClient,
  SSEClientTransport as CurrentTransport,
} from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'

const NAME = { name: 'sse-client', version: '1.0.0' }
const ASKS = `
import { ask, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'asks', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall: ({ args, answers }) => args.text === undefined || answers.ok ? undefined : ask({
      ok: { method: 'elicitation/create', params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } } },
    }),
  }),
})
`

async function house(t: Parameters<typeof startWith>[0], plugins: object[] = []) {
  const servers = { old: await legacyUpstream(t), new: await modernUpstream(t) }
  const gateway = await startWith(
    t,
    {
      upstreams: { old: { url: servers.old.url }, new: { url: servers.new.url } },
      plugins: [{ use: 'auth-none' }, ...plugins],
    },
    { files: { 'asks.ts': ASKS } },
  )
  await gateway.ready()
  return { servers, url: gateway.url.replace('/mcp', '/sse') }
}

test('the former SDK: calls, lists that change, questions', async (t) => {
  const { url, servers } = await house(t, [{ use: './asks.ts' }])
  const client = new FormerClient(NAME, { capabilities: { elicitation: {} } })
  t.after(() => client.close())
  const asked: string[] = []
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(params.message)
    return { action: 'accept', content: {} }
  })
  await client.connect(new FormerTransport(new URL(url)))
  const { content } = await client.callTool({ name: 'old__echo', arguments: { text: 'hi\nyou' } })
  assert.deepEqual(content, [{ type: 'text', text: 'hi\nyou' }])
  assert.deepEqual(asked, ['Sure?'])
  assert.equal((await client.listTools()).tools.length > 4, true)
  const { promise, resolve } = Promise.withResolvers<void>()
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve())
  servers.new.tools.offer('another')
  await promise
})

test('the former SDK goes to the stream when the address speaks no Streamable HTTP', async (t) => {
  const { url } = await house(t)
  const first = new FormerClient(NAME)
  await assert.rejects(first.connect(new StreamableHTTPClientTransport(new URL(url)) as never), {
    code: 405,
  })
  const second = new FormerClient(NAME)
  t.after(() => second.close())
  await second.connect(new FormerTransport(new URL(url)))
  await second.ping()
})

test('the current SDK, with the era found out and with it given', async (t) => {
  const { url } = await house(t)
  for (const mode of ['auto', 'legacy'] as const) {
    const client = new CurrentClient(NAME, { versionNegotiation: { mode } })
    t.after(() => client.close())
    await client.connect(new CurrentTransport(new URL(url)))
    const { content } = await client.callTool({ name: 'new__echo', arguments: { text: mode } })
    assert.deepEqual(content, [{ type: 'text', text: mode }])
  }
})
