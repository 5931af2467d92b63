import assert from 'node:assert/strict'
import test from 'node:test'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import permissions from './index.ts'
import { spellings } from './spellings.ts'

const TOOLS = { tools: { crm: ['find', 'drop'], git: ['log'] }, profiles: ['support', 'empty'] }
const ALL = ['crm__find', 'crm__drop', 'git__log']
const profiles = {
  support: { allow: ['crm__*', 'git__*'], deny: ['*drop'] },
  empty: { allow: [] },
}
const anyone = ['*']

test('a profile narrows what is permitted to the callers of its path', async () => {
  const gateway = await testPlugin(permissions, { anyone, profiles }, TOOLS)
  const at = (path: string) => gateway.list({ path })
  assert.deepEqual(await at('/mcp'), ALL)
  assert.deepEqual(await at('/mcp/support'), ['crm__find', 'git__log'])
  const caller = { path: '/mcp/support' }
  assert.equal((await gateway.denied('crm__drop', {}, { caller })).rule, 'profile support')
  await gateway.result('crm__drop')
})

test('an unknown profile gets nothing', async () => {
  const gateway = await testPlugin(permissions, { anyone, profiles }, TOOLS)
  for (const path of ['/mcp/other', '/mcp/Support', '/mcp/', '/mcp/constructor', '/mcp/a/b']) {
    assert.deepEqual(await gateway.list({ path }), [], path)
    const denial = await gateway.denied('git__log', {}, { caller: { path } })
    assert.deepEqual([denial.code, denial.rule], ['NOT_FOUND', 'profile unknown'])
  }
})

test('seeds 7.7: an empty list means none, a missing one all', async () => {
  const cases: [object, string[]][] = [
    [{}, ALL],
    [{ allow: [] }, []],
    [{ upstreams: [] }, []],
    [{ allow: ['*'], upstreams: [] }, []],
    [{ upstreams: ['git'] }, ['git__log']],
    [{ deny: [] }, ALL],
    [{ allow: [], deny: ['git__log'] }, []],
  ]
  for (const [support, names] of cases) {
    const config = { anyone, profiles: { support } }
    const gateway = await testPlugin(permissions, config, { ...TOOLS, profiles: ['support'] })
    assert.deepEqual(await gateway.list({ path: '/mcp/support' }), names, JSON.stringify(support))
  }
  // No profiles at all: paths make no difference. A list of none: every path but /mcp gets nothing.
  const without = await testPlugin(permissions, { anyone }, TOOLS)
  assert.deepEqual(await without.list({ path: '/mcp/support' }), ALL)
  const none = await testPlugin(permissions, { anyone, profiles: {} }, { tools: TOOLS.tools })
  assert.deepEqual(await none.list({ path: '/mcp/support' }), [])
  const nobody = await testPlugin(permissions, { permissions: {} }, { tools: TOOLS.tools })
  assert.deepEqual(await nobody.list(), [])
  await assert.rejects(
    testPlugin(permissions, { permissions: { '*': [] } }),
    /permissions\..*must not be empty|must NOT have fewer than 1 items|at least 1/,
  )
})

test('a claim chooses the profile, and nothing is left for one that is not known', async () => {
  const config = { anyone, profiles, profileClaim: 'agent' }
  const gateway = await testPlugin(permissions, config, TOOLS)
  const list = (agent: unknown, path = '/mcp') =>
    gateway.list({ principal: { subject: JSON.stringify([agent]), claims: { agent } }, path })
  assert.deepEqual(await list('support'), ['crm__find', 'git__log'])
  for (const unknown of ['', 'other', 'SUPPORT', 7, null, true, {}, [], [['support']], undefined]) {
    assert.deepEqual(await list(unknown), [], JSON.stringify(unknown))
  }
  assert.deepEqual(await gateway.list({ principal: { claims: {} } }), [])
  // Of several one must hold it; the path's holds it too.
  assert.deepEqual(await list(['other', 'empty', 'support']), ['crm__find', 'git__log'])
  assert.deepEqual(await list('support', '/mcp/support'), ['crm__find', 'git__log'])
  assert.deepEqual(await list('support', '/mcp/empty'), [])
})

test('callers without the claim have the default profile', async () => {
  const config = { anyone, profiles, profileClaim: 'agent', defaultProfile: 'support' }
  const gateway = await testPlugin(permissions, config, TOOLS)
  assert.deepEqual(await gateway.list({ principal: { claims: {} } }), ['crm__find', 'git__log'])
  assert.deepEqual(await gateway.list({ principal: { subject: 'b', claims: { agent: 'x' } } }), [])
})

test('seeds 7.31: settings that cannot be meant are refused with path and reason', async () => {
  const refusals: [object, RegExp][] = [
    [{}, /config\.permissions: is missing: nobody would be permitted anything/],
    [{ deny: ['a'] }, /config\.permissions: is missing/],
    [{ anyone, scopeMode: 'al' }, /config\.scopeMode: must be one of any, all/],
    [{ anyone, stepUp: 'no' }, /config\.stepUp: must be/],
    [{ anyone, denied: ['a'] }, /config\.denied: is not a setting here/],
    [{ permissions: { '!a': ['b'] } }, /config\.permissions: "!a" begins with "!"/],
    [{ anyone, deny: ['a[b'] }, /config\.deny\[0\]: "a\[b" is no glob/],
    [{ permissions: { a: 'b' } }, /config\.permissions\.a: must be a list, not text/],
    [
      { upstreams: { crn: ['a'] } },
      /config\.upstreams\.crn: there is no upstream crn. There are: crm/,
    ],
    [
      { anyone, profiles: { support: { upstreams: ['gti'] }, empty: {} } },
      /config\.profiles\.support\.upstreams\[0\]: there is no upstream gti/,
    ],
    [{ anyone, profileClaim: 'agent' }, /config\.profileClaim: needs profiles/],
    [{ anyone, profiles, defaultProfile: 'support' }, /config\.defaultProfile: is for callers/],
    [
      { anyone, profiles, profileClaim: 'agent', defaultProfile: 'suport' },
      /config\.defaultProfile: there is no profile suport. There are: support, empty/,
    ],
    [
      { anyone, profiles: { support: {} } },
      /config\.profiles: the gateway serves \/mcp\/empty, and here is no profile empty/,
    ],
    [
      { anyone, profiles: { ...profiles, suport: {} } },
      /config\.profiles\.suport: nobody can have it: the gateway serves no \/mcp\/suport/,
    ],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(permissions, config, TOOLS), { message })
  }
})

test('a glob that matches nothing is told once, when every upstream has been listed', async () => {
  const config = {
    permissions: { 'crm__*': ['crm'], 'cmr__*': ['crm'] },
    deny: ['drp_*', 'drop'],
    profiles: { support: { allow: ['gti__*'] } },
  }
  const options = { tools: { ...TOOLS.tools, late: null }, profiles: ['support'] }
  const gateway = await testPlugin(permissions, config, options)
  assert.equal(gateway.logs.length, 0)
  await gateway.offer('late', ['show'])
  await gateway.offer('late', ['show', 'hide'])
  const told = ['permissions: cmr__*', 'deny[0]: drp_*', 'profiles.support.allow[0]: gti__*']
  assert.deepEqual(
    gateway.logs.map(({ level, message }) => [
      level,
      message.slice(0, message.indexOf(' matches')),
    ]),
    told.map((one) => ['warn', one]),
  )
  const { unmatched } = (await gateway.status()).permissions as { unmatched: unknown }
  assert.deepEqual(unmatched, told)
})

test('a URI is known in every way it may be written', () => {
  const secret = 'file:///secrets/a'
  for (const uri of [
    secret,
    'file:///x/../secrets/a',
    'file:///%73ecrets/a',
    'FILE:///secrets/a',
  ]) {
    assert.ok(spellings(uri).includes(secret), uri)
  }
  assert.ok(spellings('file:///x/%2e%2e/secrets/a').includes(secret))
  assert.deepEqual(spellings('not a uri %'), ['not a uri %'])
})
