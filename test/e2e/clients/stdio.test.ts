// Both SDKs' clients start `patchbay stdio` themselves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client as CurrentClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as CurrentTransport } from '@modelcontextprotocol/client/stdio'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { configFile, PROGRAM } from '../wire/stdio-client.ts'

const NAME = { name: 'stdio-client', version: '1.0.0' }
const ASKS = `
import { ask, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'asks', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall: ({ args, answers }) => args.text !== 'ask' || answers.ok ? undefined : ask({
      ok: { method: 'elicitation/create', params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } } },
    }),
  }),
})
`

async function house(t: { after(run: () => unknown): void }) {
  const servers = { old: await legacyUpstream(t), new: await modernUpstream(t) }
  const config = {
    upstreams: { old: { url: servers.old.url }, new: { url: servers.new.url } },
    plugins: [{ use: 'auth-none' }, { use: './asks.ts' }],
  }
  const file = configFile(t, config, { 'asks.ts': ASKS })
  return { servers, how: { command: process.execPath, args: [PROGRAM, 'stdio', file] } }
}

test('the former SDK: lists at once, calls, questions, an orderly end', async (t) => {
  const { how } = await house(t)
  const client = new FormerClient(NAME, { capabilities: { elicitation: {} } })
  const asked: string[] = []
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(params.message)
    return { action: 'accept', content: {} }
  })
  const pipes = new FormerTransport({ ...how, stderr: 'pipe' })
  t.after(() => client.close())
  await client.connect(pipes)
  // Many clients list once, and at once: what servers have must be there.
  const names = (await client.listTools()).tools.map(({ name }) => name)
  assert.ok(names.includes('old__echo') && names.includes('new__echo'), names.join())
  for (const server of ['old', 'new']) {
    const text = 'hi\nyou'
    const { content } = await client.callTool({ name: `${server}__echo`, arguments: { text } })
    assert.deepEqual(content, [{ type: 'text', text }])
  }
  await client.callTool({ name: 'new__echo', arguments: { text: 'ask' } })
  assert.deepEqual(asked, ['Sure?'])
})

test('the current SDK: in the era it finds, in each it is told, and what changes', async (t) => {
  const { how, servers } = await house(t)
  for (const mode of ['auto', 'legacy', { pin: '2026-07-28' }] as const) {
    const changed = Promise.withResolvers<void>()
    const client = new CurrentClient(NAME, {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode },
      listChanged: { tools: { onChanged: () => changed.resolve() } },
    })
    t.after(() => client.close())
    const asked: string[] = []
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      asked.push(params.message)
      return { action: 'accept', content: {} }
    })
    await client.connect(new CurrentTransport({ ...how, stderr: 'pipe' }))
    const { content } = await client.callTool({ name: 'old__echo', arguments: { text: 'ask' } })
    assert.deepEqual(content, [{ type: 'text', text: 'ask' }])
    assert.deepEqual(asked, ['Sure?'])
    servers.new.tools.offer(`more-${JSON.stringify(mode).replace(/\W/g, '')}`)
    await changed.promise
    await client.close()
  }
})

test('both SDKs through a bridge to a gateway that runs', async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { new: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const how = { command: process.execPath, args: [PROGRAM, 'stdio', '--connect', gateway.url] }
  const former = new FormerClient(NAME)
  t.after(() => former.close())
  const heard = Promise.withResolvers<void>()
  former.setNotificationHandler(ToolListChangedNotificationSchema, () => heard.resolve())
  await former.connect(new FormerTransport({ ...how, stderr: 'pipe' }))
  const { content } = await former.callTool({ name: 'new__echo', arguments: { text: 'old' } })
  assert.deepEqual(content, [{ type: 'text', text: 'old' }])
  upstream.tools.offer('later')
  await heard.promise
  for (const mode of ['auto', 'legacy', { pin: '2026-07-28' }] as const) {
    const changed = Promise.withResolvers<void>()
    const client = new CurrentClient(NAME, {
      versionNegotiation: { mode },
      listChanged: { tools: { onChanged: () => changed.resolve() } },
    })
    t.after(() => client.close())
    await client.connect(new CurrentTransport({ ...how, stderr: 'pipe' }))
    const { content } = await client.callTool({ name: 'new__echo', arguments: { text: 'new' } })
    assert.deepEqual(content, [{ type: 'text', text: 'new' }])
    upstream.tools.offer(`more-${JSON.stringify(mode).replace(/\W/g, '')}`)
    await changed.promise
    await client.close()
  }
})
