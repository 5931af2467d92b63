import assert from 'node:assert/strict'
import test from 'node:test'
import { checkPlugin, testPlugin } from 'mcp-patchbay/sdk/testing'
import authNone from './index.ts'

test('every request is admitted as the same anonymous principal object', async () => {
  const gateway = await testPlugin(authNone)
  const first = await gateway.admitted()
  const second = await gateway.admitted({ authorization: 'Bearer whatever' })
  assert.deepEqual(first, { issuer: 'auth-none', subject: 'anonymous', claims: {}, scopes: [] })
  assert.equal(second, first)
})

test('subject and scopes are those of the settings', async () => {
  const gateway = await testPlugin(authNone, { subject: 'laptop', scopes: ['dev', 'ops'] })
  const { subject, scopes } = await gateway.admitted()
  assert.equal(subject, 'laptop')
  assert.deepEqual(scopes, ['dev', 'ops'])
})

test('what a client says of itself changes nothing', async () => {
  const gateway = await testPlugin(authNone)
  const { subject } = await gateway.admitted({ 'x-user': 'root', 'x-subject': 'root' })
  assert.equal(subject, 'anonymous')
})

test('settings that cannot be are refused with path and reason', async () => {
  await assert.rejects(
    testPlugin(authNone, { subject: '', scope: ['dev'] }),
    (error: Error) =>
      /auth-none config\.subject: must not be empty/.test(error.message) &&
      /config\.scope: is not a setting here \(did you mean "scopes"\?\)/.test(error.message),
  )
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(authNone, { folder: import.meta.dirname }))
