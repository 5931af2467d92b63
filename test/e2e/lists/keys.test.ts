// Who is let in by auth-api-key, and that nobody gets at somebody else's session.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { CLIENTS, wordsOf } from '../../fixtures/clients.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Era, rawClient, toolCall } from '../../fixtures/raw.ts'
import { modernUpstream, type RunningUpstream } from '../../fixtures/upstreams.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']
const hashed = (key: string) => createHash('sha256').update(key).digest('hex')

const AUTH = {
  use: 'auth-api-key',
  config: {
    keys: [
      { id: 'anna', sha256: hashed('anna-key') },
      { id: 'bob', sha256: hashed('bob-key') },
      { id: 'late', sha256: hashed('late-key'), expires: '2020-01-01T00:00:00Z' },
    ],
  },
}

async function house(
  t: TestContext,
  auth: object = AUTH,
): Promise<{ gateway: RunningGateway; upstream: RunningUpstream }> {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, { upstreams: { up: { url: upstream.url } }, plugins: [auth] })
  await gateway.ready()
  return { gateway, upstream }
}

test('every client with the right key is let in, in either of the two headers', async (t) => {
  const { gateway } = await house(t)
  const headers = [{ 'x-api-key': 'anna-key' }, { authorization: 'Bearer bob-key' }]
  for (const { connect } of Object.values(CLIENTS)) {
    for (const one of headers) {
      const client = await connect(t, gateway.url, { headers: one })
      assert.equal(wordsOf(await client.call('up__echo', { text: 'in' })), 'in')
      await client.close()
    }
  }
})

const WRONG: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no key': {},
  'an unknown key': { 'x-api-key': 'carl-key' },
  'an unknown bearer token': { authorization: 'Bearer carl-key' },
  'an empty key': { 'x-api-key': '' },
  'the hash of a key': { 'x-api-key': hashed('anna-key') },
  'an expired key': { 'x-api-key': 'late-key' },
  'a key with more behind it': { 'x-api-key': 'anna-key2' },
  'a wrong key beside a right one': { 'x-api-key': 'carl-key', authorization: 'Bearer anna-key' },
}

for (const [what, headers] of Object.entries(WRONG)) {
  test(`${what} is answered with 401 and a challenge, whatever is asked`, async (t) => {
    const { gateway, upstream } = await house(t)
    const requests = [
      toolCall('up__echo', '{"text":"in"}'),
      { method: 'tools/list' },
      { method: 'initialize' },
      { method: 'server/discover' },
    ]
    const texts = new Set<string>()
    // A modern raw client shakes no hands, so that it exists without a key.
    const client = await rawClient(t, gateway.url, 'modern', headers)
    for (const request of requests) {
      const { status, headers: answered, messages } = await client.ask(request)
      assert.equal(status, 401)
      assert.equal(answered.get('www-authenticate'), 'Bearer')
      assert.equal(JSON.parse(messages[0] ?? '').error.code, 40100)
      texts.add(messages[0] ?? '')
    }
    // What was asked for makes no difference.
    assert.equal(texts.size, 1)
    await assert.rejects(rawClient(t, gateway.url, 'legacy', headers), /401/)
    for (const method of ['GET', 'DELETE']) {
      const answer = await fetch(gateway.url, {
        method,
        headers: { accept: 'text/event-stream', 'mcp-session-id': 'any', ...headers },
      })
      assert.equal(answer.status, 401)
    }
    assert.deepEqual(upstream.tools.calls, [])
  })
}

test('without auth-api-key the same calls succeed', async (t) => {
  const { gateway } = await house(t, { use: 'auth-none' })
  for (const era of ERAS) {
    for (const headers of Object.values(WRONG)) {
      const client = await rawClient(t, gateway.url, era, headers)
      const { status } = await client.ask(toolCall('up__echo', '{"text":"in"}'))
      assert.equal(status, 200)
    }
  }
})

test("another key's session is not found, and stays untouched", async (t) => {
  const { gateway, upstream } = await house(t)
  const anna = await rawClient(t, gateway.url, 'legacy', { 'x-api-key': 'anna-key' })
  const session = anna.session ?? ''
  const bobs = { 'x-api-key': 'bob-key', 'mcp-session-id': session, accept: 'text/event-stream' }

  const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo"}}'
  const statuses = [
    (await fetch(gateway.url, { method: 'POST', headers: { ...bobs, ...json }, body })).status,
    (await fetch(gateway.url, { method: 'GET', headers: bobs })).status,
    (await fetch(gateway.url, { method: 'DELETE', headers: bobs })).status,
  ]
  assert.deepEqual(statuses, [404, 404, 404])
  assert.deepEqual(upstream.tools.calls, [])
  assert.equal((await anna.ask(toolCall('up__echo', '{"text":"in"}'))).status, 200)
})

test('two keys of one client software get sessions of their own', async (t) => {
  const { gateway } = await house(t)
  const [anna, bob] = await Promise.all(
    ['anna-key', 'bob-key'].map((key) => rawClient(t, gateway.url, 'legacy', { 'x-api-key': key })),
  )
  assert.notEqual(anna?.session, bob?.session)
  // The session alone is nobody.
  const headers = {
    accept: 'text/event-stream',
    'mcp-session-id': anna?.session ?? '',
  }
  assert.equal((await fetch(gateway.url, { headers })).status, 401)
})

test("a client cannot cancel another one's call", { timeout: 10_000 }, async (t) => {
  const { gateway, upstream } = await house(t)
  const anna = await rawClient(t, gateway.url, 'legacy', { 'x-api-key': 'anna-key' })
  const bob = await rawClient(t, gateway.url, 'legacy', { 'x-api-key': 'bob-key' })
  const held = upstream.tools.nextCancellation()
  const call = await anna.open(
    toolCall('up__slow', '{"steps":1,"hold":true}', { id: '7', meta: '"progressToken":7' }),
  )
  await call.next()
  assert.equal(await bob.tell('notifications/cancelled', '"requestId":7'), 202)
  // Bob's next answer comes after his notification was read.
  await bob.ask({ method: 'ping' })
  assert.equal(upstream.tools.cancelled, 0)
  await anna.tell('notifications/cancelled', '"requestId":7')
  await held
  assert.equal(await call.next(), undefined)
})
