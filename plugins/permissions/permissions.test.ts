import assert from 'node:assert/strict'
import test from 'node:test'
import { definePlugin } from 'mcp-patchbay/sdk'
import { checkPlugin, type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'
import permissions from './index.ts'

const TOOLS = {
  tools: { crm: ['find', 'drop_all'], git: ['log', 'push', 'drop_stash'] },
} as const satisfies TestOptions

/** A caller with these scopes. */
const having = (...scopes: string[]) => ({ principal: { subject: scopes.join('+'), scopes } })

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

test('a caller lists and calls what its scopes permit, and nothing else', async () => {
  const config = { permissions: { 'crm__*': ['crm'], git__log: ['git', 'crm'], '*': ['admin'] } }
  const gateway = await testPlugin(permissions, config, TOOLS)
  const all = ['crm__find', 'crm__drop_all', 'git__log', 'git__push', 'git__drop_stash']
  const expected: [string[], string[]][] = [
    [[], []],
    [['other'], []],
    [['crm'], ['crm__find', 'crm__drop_all', 'git__log']],
    [['git'], ['git__log']],
    [['admin'], all],
    [['git', 'admin'], all],
  ]
  for (const [scopes, names] of expected) {
    const caller = having(...scopes)
    assert.deepEqual(await gateway.list(caller), names, scopes.join())
    for (const name of all) {
      const outcome = await gateway.call(name, {}, { caller })
      assert.equal(outcome.kind, names.includes(name) ? 'result' : 'denial', `${scopes} ${name}`)
    }
  }
})

test('what no line permits is permitted to nobody, and reads like what does not exist', async () => {
  const gateway = await testPlugin(permissions, { permissions: { 'crm__*': ['crm'] } }, TOOLS)
  const caller = having('crm', 'git', 'admin', '*')
  assert.deepEqual(await gateway.list(caller), ['crm__find', 'crm__drop_all'])
  const denied = await gateway.denied('git__log', {}, { caller })
  const unknown = await gateway.denied('git__lob', {}, { caller })
  assert.deepEqual([denied.code, denied.plugin], ['NOT_FOUND', 'permissions'])
  assert.equal(denied.message.replace('log', 'lob'), unknown.message)
  assert.equal(denied.scopes, undefined)
})

test('a denial wins over every permission, by any of the three names', async () => {
  const options = { ...TOOLS, aliases: { git: { shelve: 'drop_stash' } } }
  for (const glob of ['drop_*', '*__drop_*', '{crm,git}__drop_*']) {
    const config = { permissions: { '*': ['admin'] }, deny: [glob] }
    const gateway = await testPlugin(permissions, config, options)
    const caller = having('admin')
    assert.deepEqual(await gateway.list(caller), ['crm__find', 'git__log', 'git__push'], glob)
    for (const name of ['crm__drop_all', 'git__drop_stash', 'git__shelve']) {
      assert.equal((await gateway.denied(name, {}, { caller })).code, 'NOT_FOUND')
    }
    assert.deepEqual(gateway.sent, [])
  }
})

test("a server cannot call its tool what another's users may use", async () => {
  const options = { tools: { evil: ['crm__find'] } }
  const gateway = await testPlugin(permissions, { permissions: { 'crm__*': ['crm'] } }, options)
  assert.deepEqual(await gateway.list(having('crm')), [])
})

test('who permits a tool permits its aliases, who permits an alias that only', async () => {
  const options = { ...TOOLS, aliases: { crm: { search: 'find' } } }
  const tool = await testPlugin(permissions, { permissions: { crm__find: ['a'] } }, options)
  assert.deepEqual(await tool.list(having('a')), ['crm__find', 'crm__search'])
  const alias = await testPlugin(permissions, { permissions: { crm__search: ['a'] } }, options)
  assert.deepEqual(await alias.list(having('a')), ['crm__search'])
})

test("a member of a family is permitted by its own public name, all of them by the family's", async () => {
  const family = definePlugin({
    name: 'family',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      arrange: (entries) =>
        entries.map((entry) => ({
          ...entry,
          targets: entry.targets.map((target) => ({ ...target, policyNames: ['vcs__log'] })),
        })),
    }),
  })
  const options = { tools: { git: ['log'], hg: ['log'] }, with: [[family]] } as const
  const config = { permissions: { 'git__*': ['git'], 'vcs__*': ['all'] } }
  const gateway = await testPlugin(permissions, config, options)
  assert.deepEqual(await gateway.list(having('git')), ['git__log'])
  assert.deepEqual(await gateway.list(having('all')), ['git__log', 'hg__log'])
})

test('who lacks scopes is told which to ask for, where more scopes would help', async () => {
  const lines = { '*': ['admin'], 'crm__*': ['crm', 'sales'], crm__find: ['find'] }
  const config = { permissions: lines, deny: ['git__push'] }
  const gateway = await testPlugin(permissions, config, TOOLS)
  const asked = async (name: string) => {
    const { code, scopes } = await gateway.denied(name, {}, { caller: having('nothing') })
    return [code, scopes]
  }
  // Of the lines the narrowest, of its scopes the first.
  assert.deepEqual(await asked('crm__find'), ['INSUFFICIENT_SCOPE', ['find']])
  assert.deepEqual(await asked('crm__drop_all'), ['INSUFFICIENT_SCOPE', ['crm']])
  assert.deepEqual(await asked('git__log'), ['INSUFFICIENT_SCOPE', ['admin']])
  assert.deepEqual(await asked('git__push'), ['NOT_FOUND', undefined])
  assert.deepEqual(await asked('git__no_such'), ['NOT_FOUND', undefined])
})

test('without step-up what lacks scopes reads like what does not exist', async () => {
  const config = { permissions: { '*': ['admin'] }, stepUp: false }
  const gateway = await testPlugin(permissions, config, TOOLS)
  const { code, scopes } = await gateway.denied('crm__find')
  assert.deepEqual([code, scopes], ['NOT_FOUND', undefined])
})

test('with `scopeMode: all` every scope of a line is needed, and asked for', async () => {
  const config = { scopeMode: 'all', permissions: { 'crm__*': ['crm', 'eu'] } }
  const gateway = await testPlugin(permissions, config, TOOLS)
  assert.deepEqual(await gateway.list(having('crm')), [])
  assert.deepEqual(await gateway.list(having('eu', 'crm')), ['crm__find', 'crm__drop_all'])
  const { scopes } = await gateway.denied('crm__find', {}, { caller: having('crm') })
  assert.deepEqual(scopes, ['crm', 'eu'])
})

test('a whole upstream is permitted by its id, and everybody what is for anyone', async () => {
  const config = { upstreams: { git: ['git'] }, anyone: ['*__find'] }
  const gateway = await testPlugin(permissions, config, TOOLS)
  assert.deepEqual(await gateway.list(having()), ['crm__find'])
  assert.deepEqual(await gateway.list(having('git')), [
    'crm__find',
    'git__log',
    'git__push',
    'git__drop_stash',
  ])
})

test('prompts, resources and templates are permitted like tools', async () => {
  const content = { contents: [] }
  const wiki = definePlugin({
    name: 'wiki',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      prompts: [{ definition: { name: 'ask_wiki' }, call: () => ({ messages: [] }) }],
      resources: [
        { definition: { uri: 'wiki:start', name: 'Start' }, call: () => content },
        { definition: { uriTemplate: 'wiki:{page}', name: 'Page' }, call: () => content },
      ],
    }),
  })
  const lines = { 'ask_*': ['ask'], 'wiki:start': ['start'], 'wiki:*': ['wiki'] }
  const config = { permissions: lines, deny: ['wiki:secret*'] }
  const gateway = await testPlugin(permissions, config, { with: [[wiki]] })
  const kinds = async (scope: string) => [
    await gateway.list(having(scope), 'prompt'),
    await gateway.list(having(scope), 'resource'),
    await gateway.list(having(scope), 'template'),
  ]
  assert.deepEqual(await kinds('ask'), [['ask_wiki'], [], []])
  assert.deepEqual(await kinds('start'), [[], ['wiki:start'], []])
  assert.deepEqual(await kinds('wiki'), [[], ['wiki:start'], ['wiki:{page}']])
  const read = (name: string) =>
    gateway.call(name, {}, { method: 'resources/read', caller: having('wiki') })
  assert.equal((await read('wiki:page')).kind, 'result')
  // The template is permitted; what it would read is denied, however it is written.
  for (const uri of ['wiki:secret', 'wiki:secrets-of-the-house', 'wiki:%73ecret']) {
    const outcome = await read(uri)
    assert.equal(outcome.kind === 'denial' && outcome.code, 'NOT_FOUND', uri)
  }
})

test('callers who may use the same share their lists, whatever else they are', async () => {
  const keys: string[] = []
  const config = { permissions: { 'crm__*': ['crm'], '*': ['admin'] }, profiles: { a: {}, b: {} } }
  const spied = {
    ...permissions,
    setup(...all: Parameters<typeof permissions.setup>) {
      const hooks = permissions.setup(...all)
      return {
        ...hooks,
        async listFilter(caller: Parameters<NonNullable<typeof hooks.listFilter>>[0]) {
          const filter = await hooks.listFilter?.(caller)
          keys.push(filter?.key ?? '')
          return filter
        },
      }
    },
  }
  const gateway = await testPlugin(spied, config, { ...TOOLS, profiles: ['a', 'b'] })
  const of = async (scopes: string[], path = '/mcp') => {
    const subject = Math.random().toString()
    await gateway.list({ principal: { subject, scopes }, path })
    return keys.at(-1)
  }
  assert.equal(await of(['crm', 'x']), await of(['y', 'crm']))
  assert.equal(await of([]), await of(['other']))
  const distinct = [
    await of([]),
    await of(['crm']),
    await of(['admin']),
    await of(['crm'], '/mcp/a'),
    await of(['crm'], '/mcp/b'),
    await of(['crm'], '/mcp/nobody'),
  ]
  assert.equal(new Set(distinct).size, distinct.length)
})

test('in shadow it permits everything and counts what it would not', async () => {
  const config = { permissions: { 'crm__*': ['crm'] } }
  const gateway = await testPlugin(permissions, config, { ...TOOLS, mode: 'shadow' })
  await gateway.result('git__log')
  const [row] = gateway.shadow()
  assert.deepEqual([row?.verdict, row?.rule], ['refuse', 'no permission'])
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(permissions, { folder: import.meta.dirname }))
