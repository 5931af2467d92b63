// A real server on a pipe asks the client that has a process of its own, whatever the client's revision.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type Scope, startWith } from '../../fixtures/gateway.ts'

const EVERYTHING = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
)
const SAMPLING = 'up__trigger-sampling-request'
const FORM = 'up__trigger-elicitation-request'

async function gatewayOf(scope: Scope, session: 'shared' | 'per-client') {
  const command = [process.execPath, EVERYTHING, 'stdio']
  const gateway = await startWith(scope, {
    upstreams: { up: { command, session } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  return gateway
}

async function clientOf(scope: Scope, url: string, mode: 'legacy' | 'auto', name = 'asked') {
  const client = new Client(
    { name, version: '1' },
    { capabilities: { elicitation: {}, sampling: {} }, versionNegotiation: { mode } },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }))
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    content: { type: 'text', text: `sampled for ${name}` },
    model: 'none',
  }))
  scope.after(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

test('tools that ask are listed and ask, with a process for each client', async (t) => {
  const { url } = await gatewayOf(t, 'per-client')
  for (const mode of ['legacy', 'auto'] as const) {
    const client = await clientOf(t, url, mode, mode)
    const names = (await client.listTools()).tools.map(({ name }) => name)
    assert.ok(names.includes(SAMPLING) && names.includes(FORM), mode)
    const sampled = await client.callTool({ name: SAMPLING, arguments: { prompt: 'hi' } })
    assert.match(JSON.stringify(sampled.content), new RegExp(`sampled for ${mode}`))
    const declined = await client.callTool({ name: FORM, arguments: {} })
    assert.match(JSON.stringify(declined.content), /decline/)
  }
})

test('a process that all clients share is told that it can ask nobody', async (t) => {
  const { url } = await gatewayOf(t, 'shared')
  const client = await clientOf(t, url, 'auto')
  const names = (await client.listTools()).tools.map(({ name }) => name)
  assert.ok(!names.includes(SAMPLING))
})
