import assert from 'node:assert/strict'
import test from 'node:test'
import { deny } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { paperIssuer } from '../../test/fixtures/paper-issuer.ts'
import authJwt from './index.ts'

const ID = await paperIssuer()
const SETTINGS = {
  issuers: [{ issuer: ID.issuer, jwks: { keys: [ID.jwk] } }],
  scopesSupported: ['mcp'],
}
const AT = 'https://gateway.test/.well-known/oauth-protected-resource'

async function documents(url: string | undefined, profiles: readonly string[] = []) {
  const gateway = await testPlugin(authJwt, SETTINGS, {
    profiles,
    ...(url === undefined ? {} : { url }),
  })
  const found: Record<string, unknown> = {}
  for (const { path, method, access, handle } of gateway.routes()) {
    const ctx = { set() {}, body: undefined as { resource?: string } | undefined }
    await handle(ctx as unknown as Parameters<typeof handle>[0])
    assert.deepEqual([method, access], ['GET', 'public'])
    found[path] = ctx.body?.resource
  }
  return found
}

test('seeds 7.20: every endpoint has metadata at both well-knowns, and at its own', async () => {
  const main = 'https://gateway.test/mcp'
  assert.deepEqual(await documents(undefined), {
    '/.well-known/oauth-protected-resource': main,
    '/.well-known/oauth-protected-resource/mcp': main,
    '/mcp/.well-known/oauth-protected-resource': main,
  })
  const team = 'https://x.test/gw/mcp/team'
  assert.deepEqual(await documents('https://x.test/gw', ['team']), {
    '/.well-known/oauth-protected-resource': 'https://x.test/gw/mcp',
    '/.well-known/oauth-protected-resource/mcp': 'https://x.test/gw/mcp',
    '/.well-known/oauth-protected-resource/gw/mcp': 'https://x.test/gw/mcp',
    '/mcp/.well-known/oauth-protected-resource': 'https://x.test/gw/mcp',
    '/.well-known/oauth-protected-resource/mcp/team': team,
    '/.well-known/oauth-protected-resource/gw/mcp/team': team,
    '/mcp/team/.well-known/oauth-protected-resource': team,
  })
})

test('seeds 7.20: a challenge points at our own metadata, and says what is wrong with a token', async () => {
  const gateway = await testPlugin(authJwt, SETTINGS)
  assert.deepEqual(gateway.challenges(), [
    { scheme: 'Bearer', params: { scope: 'mcp', resource_metadata: `${AT}/mcp` } },
  ])
  const authorization = `Bearer ${await ID.sign({ exp: 1 })}`
  const denial = await gateway.refused({ authorization })
  assert.deepEqual(gateway.challenges({ authorization }, denial), [
    {
      scheme: 'Bearer',
      params: {
        error: 'invalid_token',
        error_description: 'the access token is not valid: it has expired',
        scope: 'mcp',
        resource_metadata: `${AT}/mcp`,
      },
    },
  ])
  const step = deny('INSUFFICIENT_SCOPE', 'files are written', { scopes: ['mcp', 'files:write'] })
  assert.deepEqual(gateway.challenges({ authorization }, step), [
    {
      scheme: 'Bearer',
      params: {
        error: 'insufficient_scope',
        scope: 'mcp files:write',
        resource_metadata: `${AT}/mcp`,
        error_description: 'files are written',
      },
    },
  ])
  assert.deepEqual(gateway.challenges({}, deny('FORBIDDEN', 'no')), [])
})
