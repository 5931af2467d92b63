import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import test from 'node:test'
import { definePlugin, deny } from 'mcp-patchbay/sdk'
import { checkPlugin, testPlugin } from 'mcp-patchbay/sdk/testing'
import { paperIssuer, STILL } from '../../test/fixtures/paper-issuer.ts'
import authJwt from './index.ts'

const ID = await paperIssuer()
const NOW = STILL / 1000
const TRUSTED = { issuer: ID.issuer, jwks: { keys: [ID.jwk] } }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token is a principal, the same object every time, until it expires', async () => {
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED] })
  const token = await ID.sign({ scope: 'mcp files:read', team: 'core' })
  const found = await gateway.authenticate(bearer(token))
  assert.ok('principal' in found)
  const { issuer, subject, claims, scopes } = found.principal
  assert.deepEqual([issuer, subject, claims.team], [ID.issuer, 'anna', 'core'])
  assert.deepEqual(scopes, ['mcp', 'files:read'])
  assert.equal(found.until, (NOW + 300 + 30) * 1000)
  const both = [
    gateway.admitted(bearer(token)),
    gateway.admitted({ authorization: `bEARER  ${token}` }),
  ]
  for (const again of await Promise.all(both)) assert.equal(again, found.principal)
})

test('who sends a token twice at once, the first time too, is one principal', async () => {
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED] })
  const token = await ID.sign({})
  const [one, other] = await Promise.all([
    gateway.admitted(bearer(token)),
    gateway.admitted(bearer(token)),
  ])
  assert.equal(one, other)
})

test('a token that is not what it must be is refused, and the refusal says nothing of it', async () => {
  const stranger = await paperIssuer(ID.issuer, ID.kid)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const rs = { ...rsa.export({ format: 'jwk' }), kid: 'rsa' }
  const gateway = await testPlugin(authJwt, {
    issuers: [{ issuer: ID.issuer, jwks: { keys: [ID.jwk, rs] } }],
    claims: ['team'],
  })
  const good = await ID.sign({ team: 'x' })
  await gateway.admitted(bearer(good))
  const [head, body, signature] = good.split('.')
  const claims = JSON.parse(Buffer.from(body as string, 'base64url').toString())
  const sign = (more: object, header?: Readonly<Record<string, unknown>>) =>
    ID.sign({ team: 'x', ...more }, header)
  /** The public key, taken for a secret. */
  const confused = (kid: string, secret: string) => {
    const text = `${base64({ alg: 'HS256', typ: 'at+jwt', kid })}.${body}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const cases: [string, string | Promise<string>, RegExp][] = [
    ['expired', sign({ exp: NOW - 31 }), /it has expired/],
    ['not yet valid', sign({ nbf: NOW + 31 }), /it is not valid yet/],
    ['no expiry', sign({ exp: undefined }), /it lacks the claim exp/],
    ['an expiry that is no number', sign({ exp: '4102444800' }), /its claim exp is not/],
    ['another audience', sign({ aud: 'https://other.test/mcp' }), /another audience/],
    ['the audience, nearly', sign({ aud: 'https://gateway.test/mcp/' }), /another audience/],
    ['no audience', sign({ aud: undefined }), /it lacks the claim aud/],
    ['another issuer', sign({ iss: 'https://evil.test' }), /its issuer is not trusted here/],
    ['the issuer, nearly', sign({ iss: `${ID.issuer}/` }), /its issuer is not trusted here/],
    ['no issuer', sign({ iss: undefined }), /its issuer is not trusted here/],
    ['no subject', sign({ sub: undefined }), /it lacks the claim sub/],
    ['an empty subject', sign({ sub: '' }), /its claim sub is not/],
    ['a subject that is no text', sign({ sub: 7 }), /its claim sub is not/],
    ['without what it must claim', ID.sign({}), /it lacks the claim team/],
    ['bound to a key', sign({ cnf: { jkt: 'x' } }), /it is bound to a key/],
    ['a token for logging out', sign({}, { typ: 'logout+jwt' }), /its type/],
    ['a type that is no text', sign({}, { typ: 7 }), /its type/],
    ["another's key of that name", stranger.sign({ team: 'x' }), /not signed with a key/],
    ['a key that there is not', sign({}, { kid: 'none' }), /not signed with a key/],
    ['tampered', `${head}.${base64({ ...claims, sub: 'root' })}.${signature}`, /not signed with/],
    ['no signature', `${head}.${body}.`, /not signed with/],
    ['alg none', `${base64({ alg: 'none' })}.${body}.`, /algorithm is not accepted/],
    ['alg NONE with a signature', `${base64({ alg: 'NONE' })}.${body}.${signature}`, /algorithm/],
    ['HS256 by the JWK', confused(ID.kid, JSON.stringify(ID.jwk)), /algorithm/],
    [
      'HS256 by the PEM',
      confused('rsa', String(rsa.export({ format: 'pem', type: 'spki' }))),
      /algorithm/,
    ],
    ['claims that are no JSON', `${head}.eA.${signature}`, /malformed/],
    ['claims that are a list', `${head}.${base64([])}.${signature}`, /malformed/],
    [
      'a critical header',
      sign({}, { crit: ['b64'], b64: false }).catch(
        () => `${base64({ alg: 'ES256', crit: ['x'], x: 1 })}.${body}.${signature}`,
      ),
      /malformed|algorithm/,
    ],
  ]
  for (const [name, signing, reason] of cases) {
    const token = await signing
    const denial = await gateway.refused(bearer(token))
    assert.equal(denial.code, 'UNAUTHENTICATED', name)
    assert.match(denial.message, reason, name)
    for (const part of token.split('.').filter((text) => text.length > 20)) {
      assert.ok(!JSON.stringify([denial, gateway.logs, gateway.events]).includes(part), name)
    }
    assert.equal((await gateway.refused(bearer(token))).message, denial.message, `${name}, again`)
  }
})

test('seeds 7.21: clocks may be apart as far as the settings say, and the token ends with that', async () => {
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED], clockTolerance: '10s' })
  const late = await ID.sign({ exp: NOW - 9 })
  const early = await ID.sign({ nbf: NOW + 10 })
  assert.equal((await gateway.admitted(bearer(late))).subject, 'anna')
  assert.equal((await gateway.admitted(bearer(early))).subject, 'anna')
  await gateway.refused(bearer(await ID.sign({ exp: NOW - 10 })))
  await gateway.refused(bearer(await ID.sign({ nbf: NOW + 11 })))
  gateway.clock.advance(999)
  await gateway.admitted(bearer(late))
  gateway.clock.advance(1)
  assert.match((await gateway.refused(bearer(late))).message, /it has expired/)
})

test('a token for the gateway is good everywhere, one for a profile only there', async () => {
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED] }, { profiles: ['team', 'ops'] })
  const whole = bearer(await ID.sign({ aud: ['https://x.test', 'https://gateway.test/mcp'] }))
  const team = bearer(await ID.sign({ aud: 'https://gateway.test/mcp/team' }))
  for (const path of ['/mcp', '/mcp/team', '/mcp/ops', '/report']) {
    await gateway.admitted(whole, { path })
    if (path === '/mcp/team') await gateway.admitted(team, { path })
    else assert.match((await gateway.refused(team, { path })).message, /another audience/, path)
  }
})

test('audiences of the settings take the place of the address', async () => {
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED], audiences: ['api://tools'] })
  await gateway.admitted(bearer(await ID.sign({ aud: 'api://tools' })), { path: '/mcp/team' })
  await gateway.refused(bearer(await ID.sign({})))
})

test('algorithms and types are those of the settings', async () => {
  const narrow = { issuers: [TRUSTED], algorithms: ['RS256'], types: ['at+jwt'] }
  const strict = await testPlugin(authJwt, narrow)
  assert.match((await strict.refused(bearer(await ID.sign({})))).message, /algorithm/)
  assert.match((await strict.refused(bearer(await ID.sign({}, { typ: 'JWT' })))).message, /type/)
  assert.match(
    (await strict.refused(bearer(await ID.sign({}, { typ: undefined })))).message,
    /type/,
  )
  const usual = await testPlugin(authJwt, { issuers: [TRUSTED] })
  for (const typ of ['JWT', 'jwt', 'AT+JWT', 'application/at+jwt', undefined]) {
    await usual.admitted(bearer(await ID.sign({}, { typ })))
  }
})

test('a token without the name of a key is tried with all that fit', async () => {
  const second = await paperIssuer(ID.issuer, 'second')
  const keys = [ID.jwk, second.jwk]
  const gateway = await testPlugin(authJwt, { issuers: [{ issuer: ID.issuer, jwks: { keys } }] })
  const stranger = await paperIssuer(ID.issuer)
  for (const one of [ID, second])
    await gateway.admitted(bearer(await one.sign({}, { kid: undefined })))
  await gateway.refused(bearer(await stranger.sign({}, { kid: undefined })))
  await gateway.refused(bearer(await second.sign({ exp: NOW - 60 }, { kid: undefined })))
})

test('what is no JWT in the Authorization header is left to other plugins', async () => {
  const other = definePlugin({
    name: 'other',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({ authenticate: () => deny('UNAUTHENTICATED', 'asked the other one') }),
  })
  const gateway = await testPlugin(authJwt, { issuers: [TRUSTED] }, { with: [[other]] })
  const token = await ID.sign({})
  for (const headers of [
    {},
    bearer('an-opaque-key'),
    bearer('ebbc.opaque.key'),
    bearer(''),
    bearer(`${token}.x.y`),
    { authorization: `Basic ${token}` },
    { authorization: token },
    { authorization: `Bearer${token}` },
    { 'x-api-key': token },
    { cookie: `access_token=${token}` },
  ]) {
    assert.equal((await gateway.refused(headers)).message, 'asked the other one')
  }
  assert.match((await gateway.refused(bearer(await ID.sign({ iss: 'x' })))).message, /issuer/)
})

test("scopes are the token's own, as far as they count, and what its claims are mapped to", async () => {
  const partner = await paperIssuer('https://partner.test')
  const gateway = await testPlugin(authJwt, {
    issuers: [
      { ...TRUSTED, mappings: { 'realm_access.roles': { 'ops-*': ['ops'] } } },
      {
        issuer: partner.issuer,
        jwks: { keys: [partner.jwk] },
        scopes: ['tickets:*'],
        claims: ['org'],
      },
    ],
    mappings: {
      groups: { support: ['tickets:read', 'mcp'], '*': ['known'] },
      vip: { true: ['fast'] },
    },
  })
  const scopes = async (claims: object, by = ID) =>
    (await gateway.admitted(bearer(await by.sign({ ...claims })))).scopes
  assert.deepEqual(await scopes({ scope: 'mcp  x', groups: ['support', 'dev'] }), [
    'mcp',
    'x',
    'tickets:read',
    'known',
  ])
  assert.deepEqual(await scopes({ scp: ['a', 'b c'], groups: 'Support' }), ['a', 'b', 'c', 'known'])
  assert.deepEqual(await scopes({ realm_access: { roles: ['ops-eu'] }, vip: true }), [
    'fast',
    'ops',
  ])
  assert.deepEqual(await scopes({ 'realm_access.roles': 'ops-1', groups: { support: 1 } }), ['ops'])
  assert.deepEqual(await scopes({ groups: [['support'], null, {}], scope: 7, scp: [true, 'x'] }), [
    'x',
  ])
  // Whoever may issue tokens makes no operators.
  assert.deepEqual(await scopes({ scope: 'x patchbay:admin', scp: ['patchbay:*'] }), ['x'])
  const theirs = { org: 1, scope: 'tickets:read patchbay:admin', realm_access: { roles: 'ops-1' } }
  assert.deepEqual(await scopes(theirs, partner), ['tickets:read'])
  await gateway.refused(bearer(await partner.sign({})))
})

test('seeds 7.31: settings that cannot be are refused with path and reason', async () => {
  const secret = { kty: 'oct', k: 'c2VjcmV0', kid: 'x' }
  const own = { ...ID.jwk, d: 'x' }
  const refusals: [object, RegExp][] = [
    [{}, /config: needs `issuers`/],
    [{ issuers: [] }, /config\.issuers: must hold at least 1 item/],
    [{ issuers: [{ issuer: 'id.test' }] }, /config\.issuers\[0\]\.issuer: /],
    [{ issuers: [TRUSTED], algorithms: ['RS265'] }, /config\.algorithms\[0\]: .*RS256/],
    [{ issuers: [TRUSTED], algorithms: ['HS256'] }, /config\.algorithms\[0\]: /],
    [{ issuers: [TRUSTED], algorithms: ['none'] }, /config\.algorithms\[0\]: /],
    [{ issuers: [TRUSTED], algorithms: [] }, /config\.algorithms: /],
    [{ issuers: [TRUSTED], types: ['at_jwt'] }, /config\.types\[0\]: .*at\+jwt/],
    [{ issuers: [TRUSTED], audience: 'x' }, /config\.audience: is not a setting here/],
    [{ issuers: [TRUSTED], audiences: [] }, /config\.audiences: /],
    [{ issuers: [TRUSTED], clockTolerance: '6m' }, /config\.clockTolerance: /],
    [{ issuers: [TRUSTED], scopesSupported: ['offline_access'] }, /config\.scopesSupported\[0\]: /],
    [{ issuers: [TRUSTED], scopesSupported: ['a b'] }, /config\.scopesSupported\[0\]: /],
    [
      { issuers: [TRUSTED], mappings: { groups: { '!x': ['a'] } } },
      /config\.mappings\.groups: .*!/,
    ],
    [{ issuers: [TRUSTED], mappings: { groups: ['a'] } }, /config\.mappings\.groups: /],
    [{ issuers: [TRUSTED, TRUSTED] }, /config\.issuers\[1\]\.issuer: stands further up/],
    [{ issuers: [{ ...TRUSTED, jwksUri: 'https://x.test' }] }, /issuers\[0\]\.jwks: cannot stand/],
    [
      { issuers: [{ ...TRUSTED, jwks: { keys: [secret] } }] },
      /jwks\.keys\[0\]: is not a public key/,
    ],
    [{ issuers: [{ ...TRUSTED, jwks: { keys: [own] } }] }, /jwks\.keys\[0\]: is not a public key/],
    [{ issuers: [{ ...TRUSTED, jwks: { keys: [{ kty: 'EC' }] } }] }, /jwks\.keys\[0\]: is no key/],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(authJwt, config), (error: Error) => {
      assert.match(error.message, message)
      return true
    })
  }
  await assert.rejects(
    testPlugin(authJwt, { issuers: [TRUSTED] }, { url: null }),
    /config\.issuers: need to know where clients reach the gateway.*listen\.publicUrl/s,
  )
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(authJwt, { folder: import.meta.dirname }))
