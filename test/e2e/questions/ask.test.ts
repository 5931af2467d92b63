import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { startWith } from '../../fixtures/gateway.ts'
import { rawClient, toolCall } from '../../fixtures/raw.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'

const APPROVAL = `
import { ask, definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'approval',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall(call) {
      const { ok } = call.answers
      if (ok?.action === 'accept') return undefined
      if (ok !== undefined) return deny('FORBIDDEN', 'the person said no')
      return ask({
        ok: {
          method: 'elicitation/create',
          params: { mode: 'form', message: 'Run it?', requestedSchema: { type: 'object', properties: {} } },
        },
      })
    },
  }),
})
`

async function gateway(scope: Parameters<typeof startWith>[0]) {
  const upstream = await modernUpstream(scope)
  const running = await startWith(
    scope,
    {
      upstreams: { up: { url: upstream.url } },
      plugins: [{ use: 'auth-none' }, { use: './approval.ts' }],
    },
    { files: { 'approval.ts': APPROVAL } },
  )
  await running.ready()
  return { running, upstream }
}

test('a client of 2026-07-28 answers a plugin’s question, and the call runs once', async (t) => {
  const { running, upstream } = await gateway(t)
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: { pin: '2026-07-28' } },
    },
  )
  t.after(() => client.close())
  const asked: string[] = []
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    asked.push(params.message)
    return { action: 'accept', content: {} }
  })
  await client.connect(new StreamableHTTPClientTransport(new URL(running.url)))
  const answer = await client.callTool({ name: 'up__echo', arguments: { text: 'hello' } })
  assert.match(JSON.stringify(answer.content), /hello/)
  assert.deepEqual(asked, ['Run it?'])
  assert.equal(upstream.tools.calls.length, 1)
})

test('a client that declared nothing is told which capability is missing, and nothing runs', async (t) => {
  const { running, upstream } = await gateway(t)
  const raw = await rawClient(t, running.url, 'modern')
  const { status, messages } = await raw.ask(toolCall('up__echo', '{"text":"x"}'))
  assert.equal(status, 400)
  const { error } = JSON.parse(messages[0] ?? '')
  assert.equal(error.code, -32021)
  assert.deepEqual(error.data.requiredCapabilities, { elicitation: { form: {} } })
  assert.equal(upstream.tools.calls.length, 0)
})

test('a handshake client that cannot be asked is told in words for the model, and nothing runs', async (t) => {
  const { running, upstream } = await gateway(t)
  const client = new FormerClient({ name: 'old', version: '1' })
  t.after(() => client.close())
  await client.connect(new FormerTransport(new URL(running.url)) as never)
  const answer = await client.callTool({ name: 'up__echo', arguments: { text: 'x' } })
  assert.equal(answer.isError, true)
  assert.match(JSON.stringify(answer.content), /cannot be asked here. Use a client that declares/)
  assert.equal(upstream.tools.calls.length, 0)
})
