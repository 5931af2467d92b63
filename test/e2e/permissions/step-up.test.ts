// What scopes permit, over the wire: who lacks them is told which to ask for, with the status and challenge for it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { Wire } from '../wire/wire.ts'

const KEY = 'the key of anna, which is long enough'
const sha256 = createHash('sha256').update(KEY).digest('hex')
const auth = { authorization: `Bearer ${KEY}` }

test('missing scopes are a challenge in both eras, and what no scope permits does not exist', async (t) => {
  const crm = await legacyUpstream(t)
  const git = await modernUpstream(t)
  for (const { tools } of [crm, git]) tools.offer('find')
  const gateway = await startWith(t, {
    profiles: { desk: {} },
    upstreams: { crm: { url: crm.url }, git: { url: git.url } },
    plugins: [
      { use: 'auth-api-key', config: { keys: [{ id: 'anna', sha256, scopes: ['crm:read'] }] } },
      {
        use: 'permissions',
        config: {
          permissions: { crm__find: ['crm:read'], 'crm__*': ['crm:all'], 'git__*': ['git'] },
          deny: ['git__echo'],
          profiles: { desk: { allow: ['crm__*'] } },
        },
      },
    ],
  })
  await gateway.ready()
  for (const path of ['/mcp', '/mcp/desk']) {
    const wire = new Wire(t, gateway.url.replace('/mcp', path))
    const session = await wire.session(auth)
    const asked = async (method: string, params: Record<string, unknown>) => [
      await wire.modern(method, params, auth),
      await wire.legacy(method, params, { ...auth, ...session }),
    ]
    const call = (name: string) => asked('tools/call', { name, arguments: {} })
    for (const { json } of await asked('tools/list', {})) {
      const names = json.result.tools.map(({ name }: { name: string }) => name)
      assert.deepEqual(names, ['crm__find'])
    }
    for (const { json } of await call('crm__find')) {
      assert.equal(json.result.content[0].text, 'find')
    }
    for (const { status, headers } of await call('crm__echo')) {
      assert.equal(status, 403)
      assert.match(
        String(headers['www-authenticate']),
        /Bearer error="insufficient_scope", scope="crm:all"/,
      )
    }
    for (const { status, headers, json } of await call('git__find')) {
      if (path === '/mcp') {
        assert.equal(status, 403)
        assert.match(String(headers['www-authenticate']), /scope="git"/)
      } else {
        // The profile has no git: no scope would help here.
        assert.equal(json.error.code, -32602)
      }
    }
    for (const { status, json } of await call('git__echo')) {
      assert.deepEqual([status, json.error.code], [200, -32602])
    }
  }
  assert.deepEqual(git.tools.calls, [])
})
