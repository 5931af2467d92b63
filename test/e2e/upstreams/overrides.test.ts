// What a config says of a server's transport and era is not asked for again, and redirects are not followed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive, trouble } from './gateway.ts'
import { driveScript } from './script.ts'
import { sseStub } from './sse-stub.ts'
import { stub } from './stub.ts'

test('`era: legacy` sends no probe', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url, era: 'legacy' } })
  await gateway.ready()
  assert.equal(server.of('server/discover').length, 0)
  const { transport, protocolVersion, found } = gateway.status().up ?? {}
  assert.deepEqual([transport, protocolVersion, found], ['http', '2025-11-25', 'set by config'])
})

test('`era: modern` never shakes hands, and says what to do', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url, era: 'modern' } })
  await gateway.until(() => gateway.status().up?.state === 'down')
  const { error = '' } = gateway.status().up ?? {}
  assert.match(error, /no server of 2026-07-28 \(server\/discover brought HTTP 400\): take out/)
  assert.equal(server.of('initialize').length, 0)
})

test('`transport: http` looks for no stream', async (t) => {
  const server = await sseStub(t)
  const gateway = await drive(t, { up: { url: server.url, transport: 'http' } })
  await gateway.until(() => gateway.status().up?.state === 'down')
  assert.match(gateway.status().up?.error ?? '', /HTTP 404 to initialize/)
  assert.equal(server.of('GET').length, 0)
})

test('`era: legacy` finds out the transport', async (t) => {
  const server = await sseStub(t)
  const gateway = await drive(t, { up: { url: server.url, era: 'legacy' } })
  await gateway.ready()
  assert.equal(gateway.status().up?.transport, 'sse')
  assert.equal(server.of('server/discover').length, 0)
})

test('the evidence of what was found', async (t) => {
  const [legacy, modern] = [await stub(t), await stub(t, 'modern')]
  modern.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'new'.repeat(200), version: '2' } },
  })
  const gateway = await drive(t, { legacy: { url: legacy.url }, modern: { url: modern.url } })
  await gateway.ready()
  assert.deepEqual(gateway.status(), {
    legacy: {
      state: 'ready',
      era: 'legacy',
      transport: 'http',
      protocolVersion: '2025-11-25',
      found: 'initialize, after server/discover brought HTTP 400',
      tools: 2,
    },
    modern: {
      state: 'ready',
      era: 'modern',
      transport: 'http',
      protocolVersion: '2026-07-28',
      server: { name: 'new'.repeat(200).slice(0, 200), version: '2' },
      found: 'server/discover answered',
      tools: 2,
    },
  })
})

test('stdio: `era: legacy` sends no probe, `era: modern` no handshake', async (t) => {
  const notes = `note('env ' + process.argv[2]);`
  const script = (era: string) => ({
    command: [process.execPath, 'server.mjs', era],
    connectTimeout: '30m',
    era,
  })
  const gateway = await driveScript(t, notes, { era: 'legacy' }, [], { strict: script('modern') })
  await gateway.until(
    () => gateway.status().up?.state === 'ready' && gateway.status().strict?.state === 'down',
  )
  const { transport, found } = gateway.status().up ?? {}
  assert.deepEqual([transport, found], ['stdio', 'set by config'])
  assert.match(gateway.status().strict?.error ?? '', /error -32601\): take out its `era: modern`/)
})

for (const status of [301, 307, 308]) {
  test(`${status} is not followed, even to the same origin: the error names the new place`, async (t) => {
    const [server, other] = [await stub(t), await stub(t)]
    const headers = { authorization: 'Bearer secret' }
    const gateway = await drive(t, { up: { url: server.url, headers } })
    await gateway.ready()
    server.acts['tools/call'] = (_, response) =>
      void response.writeHead(status, { location: other.url }).end()
    const words = trouble(await gateway.call('up__write'))
    assert.ok(
      words.includes(`HTTP ${status}: it has moved to ${other.url}; set its \`url\``),
      words,
    )
    assert.doesNotMatch(words, /Check whether/)
    assert.equal(other.said.length, 0)

    server.acts['server/discover'] = (_, response) =>
      void response.writeHead(status, { location: '/mcp/' }).end()
    const next = await drive(t, { up: { url: server.url } })
    await next.until(() => next.status().up?.state === 'down')
    assert.match(next.status().up?.error ?? '', /moved to http:\/\/127\.0\.0\.1:\d+\/mcp\/; set/)
    assert.equal(server.of('initialize').length, 1)
  })
}
