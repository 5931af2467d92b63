import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'
import { folder, README, SCHEMA, sound, told } from '../../test/fixtures/sound-plugin.ts'
import type { Hooks, Plugin } from '../index.ts'
import { checkPlugin, pluginProblems } from './index.ts'

test('a plugin that keeps to everything passes, its folder given as a path, as a URL or by a file in it', async (t) => {
  const own = folder(t)
  await checkPlugin(sound(), { folder: own })
  await checkPlugin(sound(), { folder: pathToFileURL(`${own}/`) })
  await checkPlugin(sound(), { folder: pathToFileURL(join(own, 'README.md')).href })
})

test('everything that is wrong comes as one error, each with what to do', async (t) => {
  const plugin = sound({ name: 'Sound', version: '1' })
  await assert.rejects(checkPlugin(plugin, { folder: folder(t, { 'README.md': '' }) }), (error) => {
    const lines = (error as Error).message.split('\n')
    assert.match(lines[0] ?? '', /name `Sound` is not in kebab case. Use lower case and dashes/)
    assert.match(lines[1] ?? '', /version `1` is not a semantic version. Write three numbers/)
    assert.match(lines[2] ?? '', /called Sound and its folder sound. Call both the same/)
    assert.match(lines[3] ?? '', /there is no \S+README.md. Write one/)
    assert.equal(lines.length, 4)
    return true
  })
})

test('what was not made by definePlugin, or for another contract, is told first', async (t) => {
  const found = await told(t, { ...sound(), contract: 7 })
  assert.deepEqual(found, ['plugin under test was made for plugin contract 7, this gateway has 1'])
})

test('a package is called like its plugin, with or without prefix and scope, and has its version', async (t) => {
  const manifest = (name: string, version: string) => ({
    'package.json': JSON.stringify({ name, version }),
    'README.md': README.replace('patchbay-plugin-sound', `"${name}"`),
  })
  for (const name of [
    'sound',
    'patchbay-plugin-sound',
    '@acme/sound',
    '@acme/patchbay-plugin-sound',
  ]) {
    assert.deepEqual(await told(t, sound(), manifest(name, '1.2.3')), [], name)
  }
  assert.deepEqual(await told(t, sound(), manifest('noise', '1.2.4')), [
    'plugin sound it is called sound and its package noise',
    'plugin sound it says version 1.2.3, its package.json 1.2.4',
  ])
})

test('a schema that is open or does not compile is told, also that of a claimed key', async (t) => {
  const open = { ...SCHEMA, additionalProperties: true }
  assert.deepEqual(await told(t, sound({ configSchema: open })), [
    'plugin sound its configSchema lets unknown properties pass beside window, rules: set additionalProperties to false',
  ])
  const schema = { type: 'object', properties: { mode: { typ: 'string' } } }
  const found = await told(t, sound({ upstreamSettings: { key: 'sounds', schema } }))
  assert.match(found.join(), /schema for `sounds` lets unknown properties pass beside mode/)
  assert.match(found.join(), /schema for `sounds` does not compile: .*typ/)
})

test('a setting without a description is told, however deep it is', async (t) => {
  const items = { ...SCHEMA.properties.rules.items, properties: { tool: { type: 'string' } } }
  const rules = { ...SCHEMA.properties.rules, items }
  const properties = { ...SCHEMA.properties, rules }
  const plugin = sound({ configSchema: { ...SCHEMA, properties } })
  assert.deepEqual(await told(t, plugin), [
    'plugin sound its configSchema does not describe `tool`',
  ])
})

test('a README without a section, with an empty one or in another order is told', async (t) => {
  const cases: [string, string, string][] = [
    ['# sound', '# loud', "its first heading is `# loud`, not the plugin's name"],
    ['## Limits\n\nNone.\n', '', 'has no section `## Limits`'],
    ['None.\n', '', 'its section `## Limits` is empty'],
    [
      '## What it does',
      '## Install\n\nSo.\n\n## What it does',
      'its sections stand in another order than those of every plugin',
    ],
  ]
  for (const [from, to, reason] of cases) {
    const readme = README.replace(from, to)
    assert.deepEqual(await told(t, sound(), { 'README.md': readme }), [`README.md ${reason}`])
  }
  const more = `${README}\n## Development\n\nSo.\n`
  assert.deepEqual(await told(t, sound(), { 'README.md': more }), [])
})

test('a settings table that lacks a setting, or has one too many, is told with the row to write', async (t) => {
  const readme = README.replace(/^\| `rules\[\].tool`.*\n/m, '| `rules[].tol` | string | | |\n')
  const found = await pluginProblems(sound(), { folder: folder(t, { 'README.md': readme }) })
  assert.deepEqual(
    found.map(({ reason, hint }) => [reason, hint]),
    [
      [
        'its settings table has no row for `rules[].tool`',
        'Write: | `rules[].tool` | string | required | Whose calls. |',
      ],
      [
        'its settings table names `rules[].tol`, which is no setting (did you mean `rules[].tool`?)',
        'Take the row out, or mend its name.',
      ],
    ],
  )
})

test('a default that is another in the table than in the schema is told', async (t) => {
  const row = '| `window`       | duration         | `"1m"`   | How long.    |'
  const cases: [string, string[]][] = [
    ['`1m`', []],
    ['one minute', []],
    ['`2m`', ['its settings table tells the default `2m` of `window`, and it is `"1m"`']],
    ['', ['its settings table tells no default of `window`, and it is `"1m"`']],
  ]
  for (const [told, reasons] of cases) {
    const readme = README.replace(row, `| \`window\` | duration | ${told} | How long. |`)
    const found = await pluginProblems(sound(), { folder: folder(t, { 'README.md': readme }) })
    assert.deepEqual(
      found.map(({ reason }) => reason),
      reasons,
      told,
    )
  }
  const readme = README.replace('| required |', '| `"echo"` |').replace(
    '|          | What',
    '| `[]` | What',
  )
  assert.deepEqual(await told(t, sound(), { 'README.md': readme }), [
    'README.md its settings table tells the default `[]` of `rules`, and there is none',
    'README.md its settings table tells the default `"echo"` of `rules[].tool`, and it is required',
  ])
})

test('settings of a claimed key stand in the table under that key, in a table of their own or not', async (t) => {
  const claim = (schema: Plugin['configSchema']) =>
    sound({ upstreamSettings: { key: 'pace', schema } })
  const text = { type: 'string', description: 'Slow or fast.' }
  assert.deepEqual(await told(t, claim(text)), [
    'README.md its settings table has no row for `pace`',
  ])
  const object = { type: 'object', additionalProperties: false, properties: { speed: text } }
  const readme = README.replace('## Examples', '| `pace.speed` | string | | |\n\n## Examples')
  assert.deepEqual(await told(t, claim(object), { 'README.md': readme }), [])
})

test('hooks that do not exist and a setup that fails are told as at boot', async (t) => {
  const misspelt = sound({}, { afterCal: () => undefined } as unknown as Hooks)
  assert.match(
    (await told(t, misspelt)).join(),
    /no hook `afterCal` \(did you mean "afterCall"\?\)/,
  )
  const broken = sound({
    setup() {
      throw new Error('no luck')
    },
  })
  assert.deepEqual(await told(t, broken), ['plugin sound config setup failed: no luck'])
})

test('a plugin that cannot start in a test says so; what it needs can be given', async (t) => {
  let window: unknown
  const plugin = sound({
    setup(config) {
      return {
        start() {
          window = (config as { window: number }).window
          if (window !== 7_000) throw new Error('nobody there')
        },
      }
    },
  })
  assert.match((await told(t, plugin)).join(), /plugin sound start failed: nobody there/)
  await checkPlugin(plugin, { folder: folder(t), config: { window: '7s' } })
})

test('a plugin that says it can run dry is held to it', async (t) => {
  const beforeCall: Hooks['beforeCall'] = ({ dry }) => {
    if (dry) throw new Error('not ready')
    return undefined
  }
  for (const shadow of [true, false]) {
    const found = await pluginProblems(sound({ shadow }, { beforeCall }), { folder: folder(t) })
    assert.deepEqual([...new Set(found.map(({ code }) => code))], shadow ? ['PLUGIN_DRY_RUN'] : [])
  }
})
