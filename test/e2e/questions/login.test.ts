import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'

/** Asks for a token where it has none, and for another where the one it had is refused. */
const LOGIN = `import { ask, definePlugin } from 'mcp-patchbay/sdk'
const question = (message) => ask({
  [message]: { method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties: {} } } },
})
export default definePlugin({
  name: 'login', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    credentials({ call }) {
      if (call === undefined) return undefined
      const token = (call.answers.again ?? call.answers.first)?.content?.token
      return token === undefined ? question('first') : { headers: { authorization: 'Bearer ' + token } }
    },
    refused: ({ purpose }) => purpose === 'call' ? question('again') : undefined,
  }),
})
`

test('a client answers for the credentials of a call, before it is sent and after it was refused', async (t) => {
  const server = await stub(t, 'modern')
  server.acts['tools/call'] = ({ headers }, response) => {
    if (headers.authorization === 'Bearer good') return { content: [{ type: 'text', text: 'in' }] }
    return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
  }
  const gateway = await startWith(
    t,
    {
      upstreams: { up: { url: server.url } },
      plugins: [{ use: 'auth-none' }, { use: './login.ts' }],
    },
    { files: { 'login.ts': LOGIN } },
  )
  await gateway.ready()
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: { pin: '2026-07-28' } },
    },
  )
  t.after(() => client.close())
  const asked: string[] = []
  client.setRequestHandler('elicitation/create', async ({ params: { message } }) => {
    asked.push(message)
    return { action: 'accept', content: { token: message === 'first' ? 'old' : 'good' } }
  })
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)))
  const answer = await client.callTool({ name: 'up__look', arguments: {} })
  assert.deepEqual(answer.content, [{ type: 'text', text: 'in' }])
  assert.deepEqual(asked, ['first', 'again'])
  const sent = server.of('tools/call').map(({ headers }) => headers.authorization)
  assert.deepEqual(sent, ['Bearer old', 'Bearer good'])
})
