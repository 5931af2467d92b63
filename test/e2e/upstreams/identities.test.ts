import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { drive, mayHaveRun, trouble, until } from './gateway.ts'
import { Stub, stub } from './stub.ts'

/** Each client software is an account of its own at the upstream. */
const ACCOUNTS = `
import { definePlugin } from 'mcp-patchbay/sdk'
const known = new Map()
export default definePlugin({
  name: 'accounts',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    identity: ({ caller }) => caller.client.name,
    credentials: ({ caller }) => {
      const who = caller?.client.name ?? 'gateway'
      if (!known.has(who)) known.set(who, { headers: { authorization: 'Bearer ' + who } })
      return known.get(who)
    },
  }),
})
`
const plugins = { plugins: [{ use: './accounts.ts' }], files: { 'accounts.ts': ACCOUNTS } }

test('each identity has a session of its own, opened with its own credentials', async (t) => {
  const server = await stub(t)
  let sessions = 0
  server.acts.initialize = ({ headers }, response) => {
    server.session = `${headers.authorization} ${++sessions}`
    response.setHeader('mcp-session-id', server.session)
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} } }
  }
  server.acts['tools/call'] = ({ headers }) => ({
    content: [{ type: 'text', text: `${headers['mcp-session-id']} by ${headers.authorization}` }],
  })
  const gateway = await drive(t, { up: { url: server.url } }, plugins)
  await gateway.ready()
  const call = async (client: string) =>
    (await gateway.call('up__look', { client })).result?.content[0]?.text
  assert.equal(await call('one'), 'Bearer one 2 by Bearer one')
  assert.equal(await call('two'), 'Bearer two 3 by Bearer two')
  assert.equal(await call('one'), 'Bearer one 2 by Bearer one')
  assert.equal(server.of('tools/list')[0]?.headers.authorization, 'Bearer gateway')
})

test('callers that arrive together open their session once', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url, session: 'per-client' } })
  await gateway.ready()
  const calls = [1, 2, 3].map(() => gateway.call('up__look', { client: 'one' }))
  for (const { result } of await Promise.all(calls)) assert.equal(result?.content[0]?.text, 'ok')
  assert.equal(server.of('initialize').length, 2)
  for (let minute = 0; minute < 12; minute++) gateway.clock.advance(60_000)
  await until(() => server.of('DELETE').length === 1)
  assert.equal((await gateway.call('up__look', { client: 'one' })).result?.content[0]?.text, 'ok')
})

test('a port that nobody listens on any more is noticed by the call, and found again later', async (t) => {
  const good = new Stub('modern')
  const listen = (port: number) =>
    new Promise<ReturnType<typeof createServer>>((resolve) => {
      const server = createServer((request, response) => void good.handle(request, response))
      server.listen(port, '127.0.0.1', () => resolve(server))
    })
  const first = await listen(0)
  const { port } = first.address() as AddressInfo
  const end = (server: ReturnType<typeof createServer>) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const gateway = await drive(t, { up: { url: `http://127.0.0.1:${port}/mcp` } })
  await gateway.ready()
  await end(first)
  // The kept connection may break first: that alone is no proof that the server is gone.
  await until(async () => {
    const got = await gateway.call('up__look')
    return /ECONNREFUSED/.test(trouble(got)) && !mayHaveRun(got)
  })
  assert.equal(gateway.status().up?.state, 'down')
  const second = await listen(port)
  t.after(() => end(second))
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal((await gateway.call('up__look')).result?.content[0]?.text, 'ok')
})

/** A server that lists to each account what is its own, and nothing to the gateway itself. */
async function accounts(scope: Parameters<typeof stub>[0]) {
  const server = await stub(scope, 'modern')
  const own: Record<string, readonly string[]> = { one: ['shared', 'ones'], two: ['shared'] }
  server.acts['tools/list'] = ({ headers }, response) => {
    const who = headers.authorization?.slice('Bearer '.length) ?? ''
    if (own[who] === undefined) return void response.writeHead(401).end()
    return { tools: own[who].map((name) => ({ name, inputSchema: { type: 'object' } })) }
  }
  return { server, own }
}

test('each identity lists and calls its own tools, though the gateway itself may see none', async (t) => {
  const { server } = await accounts(t)
  const gateway = await drive(t, { up: { url: server.url } }, plugins)
  await gateway.until(() => gateway.status().up?.state === 'auth-required')
  assert.equal((await gateway.call('up__ones', { client: 'one' })).result?.content[0]?.text, 'ok')
  assert.deepEqual(await gateway.list({ client: 'one' }), ['up__shared', 'up__ones'])
  const refused = trouble(await gateway.call('up__ones', { client: 'two' }))
  assert.match(refused, /^Unknown tool: up__ones/)
  assert.deepEqual(await gateway.list({ client: 'two' }), ['up__shared'])
  assert.deepEqual(await gateway.list({ client: 'stranger' }), [])
  const sent = server.of('tools/call').map(({ headers }) => headers.authorization)
  assert.deepEqual(sent, ['Bearer one'])
})

test('what identities list outlives a restart, and is read again when it is old', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'patchbay-data-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const { server, own } = await accounts(t)
  const asked = () =>
    server.of('tools/list').filter((one) => /one/.test(one.headers.authorization ?? ''))
  const before = await drive(t, { up: { url: server.url } }, { ...plugins, data })
  await before.call('up__ones', { client: 'one' })
  await until(() => asked().length === 1)
  await before.stop()
  own.one = ['new']
  const after = await drive(t, { up: { url: server.url } }, { ...plugins, data })
  await until(async () => (await after.list({ client: 'one' })).includes('up__ones'))
  assert.equal(asked().length, 1)
  // Old by now: served once more, and read again behind it.
  after.clock.advance(3_600_000)
  await until(async () => (await after.list({ client: 'one' })).join() === 'up__new')
  assert.equal(asked().length, 2)
})

test('credentials that are refused while an identity is listed are asked for once more', async (t) => {
  const { server, own } = await accounts(t)
  own.renewed = ['mine']
  const code = ACCOUNTS.replace(
    'identity:',
    "refused: ({ caller }) => { if (!caller) return undefined; known.set(caller.client.name, { headers: { authorization: 'Bearer renewed' } }); return 'retry' },\n    identity:",
  )
  const files = { 'accounts.ts': code }
  const gateway = await drive(t, { up: { url: server.url } }, { ...plugins, files })
  await gateway.until(() => gateway.status().up?.state === 'auth-required')
  assert.equal((await gateway.call('up__mine', { client: 'x' })).result?.content[0]?.text, 'ok')
})
