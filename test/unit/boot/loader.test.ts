import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadPlugin } from '../../../core/boot/loading/loader.ts'
import { load, pluginSource, problems } from './folder.ts'

async function refusal(
  t: Parameters<typeof problems>[0],
  use: string,
  files: Record<string, string> = {},
): Promise<string> {
  const found = await problems(t, { 'patchbay.yaml': `plugins: [{ use: "${use}" }]`, ...files })
  assert.equal(found.length, 1)
  assert.equal(found[0]?.path, 'plugins[0].use')
  return `${found[0]?.reason}. ${found[0]?.hint}`
}

test('a bundled plugin is found by its name', async () => {
  const loading = await loadPlugin('denylist', '/')
  assert.equal('plugin' in loading && loading.plugin.name, 'denylist')
  assert.equal('plugin' in loading && loading.origin, 'bundled')
})

test('a file is found from the config file and gets the SDK of the gateway that runs it', async (t) => {
  const config = await load(t, {
    'patchbay.yaml': 'plugins: [{ use: ./my/plugin.ts, config: { limit: 2 } }]',
    'my/plugin.ts': pluginSource(),
  })
  assert.deepEqual(config.plugins[0]?.config, { limit: 2, open: false, window: 60_000 })
  assert.equal(config.origins.get('sample'), join(config.file, '../my/plugin.ts'))
})

test('a package is found from the config file, with its version', async (t) => {
  const config = await load(t, {
    'patchbay.yaml': 'plugins: [{ use: "@acme/sample" }]',
    'node_modules/@acme/sample/package.json': JSON.stringify({
      name: '@acme/sample',
      version: '2.3.4',
      type: 'module',
      exports: { import: './main.js' },
    }),
    'node_modules/@acme/sample/main.js': pluginSource(),
  })
  assert.equal(config.origins.get('sample'), '@acme/sample@2.3.4')
})

test('everything in pluginsDir can be used by its name: files and folders', async (t) => {
  const config = await load(t, {
    'patchbay.yaml': 'pluginsDir: ./mine\nplugins: [{ use: one }, { use: two }]',
    'mine/one.ts': pluginSource('', 'one'),
    'mine/one.test.ts': 'not a plugin',
    'mine/two/index.js': pluginSource('', 'two'),
  })
  assert.equal(config.origins.get('one'), join(config.file, '../mine/one.ts'))
  assert.equal(config.origins.get('two'), join(config.file, '../mine/two/index.js'))
})

test('a name that two plugins have is a clash, also with a bundled one', async (t) => {
  const found = await problems(t, {
    'patchbay.yaml': 'pluginsDir: ./mine\nplugins: [{ use: twin }, { use: denylist }]',
    'mine/twin.ts': pluginSource(),
    'mine/twin/index.ts': pluginSource(),
    'mine/denylist.ts': pluginSource(),
  })
  assert.deepEqual(
    found.map(({ code, path }) => [code, path]),
    [
      ['PLUGIN_CLASH', 'plugins[0].use'],
      ['PLUGIN_CLASH', 'plugins[1].use'],
    ],
  )
  assert.match(found[1]?.text ?? '', /denylist: a bundled one and .*denylist\.ts\. Rename/)
})

test('a pluginsDir that is nowhere is told once, and what is in one helps with misspelt names', async (t) => {
  const gone = await problems(t, 'pluginsDir: ./gone')
  assert.match(gone[0]?.text ?? '', /pluginsDir: the folder cannot be read: ENOENT/)
  const [near] = await problems(t, {
    'patchbay.yaml': 'pluginsDir: ./mine\nplugins: [{ use: bannr }]',
    'mine/banner.ts': pluginSource(),
  })
  assert.match(
    near?.text ?? '',
    /no plugin bannr \(did you mean "banner"\?\).*In `pluginsDir`: banner/,
  )
})

test('a plugin that is nowhere is told with the nearest bundled one and how to install it', async (t) => {
  const text = await refusal(t, 'denylst')
  assert.match(text, /there is no plugin denylst \(did you mean "denylist"\?\)/)
  // Nobody should install a package because of a typo.
  assert.doesNotMatch(text, /npm install/)
  const whole = '@acme/patchbay-plugin-far'
  assert.match(await refusal(t, whole), /run `npm install @acme\/patchbay-plugin-far`/)
  // A bare word is as likely the name of a package that is no plugin.
  const bare = await refusal(t, 'far-from-any')
  assert.doesNotMatch(bare, /npm install/)
  assert.match(bare, /A package: write its whole name/)
})

test('a package that is called by half its name is not loaded, and its whole name is told', async (t) => {
  for (const [use, whole] of [
    ['who', 'patchbay-plugin-who'],
    ['@acme/who', '@acme/patchbay-plugin-who'],
  ] as const) {
    const text = await refusal(t, use, {
      [`node_modules/${whole}/package.json`]: `{ "name": "${whole}", "main": "./index.js" }`,
      [`node_modules/${whole}/index.js`]: pluginSource(),
    })
    assert.match(text, new RegExp(`Write \`use: ${whole}\``))
  }
})

test('a file that is nowhere is told with the path that was tried', async (t) => {
  assert.match(await refusal(t, './gone.ts'), /there is no file \/.*gone\.ts/)
})

test('a plugin that throws while it is imported is told with the cause', async (t) => {
  const text = await refusal(t, './bad.ts', { 'bad.ts': "throw new Error('no luck')" })
  assert.match(text, /\.\/bad\.ts cannot be imported: no luck/)
})

test('a plugin whose own import is missing is not taken for a missing plugin', async (t) => {
  const text = await refusal(t, 'needy', {
    'node_modules/needy/package.json': '{ "name": "needy", "main": "./index.js" }',
    'node_modules/needy/index.js': "require('not-there-at-all')",
  })
  assert.match(text, /needy cannot be imported: .*not-there-at-all/)
})

test('a module without a plugin in it is refused', async (t) => {
  const text = await refusal(t, './bad.ts', { 'bad.ts': 'export default { name: 1 }' })
  assert.match(text, /no default export made by definePlugin/)
})

test('a plugin for another contract is refused', async (t) => {
  const source = `${pluginSource().replace('export default', 'const plugin =')}
export default { ...plugin, contract: 99 }`
  assert.match(await refusal(t, './old.ts', { 'old.ts': source }), /contract 99/)
})

test('a schema that is not strict is the plugin’s problem', async (t) => {
  const source = pluginSource().replace("type: 'integer'", "tipe: 'integer'")
  const text = await refusal(t, './bad.ts', { 'bad.ts': source })
  assert.match(text, /configSchema that does not compile: .*"tipe"/)
})

test('a schema that lets unknown properties pass is the plugin’s problem', async (t) => {
  const source = pluginSource().replace('additionalProperties: false,', '')
  const text = await refusal(t, './bad.ts', { 'bad.ts': source })
  assert.match(text, /set additionalProperties to false/)
})

test('one plugin on two lines needs an id on one of them', async (t) => {
  const files = { 'sample.ts': pluginSource() }
  const [problem, ...others] = await problems(t, {
    'patchbay.yaml': 'plugins:\n  - use: ./sample.ts\n  - use: ./sample.ts\n',
    ...files,
  })
  assert.deepEqual(others, [])
  assert.match(problem?.text ?? '', /line at patchbay\.yaml:2:5 has the id sample too\. Set `id`/)
  const config = await load(t, {
    'patchbay.yaml': 'plugins:\n  - use: ./sample.ts\n  - { use: ./sample.ts, id: second }\n',
    ...files,
  })
  assert.deepEqual(
    config.plugins.map(({ id }) => id),
    ['sample', 'second'],
  )
})

const CLAIM = `upstreamSettings: { key: 'team', schema: {
  type: 'object', additionalProperties: false, required: ['name'],
  properties: { name: { type: 'string' }, wait: { type: 'string', format: 'duration', default: '2s' } },
} },`

test('a plugin gets the settings under the key it claims, defaults and switched-off upstreams minded', async (t) => {
  const config = await load(t, {
    'patchbay.yaml': `defaults: { upstream: { team: { name: common } } }
upstreams:
  a: { command: a, team: { name: own, wait: 1m } }
  b: { command: b }
  off: { command: b, enabled: false, team: { name: off } }
plugins: [{ use: ./sample.ts }]
`,
    'sample.ts': pluginSource(CLAIM),
  })
  assert.deepEqual(
    [...(config.plugins[0]?.upstreams ?? [])],
    [
      ['a', { name: 'own', wait: 60_000 }],
      ['b', { name: 'common', wait: 2_000 }],
    ],
  )
})

test('a claimed setting is judged at its place', async (t) => {
  const [problem, ...others] = await problems(t, {
    'patchbay.yaml':
      'upstreams: { a: { command: a, team: { nam: x } } }\nplugins: [{ use: ./s.ts }]',
    's.ts': pluginSource(CLAIM),
  })
  assert.deepEqual(others, [])
  assert.equal(problem?.path, 'upstreams.a.team.nam')
})

test('a key that nobody claims is refused', async (t) => {
  const [problem] = await problems(t, 'upstreams: { a: { command: a, team: x } }')
  assert.match(
    problem?.text ?? '',
    /upstreams\.a\.team: no setting `team`\. Take it out, or enable/,
  )
})

test('two plugins cannot claim one key, nor one of the gateway’s own', async (t) => {
  const files = {
    's.ts': pluginSource(CLAIM),
    'o.ts': pluginSource(CLAIM, 'other'),
    'u.ts': pluginSource(CLAIM.replace("'team'", "'url'"), 'greedy'),
  }
  const found = await problems(t, {
    'patchbay.yaml': 'plugins: [{ use: ./s.ts }, { use: ./o.ts }, { use: ./u.ts }]',
    ...files,
  })
  assert.deepEqual(
    found.map(({ path, reason }) => [path, reason]),
    [
      ['plugins[1]', 'claims the upstream key `team`, which belongs to the plugin line sample'],
      ['plugins[2]', 'claims the upstream key `url`, which belongs to the gateway itself'],
    ],
  )
})

test('a plugin made for another contract is refused with which of the two to update', async (t) => {
  const made = (contract: string) => ({
    'other.ts': `export default { name: 'other', version: '1.0.0', ${contract} setup: () => ({}) }`,
  })
  assert.match(
    await refusal(t, './other.ts', made('contract: 2,')),
    /made for plugin contract 2, this gateway has 1\. Update the gateway\./,
  )
  assert.match(
    await refusal(t, './other.ts', made('contract: 0,')),
    /made for plugin contract 0, this gateway has 1\. Update the plugin\./,
  )
  assert.match(
    await refusal(t, './other.ts', made('')),
    /has no default export made by definePlugin/,
  )
})
