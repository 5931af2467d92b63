// `patchbay stdio`, line by line.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Scope } from '../../fixtures/gateway.ts'
import { configFile, startStdio } from './stdio-client.ts'
import { stubUpstream } from './stub.ts'
import { ENVELOPE, initialize } from './wire.ts'

const ANNA = { principal: { subject: 'anna', scopes: ['ops'] } }
const WHO = `import { definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({ name: 'who', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall({ caller: { principal: { issuer, subject, scopes }, path }, args }) {
      console.log('a library says something')
      process.stdout.write('and another')
      if (args.who) return deny('FORBIDDEN', [issuer, subject, scopes, path].join(' '))
      if (args.login) return deny('UNAUTHENTICATED', 'log in')
      if (args.scope) return deny('INSUFFICIENT_SCOPE', 'more', { scopes: ['admin'] })
    } }) })`

async function house(t: Scope, config: object = {}) {
  const stub = await stubUpstream(t)
  const whole = {
    upstreams: { up: { url: stub.url, prefix: '' } },
    plugins: [{ use: './who.ts' }],
    stdio: ANNA,
    ...config,
  }
  return { stub, file: configFile(t, whole, { 'who.ts': WHO }) }
}

const modern = (params: object = {}) => ({ ...params, _meta: ENVELOPE })

test('both eras are served on one pipe, with the principal of the config', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  const hello = initialize() as { id: string; params: object }
  const { result } = await client.ask(hello.id, 'initialize', hello.params)
  assert.equal(result.protocolVersion, '2025-11-25')
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const tools = await client.ask(1, 'tools/list')
  assert.equal(tools.result.tools.length, 6)
  const who = { name: 'echo', arguments: { who: true } }
  const old = await client.ask(2, 'tools/call', who)
  assert.match(old.result.content[0].text, /stdio anna ops \/mcp\b/)

  const discovered = await client.ask(3, 'server/discover', modern())
  assert.deepEqual(discovered.result.supportedVersions, ['2026-07-28'])
  const now = await client.ask(4, 'tools/call', modern(who))
  assert.match(now.result.content[0].text, /stdio anna ops \/mcp\b/)
  const twice = await client.ask(5, 'initialize', hello.params)
  assert.match(twice.error.message, /initialized already/)

  assert.equal(await client.end(), 0)
  for (const line of client.lines) assert.equal(JSON.parse(line).jsonrpc, '2.0')
  assert.match(client.errors(), /a library says something/)
  assert.match(client.errors(), /"msg":"listening"/)
  assert.equal(existsSync(join(dirname(file), 'data/admin.json')), false)
})

test('what modern clients cancel, listen to and are told comes over the same pipe', async (t) => {
  const { file, stub } = await house(t)
  const client = startStdio(t, [file])
  const held = modern({ name: 'hold' })
  client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: held })
  const notifications = { toolsListChanged: true }
  client.send({
    jsonrpc: '2.0',
    id: 'ears',
    method: 'subscriptions/listen',
    params: modern({ notifications }),
  })
  const opened = await client.seen(
    ({ method }) => method === 'notifications/subscriptions/acknowledged',
  )
  assert.equal(opened.params._meta['io.modelcontextprotocol/subscriptionId'], 'ears')
  await stub.until(() => stub.calls.length === 1)
  const cancelled = (requestId: unknown) =>
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
  cancelled(1)
  await stub.until(() => stub.closed === 1)
  client.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: held })
  await stub.until(() => stub.calls.length === 2)
  client.send({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 2, _meta: ENVELOPE },
  })
  await stub.until(() => stub.closed === 2)
  await client.ask(3, 'tools/list', modern())
  assert.equal(
    client.lines.some((line) => /"id":[12][,}]/.test(line)),
    false,
  )
  const ended = client.seen(({ id }) => id === 'ears')
  assert.equal(await client.end(), 0)
  assert.equal((await ended).result.resultType, 'complete')
})

test('a listen request that was cancelled is told nothing more', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  const params = modern({ notifications: { toolsListChanged: true } })
  client.send({ jsonrpc: '2.0', id: 'ears', method: 'subscriptions/listen', params })
  await client.seen(({ method }) => method === 'notifications/subscriptions/acknowledged')
  const requestId = 'ears'
  client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
  await client.ask(1, 'tools/list', modern())
  assert.equal(await client.end(), 0)
  assert.equal(
    client.lines.some((line) => line.includes('"id":"ears"')),
    false,
  )
})

test('bad lines are told, and the next good one is served', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  client.send('{"jsonrpc":"2.0","id":1,"meth\n')
  client.send('{"id":1}\n\n   \r\n[]\n')
  client.send(Buffer.from([0x22, 0xff, 0x22, 0x0a]))
  const longer = Buffer.alloc(32 * 1024 * 1024 + 1, ' ')
  client.send(longer)
  client.send('\n{"jsonrpc":"2.0","id":"half",')
  await client.seen(({ error }) => /larger than/.test(error?.message))
  client.send('"method":"ping"}\r\n')
  await client.seen(({ id }) => id === 'half')
  const codes = client.lines
    .map((line) => JSON.parse(line))
    .map(({ id, error }) => [id, error?.code])
  assert.deepEqual(codes, [
    [null, -32700],
    [null, -32600],
    [null, -32600],
    [null, -32700],
    [null, -32700],
    ['half', undefined],
  ])
  // A last message may do without its line break.
  client.send('{"jsonrpc":"2.0","id":"last","method":"ping"}')
  const last = client.seen(({ id }) => id === 'last')
  assert.equal(await client.end(), 0)
  await last
})

test('large messages and all of Unicode come through, one per line', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  const words = `${'x'.repeat(3 * 1024 * 1024)}\n\u2028 🌍 "\\ \u0000`
  const { result } = await client.ask(1, 'tools/call', { name: 'echo', arguments: { words } })
  assert.equal(JSON.parse(result.content[0].text).words, words)
  client.send('{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}\n')
  await client.seen(({ id }) => id > 2)
  assert.match(client.lines.at(-1) ?? '', /"id":9007199254740993,/)
})

test('without a principal the plugins are asked, and nobody gets in whom none lets in', async (t) => {
  const { file } = await house(t, { stdio: {} })
  const client = startStdio(t, [file])
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const { error } = await client.ask(1, 'tools/list')
  assert.equal(error.code, 40100)
  assert.match(error.message, /`stdio\.principal`/)
  const now = await client.ask(2, 'tools/list', modern())
  assert.equal(now.error.code, 40100)
  assert.equal(client.lines.length, 2)

  const open = await house(t, { stdio: {}, plugins: [{ use: 'auth-none' }, { use: './who.ts' }] })
  const second = startStdio(t, [open.file])
  const who = { name: 'echo', arguments: { who: true } }
  const { result } = await second.ask(1, 'tools/call', who)
  assert.match(result.content[0].text, /auth-none anonymous/)
})

test('who must log in is told so by the code, and the rest in the result', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  for (const [id, more] of [
    ['old', {}],
    ['new', { _meta: ENVELOPE }],
  ] as const) {
    const login = await client.ask(`${id} 1`, 'tools/call', {
      name: 'echo',
      arguments: { login: 1 },
      ...more,
    })
    assert.equal(login.error.code, 40100)
    const scope = await client.ask(`${id} 2`, 'tools/call', {
      name: 'echo',
      arguments: { scope: 1 },
      ...more,
    })
    assert.equal(scope.result.isError, true)
    assert.deepEqual(scope.result._meta['patchbay/error'].scopes, ['admin'])
  }
})

test('the end of its input lets calls end; a signal does so too', async (t) => {
  const { file, stub } = await house(t)
  const hold = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hold' } }
  for (const stop of ['end', 'signal'] as const) {
    stub.forget()
    const client = startStdio(t, [file])
    client.send(hold)
    await stub.until(() => stub.calls.length === 1)
    if (stop === 'end') client.child.stdin?.end()
    else client.child.kill('SIGTERM')
    const answered = client.seen(({ id }) => id === 1)
    stub.release()
    assert.equal((await answered).result.content[0].text, 'held')
    assert.equal(await client.exit, 0)
  }
})

test('a client that no longer reads ends its process', async (t) => {
  const { file } = await house(t)
  const client = startStdio(t, [file])
  await client.ask(1, 'ping')
  client.child.stdout?.destroy()
  client.send({ jsonrpc: '2.0', id: 2, method: 'ping' })
  client.send({ jsonrpc: '2.0', id: 3, method: 'ping' })
  assert.equal(await client.exit, 0)
})

test('several processes of one config run at once, and keep one key', async (t) => {
  const { file } = await house(t, { profiles: { team: {} } })
  const clients = [[], [], ['--profile', 'team']].map((more) => startStdio(t, [file, ...more]))
  const who = { name: 'echo', arguments: { who: true } }
  const said = await Promise.all(clients.map((client) => client.ask(1, 'tools/call', who)))
  assert.match(said[2].result.content[0].text, /\/mcp\/team/)
  assert.match(said[0].result.content[0].text, /\/mcp\b/)
  assert.deepEqual(await Promise.all(clients.map((client) => client.end())), [0, 0, 0])
  assert.ok(readdirSync(join(dirname(file), 'data')).includes('key'))
})

test('what is wrong with a config or a profile is told on stderr', async (t) => {
  const { file } = await house(t)
  const strange = startStdio(t, [file, '--profile', 'nobody'])
  assert.equal(await strange.exit, 1)
  assert.match(strange.errors(), /has no profile nobody/)
  const broken = startStdio(t, [configFile(t, { stdio: { principal: {} } })])
  assert.equal(await broken.exit, 1)
  assert.match(broken.errors(), /stdio\.principal/)
  assert.deepEqual([...strange.lines, ...broken.lines], [])
})

test('a process stays with the principal that its first message was let in as', async (t) => {
  const TURNS = `import { definePlugin } from 'mcp-patchbay/sdk'
let asked = 0
export default definePlugin({ name: 'turns', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ authenticate: async () => {
    const subject = asked++ === 1 ? 'bert' : 'anna'
    return { principal: { issuer: 'turns', subject, claims: {}, scopes: [] } }
  } }) })`
  const file = configFile(t, { plugins: [{ use: './turns.ts' }] }, { 'turns.ts': TURNS })
  const client = startStdio(t, [file])
  const ping = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`
  client.send(ping(1) + ping(2) + ping(3))
  await client.seen(({ id }) => id === 3)
  const [first, second, third] = client.lines.map((line) => JSON.parse(line))
  assert.deepEqual([first.result, third.result], [{}, {}])
  assert.match(second.error.message, /another principal/)
})
