import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { definePlugin, deny } from 'mcp-patchbay/sdk'
import { checkPlugin, testPlugin } from 'mcp-patchbay/sdk/testing'
import authApiKey from './index.ts'
import { KeyRing } from './key-ring.ts'

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')
const ANNA = {
  id: 'anna',
  sha256: sha256('key-of-anna'),
  scopes: ['dev'],
  claims: { team: 'core' },
}
const BOB = { id: 'bob', sha256: sha256('key-of-bob').toUpperCase() }

test('a key is found as Bearer token and in X-API-Key, and is the same principal object', async () => {
  const gateway = await testPlugin(authApiKey, { keys: [ANNA, BOB] })
  const bearer = await gateway.admitted({ Authorization: 'Bearer key-of-anna' })
  assert.deepEqual(bearer, {
    issuer: 'auth-api-key',
    subject: 'anna',
    claims: { team: 'core' },
    scopes: ['dev'],
  })
  assert.equal(await gateway.admitted({ authorization: 'bearer  key-of-anna' }), bearer)
  assert.equal(await gateway.admitted({ 'X-API-Key': 'key-of-anna' }), bearer)
  assert.equal((await gateway.admitted({ 'x-api-key': 'key-of-bob' })).subject, 'bob')
})

test('an unknown key is refused', async () => {
  const gateway = await testPlugin(authApiKey, { keys: [ANNA] })
  for (const key of ['key-of-ann', 'key-of-anna2', ANNA.sha256, '', 'Key-Of-Anna']) {
    assert.equal((await gateway.refused({ 'x-api-key': key })).code, 'UNAUTHENTICATED', key)
    assert.equal((await gateway.refused({ authorization: `Bearer ${key}` })).plugin, undefined)
  }
})

test('an expired key is refused from the moment it ends, also when it was used before', async () => {
  const keys = [{ ...ANNA, expires: '2026-01-01T00:00:10Z' }]
  const gateway = await testPlugin(authApiKey, { keys })
  const found = await gateway.authenticate({ 'x-api-key': 'key-of-anna' })
  assert.equal('until' in found && found.until, Date.UTC(2026, 0, 1, 0, 0, 10))
  gateway.clock.advance(9_999)
  await gateway.admitted({ 'x-api-key': 'key-of-anna' })
  gateway.clock.advance(1)
  await gateway.refused({ 'x-api-key': 'key-of-anna' })
})

test('a refusal does not tell an expired key from an unknown one', async () => {
  const keys = [{ ...ANNA, expires: '2025-12-31T00:00:00Z' }]
  const gateway = await testPlugin(authApiKey, { keys })
  const expired = await gateway.refused({ 'x-api-key': 'key-of-anna' })
  const unknown = await gateway.refused({ 'x-api-key': 'key-of-nobody' })
  assert.deepEqual(expired, unknown)
})

test('a request without a key is left to other auth plugins', async () => {
  const other = definePlugin({
    name: 'other',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({ authenticate: () => deny('UNAUTHENTICATED', 'asked the other one') }),
  })
  const gateway = await testPlugin(authApiKey, { keys: [ANNA] }, { with: [[other]] })
  for (const headers of [{}, { authorization: 'Basic a2V5' }, { authorization: 'Bearerkey' }]) {
    assert.equal((await gateway.refused(headers)).message, 'asked the other one')
  }
  const own = await gateway.refused({ authorization: 'Bearer wrong' })
  assert.equal(own.message, 'the API key is not valid')
})

test('with a header of its own nothing else carries a key', async () => {
  const gateway = await testPlugin(authApiKey, { keys: [ANNA], header: 'X-Gate' })
  assert.equal((await gateway.admitted({ 'x-gate': 'key-of-anna' })).subject, 'anna')
  const elsewhere = { authorization: 'Bearer key-of-anna', 'x-api-key': 'key-of-anna' }
  assert.equal(
    (await gateway.refused(elsewhere)).message,
    'the request carries no credentials that are known here',
  )
})

test('a challenge says how to send the key', async () => {
  const usual = await testPlugin(authApiKey, { keys: [ANNA] })
  assert.deepEqual(usual.challenges(), [{ scheme: 'Bearer' }])
  const more = deny('INSUFFICIENT_SCOPE', 'more', { scopes: ['dev', 'ops'] })
  assert.deepEqual(usual.challenges({}, more), [
    { scheme: 'Bearer', params: { error: 'insufficient_scope', scope: 'dev ops' } },
  ])
  const own = await testPlugin(authApiKey, { keys: [ANNA], header: 'X-Gate' })
  assert.deepEqual(own.challenges(), [{ scheme: 'ApiKey', params: { header: 'X-Gate' } }])
})

test('a key over 1,024 characters is refused, even one that is in the settings', async () => {
  const [longest, longer] = ['k'.repeat(1024), 'k'.repeat(1025)]
  const keys = [
    { id: 'longest', sha256: sha256(longest) },
    { id: 'longer', sha256: sha256(longer) },
  ]
  const gateway = await testPlugin(authApiKey, { keys })
  assert.equal((await gateway.admitted({ 'x-api-key': longest })).subject, 'longest')
  await gateway.refused({ 'x-api-key': longer })
})

test('only good keys are remembered, however many are tried', () => {
  const ring = new KeyRing('test', [{ ...ANNA }])
  for (let i = 0; i < 1_000; i++) assert.equal(ring.find(`guess-${i}`), undefined)
  assert.equal(ring.remembered, 0)
  assert.equal(ring.find('key-of-anna')?.principal.subject, 'anna')
  assert.equal(ring.find('key-of-anna')?.principal.subject, 'anna')
  assert.equal(ring.remembered, 1)
})

test('a good key is hashed once', (t) => {
  const ring = new KeyRing('test', [{ ...ANNA }])
  const first = ring.find('key-of-anna')
  const update = t.mock.method(createHash('sha256').constructor.prototype, 'update')
  assert.equal(ring.find('key-of-anna'), first)
  assert.equal(update.mock.callCount(), 0)
  ring.find('key-of-nobody')
  assert.equal(update.mock.callCount(), 1)
})

test('settings that cannot be are refused with path and reason, and never show a hash', async () => {
  const refusals: [unknown, RegExp][] = [
    [{}, /config: needs `keys`/],
    [{ keys: [] }, /config\.keys: must hold at least 1 item/],
    [{ keys: [{ id: 'anna', sha256: 'secret' }] }, /config\.keys\[0\]\.sha256: .*64 hexadecimal/],
    [{ keys: [{ ...ANNA, expires: 'soon' }] }, /config\.keys\[0\]\.expires: .*date-time/],
    [{ keys: [{ ...ANNA, key: 'x' }] }, /config\.keys\[0\]\.key: is not a setting here/],
    [{ keys: [ANNA, { ...BOB, id: 'anna' }] }, /keys\[1\]\.id is the same as keys\[0\]\.id/],
    [{ keys: [ANNA, { ...ANNA, id: 'eve' }] }, /keys\[1\]\.sha256 is the same as keys\[0\]/],
    [{ keys: [ANNA], header: 'X Gate' }, /config\.header: /],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(authApiKey, config), (error: Error) => {
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, new RegExp(`${ANNA.sha256}|secret`))
      return true
    })
  }
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(authApiKey, { folder: import.meta.dirname }))
