import assert from 'node:assert/strict'
import test from 'node:test'
import { MACHINE } from '../../fixtures/identity-provider.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { drive, trouble, until } from '../upstreams/gateway.ts'
import { sseServer } from './guarded.ts'
import { CLIENT, LIFETIME, type OAuth, oauth } from './oauth.ts'

const SERVERS = {
  modern: async (t: test.TestContext) => (await modernUpstream(t)).url,
  legacy: async (t: test.TestContext) => (await legacyUpstream(t)).url,
  'HTTP+SSE': sseServer,
}

async function echo({ gateway }: OAuth, text = 'hi'): Promise<void> {
  const answer = await gateway.call('crm__echo', { args: { text } })
  assert.equal(answer.result?.content[0]?.text, text, trouble(answer))
}

for (const [server, start] of Object.entries(SERVERS)) {
  test(`a ${server} server says by its refusal who gives tokens for it`, async (t) => {
    const all = await oauth(t, { start: () => start(t) })
    await all.gateway.ready()
    const asked = ['GET /.well-known/oauth-authorization-server', 'POST /token']
    assert.deepEqual(all.identity.requests, asked)
    await echo(all)
    assert.equal(all.door.refused, 1)
    assert.equal(all.tokens.size, 1)
  })

  test(`seeds 7.22: tokens for a ${server} server end while clients go on, and no call notices`, async (t) => {
    const all = await oauth(t, { start: () => start(t) })
    await all.gateway.ready()
    const before = all.door.refused
    for (let passed = 0; passed < 4 * LIFETIME; passed += 20_000) {
      all.gateway.clock.advance(20_000)
      // What is under way is given the time that only a real clock gives.
      await until(async () => {
        await echo(all)
        return all.age() < 0.8 * LIFETIME
      })
    }
    assert.equal(all.door.refused, before)
    assert.ok(all.tokens.size >= 4, String(all.tokens.size))
    assert.ok(all.asked() <= 8, String(all.asked()))
  })
}

test('with an issuer or a token URL the upstream need not be asked first', async (t) => {
  const first = await oauth(t)
  await first.gateway.ready()
  const { issuer } = first.identity
  for (const more of [{ issuer }, { tokenUrl: `${issuer}/token`, clientAuth: 'basic' }]) {
    const upstreams = { crm: { url: first.door.url, auth: { ...CLIENT, ...more } } }
    const refused = first.door.refused
    const plugins = [{ use: 'upstream-auth' }]
    const gateway = await drive(t, upstreams, { plugins, egress: ['127.0.0.1'] })
    await gateway.ready()
    assert.equal(first.door.refused, refused)
  }
})

test('a token is renewed behind the back of the calls that use the old one', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  const [old] = all.tokens
  const sent = all.door.admitted.length
  all.gateway.clock.advance(LIFETIME - 30_000)
  await echo(all)
  await all.gateway.passUntil(() => all.asked() === 2)
  assert.equal(all.door.admitted[sent]?.authorization, `Bearer ${old}`)
  await all.gateway.passUntil(async () => {
    await echo(all)
    return all.tokens.size === 2
  })
  assert.equal(all.door.refused, 1)
})

test('after a night without calls the first one waits for a new token', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  all.gateway.clock.advance(LIFETIME - 1_000)
  all.gateway.clock.advance(LIFETIME)
  await Promise.all(Array.from({ length: 50 }, (_, n) => echo(all, String(n))))
  assert.equal(all.asked(), 2)
  assert.equal(all.door.refused, 1)
})

test('fifty calls whose token was revoked have one other got, and all succeed', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  const [old] = all.tokens
  all.revoked.add(old as string)
  await Promise.all(Array.from({ length: 50 }, (_, n) => echo(all, String(n))))
  assert.equal(all.asked(), 2)
  assert.equal(all.tokens.size, 2)
})

test('an upstream that takes no token has one got a minute, and says what to look at', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  const door = all.door.door
  all.door.door = () => ({ status: 401, challenge: 'Bearer error="invalid_token"' })
  trouble(await all.gateway.call('crm__echo'))
  assert.equal(all.asked(), 2)
  for (let n = 0; n < 20; n++) {
    const text = trouble(await all.gateway.call('crm__echo'))
    assert.match(text, /crm refuses the token.*`resource` and `scopes` of `upstreams\.crm\.auth`/s)
  }
  assert.equal(all.asked(), 2)
  all.gateway.clock.advance(60_000)
  trouble(await all.gateway.call('crm__echo'))
  assert.equal(all.asked(), 3)
  all.door.door = door
  await echo(all)
})

test('scopes that are missing are named', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  all.door.door = () => ({
    status: 403,
    challenge: 'Bearer error="insufficient_scope", scope="files:read files:write"',
  })
  const text = trouble(await all.gateway.call('crm__echo'))
  assert.match(text, /can add files:read files:write to `upstreams\.crm\.auth\.scopes`/)
  assert.equal(all.asked(), 1)
})

test('seeds 7.25: while tokens cannot be had the old one is used to its end, and calls get them again after', async (t) => {
  const all = await oauth(t)
  await all.gateway.ready()
  all.identity.down = true
  all.gateway.clock.advance(LIFETIME - 40_000)
  for (let n = 0; n < 20; n++) {
    await echo(all)
    all.gateway.clock.advance(1_000)
  }
  const tries = all.identity.requests.length
  assert.ok(tries >= 3 && tries < 14, String(tries))
  all.gateway.clock.advance(30_000)
  const answer = await all.gateway.call('crm__echo')
  assert.match(trouble(answer), /there is no token for crm: .*(HTTP 503|did not answer)/s)
  const error = answer.result?._meta?.['patchbay/error'] as { retryAfterMs?: number }
  assert.ok((error.retryAfterMs ?? 0) > 0)
  all.identity.down = false
  await all.gateway.passUntil(async () => {
    const { result } = await all.gateway.call('crm__echo', { args: { text: 'again' } })
    return result?.content[0]?.text === 'again'
  })
})

test('seeds 7.25: a client that the server does not know is not asked about again and again', async (t) => {
  const all = await oauth(t, { auth: { ...CLIENT, clientSecret: 'another-secret-of-nobody' } })
  await all.gateway.until(() => all.gateway.status().crm?.state === 'auth-required')
  const { error } = all.gateway.status().crm ?? {}
  assert.match(error ?? '', /there is no token for crm: .*HTTP 401 invalid_client/)
  assert.match(error ?? '', /`upstreams\.crm\.auth`: Correct `clientId` and `clientSecret`/)
  for (let n = 0; n < 40; n++) {
    assert.match(trouble(await all.gateway.call('crm__echo')), /Unknown tool/)
    all.gateway.clock.advance(10_000)
  }
  assert.equal(all.asked(), 1)
  await all.gateway.passUntil(() => all.asked() === 2)
})

test('no secret and no token stands in a log line, a status or an answer', async (t) => {
  const all = await oauth(t)
  const told: string[] = []
  await all.gateway.ready()
  await echo(all)
  for (const one of [...all.tokens]) all.revoked.add(one)
  await echo(all)
  all.identity.down = true
  all.gateway.clock.advance(LIFETIME * 2)
  told.push(trouble(await all.gateway.call('crm__echo')))
  await all.gateway.until(() => all.gateway.log.some(({ msg }) => /no new token/.test(String(msg))))
  const { client_id: id, client_secret: secret } = MACHINE
  const basic = Buffer.from(`${id}:${secret}`).toString('base64')
  const text = JSON.stringify([told, all.gateway.status(), all.gateway.log])
  for (const one of [secret, basic, ...all.tokens]) assert.ok(!text.includes(one), one)
  assert.ok(all.gateway.log.length > 5)
})
