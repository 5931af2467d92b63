import assert from 'node:assert/strict'
import test, { afterEach } from 'node:test'
import { definePlugin } from 'mcp-patchbay/sdk'
import { checkPlugin, testPlugin as kit, type TestGateway } from 'mcp-patchbay/sdk/testing'
import denylist from './index.ts'
import { PRESETS } from './presets.ts'

const FILES = { tools: { files: ['read_file', 'delete_file', 'Delete_all'], git: ['delete_file'] } }

const started: TestGateway[] = []

/** A gateway that ends with its test: each has a thread for its database. */
async function testPlugin(...parts: Parameters<typeof kit>): Promise<TestGateway> {
  const gateway = await kit(...parts)
  started.push(gateway)
  return gateway
}

afterEach(() => Promise.all(started.splice(0).map((one) => one.stop())))

test('what is denied is neither listed nor called, and nothing else is touched', async () => {
  const gateway = await testPlugin(denylist, { tools: ['files__delete_file'] }, FILES)
  assert.deepEqual(await gateway.list(), [
    'files__read_file',
    'files__Delete_all',
    'git__delete_file',
  ])
  const denial = await gateway.denied('files__delete_file')
  assert.equal(denial.code, 'NOT_FOUND')
  assert.equal(denial.plugin, 'denylist')
  assert.equal(denial.rule, 'files__delete_file')
  assert.deepEqual(gateway.sent, [])
  await gateway.result('git__delete_file')
  assert.equal(gateway.sent.length, 1)
})

test('a denied tool reads like one that does not exist', async () => {
  const gateway = await testPlugin(denylist, { tools: ['*delete*'] }, FILES)
  const denied = await gateway.denied('files__delete_file')
  const unknown = await gateway.denied('files__no_such_tool')
  assert.equal(denied.message.replace('delete_file', 'no_such_tool'), unknown.message)
  assert.deepEqual([denied.code, denied.hint], [unknown.code, unknown.hint])
})

test("the upstream's own name denies the tool of every upstream", async () => {
  const gateway = await testPlugin(denylist, { tools: ['delete_file'] }, FILES)
  assert.deepEqual(await gateway.list(), ['files__read_file', 'files__Delete_all'])
})

test('a glob matches any of the names, upper and lower case told apart', async () => {
  const cases: [string, string[]][] = [
    ['*__delete_*', ['files__read_file', 'files__Delete_all']],
    ['files__*', ['git__delete_file']],
    ['?elete_file', ['files__read_file', 'files__Delete_all']],
    ['[Dd]elete_*', ['files__read_file']],
    ['{read,delete}_file', ['files__Delete_all']],
    ['*', []],
  ]
  for (const [pattern, left] of cases) {
    const gateway = await testPlugin(denylist, { tools: [pattern] }, FILES)
    assert.deepEqual(await gateway.list(), left, pattern)
  }
})

test('an alias of a denied tool is denied, by whichever name the rule calls it', async () => {
  const options = { ...FILES, aliases: { files: { rm: 'delete_file' } } }
  for (const pattern of ['delete_file', 'files__delete_file', 'files__delete_*']) {
    const gateway = await testPlugin(denylist, { tools: [pattern] }, options)
    assert.ok(gateway.entries.some(({ name }) => name === 'files__rm'))
    assert.ok(!(await gateway.list()).includes('files__rm'), pattern)
    await gateway.denied('files__rm')
  }
})

test('denying an alias leaves the tool itself', async () => {
  const options = { ...FILES, aliases: { files: { rm: 'delete_file' } } }
  const gateway = await testPlugin(denylist, { tools: ['files__rm'] }, options)
  await gateway.denied('files__rm')
  await gateway.result('files__delete_file')
})

test('a tool that another plugin renames stays denied under its new name', async () => {
  const renamer = definePlugin({
    name: 'renamer',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      arrange: (entries) =>
        entries.map((entry) => ({ ...entry, name: `new_${entry.name.length}_${entry.name[0]}` })),
    }),
  })
  const options = { tools: { files: ['delete_file'] }, with: [[renamer]] } as const
  for (const pattern of ['delete_file', 'files__delete_file', 'new_*']) {
    const gateway = await testPlugin(denylist, { tools: [pattern] }, options)
    assert.deepEqual(await gateway.list(), [], pattern)
    await gateway.denied('new_18_f')
  }
})

test('of an entry with several targets only the denied ones are out of reach', async () => {
  const merger = definePlugin({
    name: 'merger',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      arrange(entries) {
        const [first] = entries
        const targets = entries.flatMap((entry) => entry.targets)
        return first === undefined ? [] : [{ ...first, name: 'remove', targets }]
      },
    }),
  })
  const options = { tools: { a: ['rm'], b: ['rm'] }, with: [[merger]] } as const
  const gateway = await testPlugin(denylist, { tools: ['a__rm'] }, options)
  await gateway.result('remove')
  assert.deepEqual(
    gateway.sent.map(({ upstream }) => upstream),
    ['b'],
  )
})

test('slashes and dots in names do not hide a tool from a star', async () => {
  const options = { tools: { demo: ['fs/delete', '.hidden'] } }
  const gateway = await testPlugin(denylist, { tools: ['fs*delete', '?hidden'] }, options)
  assert.deepEqual(await gateway.list(), [])
})

test('the preset infrastructure denies 32 tools by their own names, whatever the prefix', async () => {
  const names = PRESETS.infrastructure
  assert.equal(new Set(names).size, 32)
  const options = { tools: { k8s: [...names, 'kubectl_get'] } }
  const gateway = await testPlugin(denylist, { presets: ['infrastructure'] }, options)
  assert.deepEqual(await gateway.list(), ['k8s__kubectl_get'])
  assert.equal((await gateway.denied('k8s__kubectl_apply')).rule, 'kubectl_apply')
  assert.equal(gateway.logs.length, 0)
})

test('every caller is denied the same', async () => {
  const gateway = await testPlugin(denylist, { tools: ['*delete*'] }, FILES)
  for (const subject of ['anna', 'bob']) {
    const caller = { principal: { subject, scopes: ['admin'] }, path: '/mcp/admin' }
    assert.deepEqual(await gateway.list(caller), ['files__read_file', 'files__Delete_all'])
    await gateway.denied('git__delete_file', {}, { caller })
  }
})

test('a tool that comes later is denied too', async () => {
  const gateway = await testPlugin(denylist, { tools: ['drop_*'] }, FILES)
  await gateway.offer('git', ['drop_stash', 'log'])
  assert.ok(!(await gateway.list()).includes('git__drop_stash'))
  await gateway.denied('git__drop_stash')
})

test('a pattern that matches nothing is warned about once, when every upstream has been listed', async () => {
  const gateway = await testPlugin(
    denylist,
    { presets: ['infrastructure'], tools: ['delte_*', '*read*'] },
    { tools: { files: ['read_file'], late: null } },
  )
  assert.equal(gateway.logs.length, 0)
  await gateway.offer('late', ['log'])
  await gateway.offer('late', ['log', 'show'])
  assert.deepEqual(
    gateway.logs.map(({ level, fields }) => [level, fields]),
    [['warn', { rule: 'delte_*' }]],
  )
  assert.match(gateway.logs[0]?.message ?? '', /delte_\* denies no tool.*Correct or remove it/)
})

test('settings that cannot be are refused with path and reason', async () => {
  const refusals: [unknown, RegExp][] = [
    [{ tools: 'delete' }, /config\.tools: must be a list, not text/],
    [{ tools: [''] }, /config\.tools\[0\]: must not be empty/],
    [{ tools: ['a', 'a'] }, /config\.tools: holds the same item twice/],
    [
      { tools: ['!read_*'] },
      /config\.tools\[0\]: "!read_\*" begins with "!": there are no exceptions. List what/,
    ],
    [{ tools: ['a', 'delete_[ab'] }, /config\.tools\[1\]: "delete_\[ab" is no glob/],
    [{ presets: ['infra'] }, /config\.presets\[0\]: must be one of infrastructure/],
    [{ tool: ['a'] }, /config\.tool: is not a setting here \(did you mean "tools"\?\)/],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(denylist, config), { message })
  }
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(denylist, { folder: import.meta.dirname }))
