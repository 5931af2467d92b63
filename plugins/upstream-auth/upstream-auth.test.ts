import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { checkPlugin, type TestOptions, testPlugin, unauthorized } from 'mcp-patchbay/sdk/testing'
import { type Authority, authority } from '../../test/fixtures/authority.ts'
import upstreamAuth from './index.ts'

const CLIENT = { mode: 'client_credentials', clientId: 'gate', clientSecret: 'secret of & gate' }

async function withTokens(
  server: Authority,
  auth: object = { tokenUrl: `${server.origin}/token` },
  more: Partial<TestOptions> = {},
) {
  const gateway = await testPlugin(
    upstreamAuth,
    {},
    {
      tools: { crm: ['find'] },
      upstreams: { crm: { auth: { ...CLIENT, ...auth } } },
      egress: ['127.0.0.1'],
      ...more,
    },
  )
  const sent = async () => {
    await gateway.result('crm__find')
    return gateway.sent.at(-1)?.headers.authorization
  }
  const status = async () => {
    const { crm } = (await gateway.status())['upstream-auth'] as Record<string, object>
    return crm as Record<string, string>
  }
  return { gateway, sent, status }
}

test('credentials that do not change are sent to their upstream alone', async () => {
  const upstreams = {
    a: { auth: { mode: 'bearer', token: 'token-of-a' } },
    b: { auth: { mode: 'api_key', key: 'key-of-b' } },
    c: { auth: { mode: 'header', name: 'X-C', value: 'value of c' } },
    d: { auth: { mode: 'basic', username: 'd', password: 'pass:of d' } },
    e: { auth: { mode: 'none' } },
  }
  const tools = { a: ['t'], b: ['t'], c: ['t'], d: ['t'], e: ['t'], f: ['t'] }
  const gateway = await testPlugin(upstreamAuth, {}, { tools, upstreams })
  for (const id of Object.keys(tools)) await gateway.result(`${id}__t`)
  assert.deepEqual(
    gateway.sent.map(({ headers }) => headers),
    [
      { authorization: 'Bearer token-of-a' },
      { 'x-api-key': 'key-of-b' },
      { 'x-c': 'value of c' },
      { authorization: `Basic ${btoa('d:pass:of d')}` },
      {},
      {},
    ],
  )
})

test('a token is asked for with what the config says, and used by everybody', async (t) => {
  const server = await authority(t)
  const tokenUrl = `${server.origin}/token`
  const { sent, status } = await withTokens(server, { tokenUrl, scopes: ['a', 'b'] })
  assert.equal((await status()).state, 'none yet')
  assert.equal(await sent(), 'Bearer token-1')
  assert.equal(await sent(), 'Bearer token-1')
  const [{ headers, body }] = server.tokens() as [(typeof server.asked)[0]]
  const basic = Buffer.from('gate:secret+of+%26+gate').toString('base64')
  assert.equal(headers.authorization, `Basic ${basic}`)
  assert.equal(
    body.toString(),
    'grant_type=client_credentials&scope=a+b&resource=https%3A%2F%2Fcrm.example%2Fmcp',
  )
  assert.deepEqual(await status(), {
    mode: 'client_credentials',
    state: 'valid',
    until: '2026-01-01T00:59:55.000Z',
  })
})

test('id and secret go into the body where that is wanted, and `resource` where it is not refused', async (t) => {
  const server = await authority(t)
  const more = { tokenUrl: `${server.origin}/token`, clientAuth: 'post', resource: 'none' }
  await (await withTokens(server, more)).sent()
  const [{ headers, body }] = server.tokens() as [(typeof server.asked)[0]]
  assert.equal(headers.authorization, undefined)
  assert.equal(
    body.toString(),
    'grant_type=client_credentials&client_id=gate&client_secret=secret+of+%26+gate',
  )
})

test('what the metadata offers decides how the client shows itself', async (t) => {
  const server = await authority(t)
  const page = server.pages['/.well-known/oauth-authorization-server'] as Record<string, unknown>
  page.token_endpoint_auth_methods_supported = ['private_key_jwt', 'client_secret_post']
  const { sent, status } = await withTokens(server, { issuer: server.origin })
  await sent()
  assert.equal(server.tokens()[0]?.body.get('client_id'), 'gate')
  assert.equal((await status()).issuer, server.origin)
  page.token_endpoint_auth_methods_supported = ['private_key_jwt']
  const other = await withTokens(server, { issuer: server.origin })
  const { message } = await other.gateway.denied('crm__find')
  assert.match(message, /neither as client_secret_basic nor as client_secret_post/)
})

test('metadata of another issuer gets no secret', async (t) => {
  const server = await authority(t)
  const page = server.pages['/.well-known/oauth-authorization-server'] as Record<string, unknown>
  page.issuer = 'https://evil.example'
  const { gateway } = await withTokens(server, { issuer: server.origin })
  const { message } = await gateway.denied('crm__find')
  assert.match(message, /is that of another issuer, "https:\/\/evil\.example"/)
  assert.equal(server.tokens().length, 0)
})

test('of an issuer with a path all three places are asked', async (t) => {
  const server = await authority(t)
  const issuer = `${server.origin}/tenant`
  const place = '/tenant/.well-known/openid-configuration'
  server.pages[place] = { issuer, token_endpoint: `${server.origin}/token` }
  await (await withTokens(server, { issuer })).sent()
  assert.deepEqual(
    server.asked.map(({ path }) => path),
    [
      '/.well-known/oauth-authorization-server/tenant',
      '/.well-known/openid-configuration/tenant',
      place,
      '/token',
    ],
  )
})

/** An upstream on the authority's own origin that wants a token once, and says who gives it. */
async function discovered(t: TestContext, described: object = {}) {
  const server = await authority(t)
  const url = `${server.origin}/mcp`
  const place = '/.well-known/oauth-protected-resource/mcp'
  server.pages[place] = { resource: url, authorization_servers: [server.origin], ...described }
  const state = { wants: 'Bearer scope="s1 s2"' as string | undefined }
  const made = await withTokens(
    server,
    {},
    {
      upstreamUrls: { crm: url },
      reply: ({ headers }) =>
        headers.authorization === undefined || state.wants === 'always'
          ? unauthorized(401, state.wants)
          : { content: [] },
    },
  )
  return { ...made, server, url, place, state }
}

test('an upstream that says nothing of metadata is looked up at the well-known places', async (t) => {
  const { sent, server, url } = await discovered(t)
  assert.equal(await sent(), 'Bearer token-1')
  const { body } = server.tokens()[0] ?? {}
  assert.equal(body?.get('resource'), url)
  assert.equal(body?.get('scope'), 's1 s2')
})

test('metadata that describes somebody else is not believed', async (t) => {
  const { gateway, server } = await discovered(t, { resource: 'https://bank.example/mcp' })
  const { message, hint } = await gateway.denied('crm__find')
  assert.match(message, /describes "https:\/\/bank\.example\/mcp", which is not the upstream/)
  assert.match(hint ?? '', /upstreams\.crm\.auth/)
  assert.equal(server.tokens().length, 0)
})

test('who was sent the secret once stays the only one', async (t) => {
  const { sent, gateway, server, place, url, status } = await discovered(t)
  await sent()
  const other = await authority(t)
  server.pages[place] = { resource: url, authorization_servers: [other.origin] }
  await gateway.command('upstream-auth', 'renew', { upstream: 'crm' })
  assert.match((await status()).reason ?? '', /used to name .* and now names/)
  assert.equal(other.asked.length, 0)
})

test('a failure that lasts takes the token away, a passing one does not', async (t) => {
  const server = await authority(t)
  const { sent, gateway, status } = await withTokens(server)
  await sent()
  server.token = () => [503, '']
  gateway.clock.advance(3_500_000)
  assert.equal(await sent(), 'Bearer token-1')
  while ((await status()).reason === undefined) await new Promise(setImmediate)
  assert.match((await status()).reason ?? '', /HTTP 503/)
  assert.equal((await status()).state, 'valid')
  server.token = () => [400, { error: 'unauthorized_client', error_description: 'gone\u001b[31m' }]
  gateway.clock.advance(10_000)
  await sent()
  while ((await status()).state !== 'failed') await new Promise(setImmediate)
  const denial = await gateway.denied('crm__find')
  assert.match(denial.message, /HTTP 400 unauthorized_client \(gone \[31m\)/)
  assert.equal(denial.retryAfterMs, undefined)
  const before = server.tokens().length
  gateway.clock.advance(9 * 60_000)
  await gateway.denied('crm__find')
  assert.equal(server.tokens().length, before)
  server.token = () => [200, { access_token: 'fresh', token_type: 'bearer' }]
  const renewed = await gateway.command('upstream-auth', 'renew', { upstream: 'crm' })
  assert.equal((renewed as { state: string }).state, 'valid')
  assert.equal(await sent(), 'Bearer fresh')
  gateway.clock.advance(365 * 86_400_000)
  assert.equal(await sent(), 'Bearer fresh')
})

const ANSWERS: Record<string, [readonly [number, unknown, object?], RegExp, boolean]> = {
  'a login page': [[200, '<html>'], /without a token that can be sent/, true],
  'a token with a line break': [
    [200, { access_token: 'a\r\nb', token_type: 'Bearer' }],
    /without a token/,
    true,
  ],
  'a DPoP token': [[200, { access_token: 'a', token_type: 'DPoP' }], /another type/, false],
  'a redirect': [[302, '', { location: 'https://evil.example/' }], /HTTP 302 in place/, false],
  'too many requests': [[429, '', { 'retry-after': '120' }], /HTTP 429/, true],
  'an unknown scope': [[400, { error: 'invalid_scope' }], /400 invalid_scope/, false],
  'an unknown address': [[404, 'nothing'], /HTTP 404/, false],
}
for (const [what, [answer, message, passes]] of Object.entries(ANSWERS)) {
  test(`${what} in place of a token is told and ${passes ? 'passes' : 'lasts'}`, async (t) => {
    const server = await authority(t)
    server.token = () => answer
    const { gateway } = await withTokens(server)
    const denial = await gateway.denied('crm__find')
    assert.equal(denial.code, 'UNAVAILABLE')
    assert.match(denial.message, message)
    assert.equal(denial.retryAfterMs !== undefined, passes)
    if (what === 'too many requests') assert.equal(denial.retryAfterMs, 120_000)
    await gateway.denied('crm__find')
    assert.equal(server.tokens().length, 1)
  })
}

test('fifty calls at once ask for one token', async (t) => {
  const server = await authority(t)
  const { gateway } = await withTokens(server)
  await Promise.all(Array.from({ length: 50 }, () => gateway.result('crm__find')))
  assert.equal(server.tokens().length, 1)
})

test('a call whose token was renewed meanwhile is sent again, and nothing is asked for', async (t) => {
  const server = await authority(t)
  let open: (() => void) | undefined
  const { gateway } = await withTokens(server, undefined, {
    reply: async ({ headers, args }) => {
      if (args.slow === true && headers.authorization === 'Bearer token-1') {
        await new Promise<void>((resolve) => {
          open = resolve
        })
      }
      return headers.authorization === 'Bearer token-1' ? unauthorized(401) : { content: [] }
    },
  })
  const slow = gateway.result('crm__find', { slow: true })
  while (open === undefined) await new Promise(setImmediate)
  await gateway.result('crm__find')
  assert.equal(server.tokens().length, 2)
  open()
  await slow
  assert.equal(server.tokens().length, 2)
})

test('a token server that never answers costs its own deadline, and the log no secret', async (t) => {
  const server = await authority(t)
  server.token = () => undefined
  const { gateway } = await withTokens(server)
  const pending = gateway.denied('crm__find')
  while (server.tokens().length === 0) await new Promise(setImmediate)
  gateway.clock.advance(10_000)
  const denial = await pending
  assert.match(denial.message, /did not answer within 10000 ms/)
  const text = JSON.stringify([gateway.logs, await gateway.status(), denial])
  assert.doesNotMatch(text, /secret of/)
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(upstreamAuth, { folder: import.meta.dirname }))
