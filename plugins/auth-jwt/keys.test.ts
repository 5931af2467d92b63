import assert from 'node:assert/strict'
import test from 'node:test'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import {
  type Pages,
  type PaperIssuer,
  paperIssuer,
  webOf,
} from '../../test/fixtures/paper-issuer.ts'
import { metadataUrls } from './discovery.ts'
import authJwt from './index.ts'
import type { Issuer } from './issuer.ts'
import { type KnownToken, KnownTokens } from './known-tokens.ts'

const MINUTE = 60_000
const ID = await paperIssuer()
const NEXT = await paperIssuer(ID.issuer, 'next')
const METADATA = `${ID.issuer}/.well-known/oauth-authorization-server`
const OPENID = `${ID.issuer}/.well-known/openid-configuration`
const JWKS = 'https://keys.test/jwks'

const keysOf = (...issuers: readonly PaperIssuer[]) => ({ keys: issuers.map(({ jwk }) => jwk) })

async function scene(pages: Pages, issuer: object = { issuer: ID.issuer }) {
  const web = webOf(pages)
  const gateway = await testPlugin(authJwt, { issuers: [issuer] }, { before: [[web.plugin]] })
  const sign = async (by: PaperIssuer, claims: object = {}) => {
    const token = await by.sign({ ...claims }, {}, gateway.clock.now())
    return { authorization: `Bearer ${token}` }
  }
  return { gateway, sign, asked: web.asked }
}

function sound(...issuers: readonly PaperIssuer[]): Pages {
  return new Map<string, object>([
    [METADATA, { issuer: ID.issuer, jwks_uri: JWKS }],
    [JWKS, keysOf(...issuers)],
  ])
}

test('where keys are is found by the metadata of the issuer, in the order of the specification', async () => {
  const pages = sound(ID)
  const first = await scene(pages)
  await first.gateway.admitted(await first.sign(ID))
  assert.deepEqual(first.asked, [METADATA, JWKS])

  pages.delete(METADATA)
  pages.set(METADATA, 404).set(OPENID, { issuer: ID.issuer, jwks_uri: JWKS })
  const second = await scene(pages)
  await second.gateway.admitted(await second.sign(ID))
  assert.deepEqual(second.asked, [METADATA, OPENID, JWKS])

  const third = await scene(new Map([[JWKS, keysOf(ID)]]), { issuer: ID.issuer, jwksUri: JWKS })
  await third.gateway.admitted(await third.sign(ID))
  assert.deepEqual(third.asked, [JWKS])

  assert.deepEqual(metadataUrls('https://id.test/tenant/'), [
    'https://id.test/.well-known/oauth-authorization-server/tenant',
    'https://id.test/.well-known/openid-configuration/tenant',
    'https://id.test/tenant/.well-known/openid-configuration',
  ])
})

test('metadata of another issuer name no keys of this one', async () => {
  for (const document of [
    { issuer: `${ID.issuer}/`, jwks_uri: JWKS },
    { jwks_uri: JWKS },
    { issuer: ID.issuer },
    { issuer: ID.issuer, jwks_uri: 7 },
    [],
  ]) {
    const pages: Pages = new Map<string, object>([
      [METADATA, document],
      [OPENID, document],
      [JWKS, keysOf(ID)],
    ])
    const { gateway, sign, asked } = await scene(pages)
    assert.equal((await gateway.refused(await sign(ID))).code, 'UNAVAILABLE')
    assert.ok(!asked.includes(JWKS))
    assert.match(JSON.stringify(gateway.logs[0]), /no metadata of this issuer/)
  }
})

test('seeds 7.21: keys that cannot be had make callers wait, not log in again, and come by themselves', async () => {
  const pages: Pages = new Map()
  const { gateway, sign, asked } = await scene(pages)
  const headers = await sign(ID, { exp: gateway.clock.now() / 1000 + 3600 })
  const denials = await Promise.all([gateway.refused(headers), gateway.refused(headers)])
  for (const denial of denials) {
    assert.equal(denial.code, 'UNAVAILABLE')
    assert.match(denial.message, /the keys of https:\/\/id\.test cannot be read now/)
    assert.equal(denial.retryAfterMs, 1_000)
  }
  // By `start` and not again, however many ask.
  assert.deepEqual(asked, [METADATA])
  const pauses: number[] = []
  for (let i = 0; i < 7; i++) {
    const { retryAfterMs = 0 } = await gateway.refused(headers)
    pauses.push(retryAfterMs)
    gateway.clock.advance(retryAfterMs - 1)
    const before = asked.length
    await gateway.refused(headers)
    assert.equal(asked.length, before)
    gateway.clock.advance(1)
    await gateway.refused(headers)
    assert.equal(asked.length, before + 1)
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  assert.match(
    JSON.stringify(await gateway.status()),
    /"keys":"none yet".*"problem":".*cannot be reached/,
  )
  for (const [url, page] of sound(ID)) pages.set(url, page)
  gateway.clock.advance(30_000)
  assert.equal((await gateway.admitted(headers)).subject, 'anna')
  assert.match(JSON.stringify(await gateway.status()), /"keys":"read 0 s ago","changes":1}/)
})

test('seeds 7.21: keys are read once for all who wait, and a new one is found', async () => {
  let arrive: (keys: object) => void = () => {}
  const pages = sound()
  pages.set(JWKS, new Promise((resolve) => (arrive = resolve)))
  const { gateway, sign, asked } = await scene(pages)
  const waiting = [await sign(ID), await sign(ID, { sub: 'bob' })].map((one) =>
    gateway.admitted(one),
  )
  arrive(keysOf(ID))
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ subject }) => subject),
    ['anna', 'bob'],
  )
  assert.deepEqual(asked, [METADATA, JWKS])

  pages.set(JWKS, keysOf(ID, NEXT))
  gateway.clock.advance(30_000)
  assert.equal((await gateway.admitted(await sign(NEXT))).subject, 'anna')
  assert.deepEqual(asked, [METADATA, JWKS, METADATA, JWKS])
})

test('seeds 7.21: a storm of unknown keys has the keys read no more than twice a minute', async () => {
  const { gateway, sign, asked } = await scene(sound(ID))
  await gateway.admitted(await sign(ID))
  const stranger = await paperIssuer(ID.issuer, 'made-up')
  for (let i = 0; i < 600; i++) {
    gateway.clock.advance(100)
    const denial = await gateway.refused(await sign(stranger, { jti: i }))
    assert.match(denial.message, /not signed with a key of its issuer/)
  }
  assert.equal(asked.filter((url) => url === JWKS).length, 1 + 2)
})

test('a key that was withdrawn ends its tokens within ten minutes, and no others', async () => {
  const pages = sound(ID, NEXT)
  const { gateway, sign } = await scene(pages)
  const exp = gateway.clock.now() / 1000 + 3600
  const [old, kept] = [await sign(ID, { exp }), await sign(NEXT, { exp })]
  await gateway.admitted(old)
  const principal = await gateway.admitted(kept)
  pages.set(JWKS, keysOf(NEXT))
  gateway.clock.advance(10 * MINUTE - 1)
  await gateway.admitted(old)
  gateway.clock.advance(1)
  // Whoever comes first has them read, and need not wait.
  await gateway.admitted(old)
  await new Promise((resolve) => setImmediate(resolve))
  assert.match((await gateway.refused(old)).message, /not signed with a key/)
  assert.equal(await gateway.admitted(kept), principal)
})

test('keys are relied on for an hour while their issuer is silent, and not longer', async () => {
  const pages = sound(ID)
  const { gateway, sign } = await scene(pages)
  const exp = gateway.clock.now() / 1000 + 24 * 3600
  const known = await sign(ID, { exp })
  await gateway.admitted(known)
  pages.set(METADATA, 503).set(OPENID, 503)
  gateway.clock.advance(60 * MINUTE)
  await gateway.admitted(await sign(ID, { sub: 'bob' }))
  gateway.clock.advance(1)
  assert.equal((await gateway.refused(await sign(ID, { sub: 'eve' }))).code, 'UNAVAILABLE')
  await gateway.admitted(known)
})

test('what is no set of keys is none', async () => {
  for (const page of [{}, { keys: [] }, { keys: 'x' }, { keys: ['x'] }, [], 404, 302]) {
    const { gateway, sign } = await scene(sound(ID).set(JWKS, page))
    assert.equal((await gateway.refused(await sign(ID))).code, 'UNAVAILABLE', JSON.stringify(page))
  }
  const secret = { kty: 'oct', k: 'c2VjcmV0', kid: ID.kid, alg: 'HS256' }
  const { gateway, sign } = await scene(sound(ID).set(JWKS, { keys: [secret] }))
  assert.equal((await gateway.refused(await sign(ID))).code, 'UNAUTHENTICATED')
})

test('seeds 7.29: keys at link-local or private addresses are not read unless the operator says so', async () => {
  for (const where of [
    { issuer: 'https://169.254.169.254' },
    { issuer: ID.issuer, jwksUri: 'https://10.0.0.1/jwks' },
    { issuer: 'http://127.0.0.1:9' },
    { issuer: 'https://[::1]:9' },
  ]) {
    const gateway = await testPlugin(authJwt, { issuers: [where] })
    const token = await ID.sign({ iss: where.issuer }, {}, gateway.clock.now())
    const denial = await gateway.refused({ authorization: `Bearer ${token}` })
    assert.equal(denial.code, 'UNAVAILABLE')
    const [line] = gateway.logs
    assert.equal(line?.level, 'warn')
    assert.match(JSON.stringify(line), /egress\.allow/)
    await gateway.stop()
  }
})

test('never more than ten thousand tokens are remembered, and none that has expired for long', () => {
  const known = new KnownTokens()
  const token = (until: number): KnownToken => ({
    found: { principal: { issuer: 'i', subject: 's', claims: {}, scopes: [] }, until },
    issuer: {} as Issuer,
    generation: 1,
    everywhere: true,
    paths: [],
  })
  for (let i = 0; i < 30_000; i++) known.set(`long-${i}`, token(9e15), i)
  assert.equal(known.size, 10_000)
  assert.equal(known.get('long-19999'), undefined)
  assert.notEqual(known.get('long-20000'), undefined)
  const short = new KnownTokens()
  for (let i = 0; i < 30_000; i++) short.set(`short-${i}`, token(i * 100 + 1_000), i * 100)
  assert.ok(short.size < 700, String(short.size))
})
