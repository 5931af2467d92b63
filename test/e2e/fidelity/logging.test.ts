// Servers' log messages reach the call they are about, from the level on that its client asked for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { startFixture } from '../../conformance/fixture/fixture.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { type Era, rawClient } from '../../fixtures/raw.ts'
import { stub } from '../upstreams/stub.ts'

const ERAS = ['legacy', 'modern'] satisfies Era[]
const LEVEL = 'io.modelcontextprotocol/logLevel'

/** The levels of the log messages that come before a call's answer. */
async function logged(
  client: Awaited<ReturnType<typeof rawClient>>,
  name: string,
  level: string | undefined,
) {
  if (client.era === 'legacy' && level !== undefined) {
    const { messages } = await client.ask({
      method: 'logging/setLevel',
      params: `"level":"${level}"`,
    })
    assert.deepEqual(JSON.parse(messages[0] ?? '').result, {})
  }
  const meta = client.era === 'modern' && level !== undefined ? `"${LEVEL}":"${level}"` : ''
  const params = `"name":"${name}","arguments":{}`
  const { messages } = await client.ask({ method: 'tools/call', params, name, meta })
  return messages.flatMap((text) => {
    const { method, params: said } = JSON.parse(text)
    return method === 'notifications/message' ? said.level : []
  })
}

for (const server of ERAS) {
  for (const era of ERAS) {
    test(`${server} server, ${era} client: log messages, when asked for`, async (t) => {
      const fixture = await startFixture(t)
      const gateway = await startWith(t, {
        upstreams: { up: { url: fixture.only[server] } },
        plugins: [{ use: 'auth-none' }],
      })
      await gateway.ready()
      const client = await rawClient(t, gateway.url, era)
      const tool = 'up__test_tool_with_logging'
      assert.deepEqual(await logged(client, tool, undefined), [])
      assert.deepEqual(await logged(client, tool, 'debug'), ['info', 'info', 'info'])
      assert.deepEqual(await logged(client, tool, 'error'), [])
      if (era === 'modern') assert.deepEqual(await logged(client, tool, 'loud'), [])
      // Somebody else's level is their own, whatever the server's session was set to.
      const other = await rawClient(t, gateway.url, era)
      assert.deepEqual(await logged(other, tool, undefined), [])
    })
  }
}

test('a handshake server is told of the most verbose level once, and before the call', async (t) => {
  const server = await stub(t, 'legacy')
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', server.session)
    const capabilities = { tools: {}, logging: {} }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  server.acts['logging/setLevel'] = () => ({})
  const upstreams = { up: { url: server.url } }
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'legacy')
  for (const level of ['error', 'info', 'warning', 'info']) await logged(client, 'up__look', level)
  const told = server.of('logging/setLevel').map(({ message }) => message.params?.level)
  assert.deepEqual(told, ['error', 'info'])
  const order = server.said.flatMap(({ message: { method } }) =>
    method === 'logging/setLevel' || method === 'tools/call' ? method : [],
  )
  assert.deepEqual(order.slice(0, 4), [
    'logging/setLevel',
    'tools/call',
    'logging/setLevel',
    'tools/call',
  ])
})

/** An upstream wants to know whom it serves, whatever it is asked. */
const ACCOUNT = `
import { definePlugin } from 'mcp-patchbay/sdk'
const account = { headers: { authorization: 'Bearer account' } }
export default definePlugin({
  name: 'account',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ credentials: () => account }),
})
`

test('a handshake server is told of the level with the credentials of the call', async (t) => {
  const server = await stub(t, 'legacy')
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', server.session)
    const capabilities = { tools: {}, logging: {} }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  server.acts['logging/setLevel'] = () => ({})
  const config = {
    upstreams: { up: { url: server.url } },
    plugins: [{ use: 'auth-none' }, { use: './account.ts' }],
  }
  const gateway = await startWith(t, config, { files: { 'account.ts': ACCOUNT } })
  await gateway.ready()
  await logged(await rawClient(t, gateway.url, 'legacy'), 'up__look', 'info')
  const shown = server.of('logging/setLevel').map(({ headers }) => headers.authorization)
  assert.deepEqual(shown, ['Bearer account'])
})

test('a handshake server that never says whether it took a level is called all the same', async (t) => {
  const server = await stub(t, 'legacy')
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', server.session)
    const capabilities = { tools: {}, logging: {} }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  const asked = Promise.withResolvers<void>()
  server.acts['logging/setLevel'] = () => asked.resolve()
  const clock = new FakeClock()
  const upstreams = { up: { url: server.url } }
  const config = { upstreams, plugins: [{ use: 'auth-none' }] }
  const gateway = await startWith(t, config, { clock })
  await gateway.ready()
  const call = logged(await rawClient(t, gateway.url, 'legacy'), 'up__look', 'info')
  await asked.promise
  clock.advance(4_000)
  await call
  assert.equal(server.of('tools/call').length, 1)
})

test('what cannot be written for a handshake server that logs fails its request and ends no process', async (t) => {
  const server = await stub(t, 'legacy')
  const prompts = [{ name: 'ask' }]
  server.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', server.session)
    const capabilities = { tools: {}, prompts: {}, completions: {}, logging: {} }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
  }
  server.acts['logging/setLevel'] = () => ({})
  server.acts['prompts/list'] = () => ({ prompts })
  const upstreams = { up: { url: server.url } }
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'legacy')
  await logged(client, 'up__look', 'info')
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const params = `"ref":{"type":"ref/prompt","name":"up__ask"},"argument":{"name":"a","value":${deep}}`
  const { messages } = await client.ask({ method: 'completion/complete', params })
  assert.equal(typeof JSON.parse(messages[0] ?? '').error.code, 'number')
})

test('a level that is none is refused, and so is a level of no session', async (t) => {
  const server = await stub(t, 'modern')
  const upstreams = { up: { url: server.url } }
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  const client = await rawClient(t, gateway.url, 'legacy')
  const set = async (one: typeof client, level: string) => {
    const { messages } = await one.ask({ method: 'logging/setLevel', params: `"level":"${level}"` })
    return JSON.parse(messages[0] ?? '').error.code
  }
  assert.equal(await set(client, 'loud'), -32602)
  const modern = await rawClient(t, gateway.url, 'modern')
  assert.equal(await set(modern, 'debug'), -32601)
})
