import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive, trouble, until } from './gateway.ts'
import { stub } from './stub.ts'

/** A plugin that hands out a token and gets a new one when it is refused. */
const TOKENS = `
import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'tokens',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup() {
    let n = 1
    let headers = { Authorization: 'Bearer 1' }
    return {
      credentials: () => ({ headers }),
      refused: ({ challenge }) => {
        if (challenge !== 'Bearer error="invalid_token"') return undefined
        headers = { Authorization: 'Bearer ' + ++n }
        return 'retry'
      },
    }
  },
})
`
const BAD = { 'www-authenticate': 'Bearer error="invalid_token"' }

test('only the named headers are forwarded, and the client’s authorization never is', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, {
    up: { url: server.url, headers: { 'x-team': 'ops' }, forwardHeaders: ['X-Trace', 'x-team'] },
  })
  await gateway.ready()
  await gateway.call('up__look', {
    headers: { 'x-trace': 'abc', 'x-team': 'forged', 'x-other': '1', authorization: 'Bearer mine' },
  })
  const { headers = {}, raw = [] } = server.of('tools/call')[0] ?? {}
  assert.equal(headers['x-trace'], 'abc')
  assert.equal(headers['x-team'], 'ops')
  assert.equal(headers['x-other'], undefined)
  assert.equal(headers.authorization, undefined)
  const names = raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  assert.equal(new Set(names).size, names.length, 'no header is sent twice')
})

test('credentials of a plugin win over the config’s, and no header is sent twice', async (t) => {
  const server = await stub(t)
  const gateway = await drive(
    t,
    { up: { url: server.url, headers: { authorization: 'Bearer config', accept: 'nonsense' } } },
    { plugins: [{ use: './tokens.ts' }], files: { 'tokens.ts': TOKENS } },
  )
  await gateway.ready()
  await gateway.call('up__look')
  for (const { headers, raw } of server.said) {
    assert.equal(headers.authorization, 'Bearer 1')
    assert.notEqual(headers.accept, 'nonsense')
    assert.equal(raw.filter((name) => name.toLowerCase() === 'authorization').length, 1)
  }
})

test('refused credentials are asked for anew once, for a call as for connecting', async (t) => {
  const server = await stub(t)
  let good = 'Bearer 2'
  const asked = server.acts['server/discover']
  assert.equal(asked, undefined)
  server.acts['server/discover'] = ({ headers }, response) =>
    void response.writeHead(headers.authorization === good ? 404 : 401, BAD).end()
  const gateway = await drive(
    t,
    { up: { url: server.url } },
    { plugins: [{ use: './tokens.ts' }], files: { 'tokens.ts': TOKENS } },
  )
  await gateway.ready()
  assert.deepEqual(
    server.of('server/discover').map(({ headers }) => headers.authorization),
    ['Bearer 1', 'Bearer 2'],
  )
  good = 'Bearer 3'
  server.acts['tools/call'] = ({ headers }, response) => {
    if (headers.authorization === good) return { content: [] }
    response.writeHead(401, BAD).end()
    return undefined
  }
  assert.deepEqual((await gateway.call('up__look')).result?.content, [])
  assert.deepEqual(
    server.of('tools/call').map(({ headers }) => headers.authorization),
    ['Bearer 2', 'Bearer 3'],
  )
  good = 'nobody'
  assert.match(trouble(await gateway.call('up__look')), /HTTP 401/)
  assert.equal(server.of('tools/call').length, 4)
})

test('a plugin whose refused hook throws fails the call and nothing else', async (t) => {
  const server = await stub(t)
  const gateway = await drive(
    t,
    { up: { url: server.url } },
    {
      plugins: [{ use: './tokens.ts' }],
      files: { 'tokens.ts': TOKENS.replace("return 'retry'", "throw new Error('broken')") },
    },
  )
  await gateway.ready()
  server.acts['tools/call'] = (_, response) => void response.writeHead(401, BAD).end()
  const got = await gateway.call('up__look')
  assert.equal(got.error?.code, -32603)
  delete server.acts['tools/call']
  assert.equal((await gateway.call('up__look')).result?.content[0]?.text, 'ok')
})

test('a client that goes away takes its call back: by a closed stream from a modern server', async (t) => {
  const server = await stub(t, 'modern')
  let closed = false
  server.acts['tools/call'] = (_, response) =>
    void response.on('close', () => {
      closed = true
    })
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const gone = new AbortController()
  const calling = gateway.call('up__look', { signal: gone.signal })
  await until(() => server.of('tools/call').length === 1)
  gone.abort()
  await assert.rejects(calling, { name: 'AbortError' })
  await until(() => closed)
  assert.equal(server.of('notifications/cancelled').length, 0)
})

test('and by a notification from a legacy one', async (t) => {
  const server = await stub(t)
  server.acts['tools/call'] = () => undefined
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const gone = new AbortController()
  const calling = gateway.call('up__look', { signal: gone.signal })
  await until(() => server.of('tools/call').length === 1)
  gone.abort()
  await assert.rejects(calling, { name: 'AbortError' })
  await until(() => server.of('notifications/cancelled').length === 1)
  const { id } = server.of('tools/call')[0]?.message ?? {}
  assert.equal(server.of('notifications/cancelled')[0]?.message.params?.requestId, id)
})
