import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { definePlugin, type Hooks, type Plugin } from '../index.ts'
import { checkPlugin, pluginProblems } from './index.ts'

const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    window: { type: 'string', format: 'duration', default: '1m', description: 'How long.' },
    rules: {
      type: 'array',
      description: 'What counts.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['tool'],
        properties: { tool: { type: 'string', description: 'Whose calls.' } },
      },
    },
  },
} as const

const TABLE = `| Setting        | Type             | Default  | Description  |
| -------------- | ---------------- | -------- | ------------ |
| \`window\`       | duration         | \`"1m"\`   | How long.    |
| \`rules\`        | list of mappings |          | What counts. |
| \`rules[].tool\` | string           | required | Whose calls. |
`

const EXAMPLE = `plugins:
  - use: auth-none
  - use: patchbay-plugin-sound
    config: { window: 2m, rules: [{ tool: "\${TOOL}" }] }
`

const README = `# sound

## What it does

Nothing.

## Settings

${TABLE}
## Examples

\`\`\`yaml
${EXAMPLE}\`\`\`

## Limits

None.
`

/** A plugin nothing is wrong with, or with other parts. */
function sound(parts: Partial<Plugin> = {}, hooks: Hooks = {}): Plugin {
  const base = definePlugin({
    name: 'sound',
    version: '1.2.3',
    phase: 'shape',
    configSchema: SCHEMA,
    setup: () => hooks,
  })
  return { ...base, ...parts }
}

/** The plugin's folder, with these files. */
function folder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const room = mkdtempSync(join(tmpdir(), 'patchbay-check-'))
  t.after(() => rmSync(room, { recursive: true }))
  const own = join(room, 'sound')
  mkdirSync(own)
  for (const [name, text] of Object.entries({ 'README.md': README, ...files })) {
    if (text !== '') writeFileSync(join(own, name), text)
  }
  return own
}

/** What is found, in the words an author reads. */
async function told(
  t: TestContext,
  plugin: Plugin,
  files?: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found = await pluginProblems(plugin, { folder: folder(t, files) })
  return found.map(({ where, path, reason }) => [where, path, reason].filter(Boolean).join(' '))
}

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

test('an example that does not pass is told at its line in the README', async (t) => {
  const readme = README.replace('window: 2m', 'windw: 2m')
  const line = readme.split('\n').findIndex((one) => one.includes('windw')) + 1
  assert.deepEqual(await told(t, sound(), { 'README.md': readme }), [
    `README.md:${line}:15 plugins[1].config.windw is not a setting here (did you mean "window"?)`,
  ])
  const other = README.replace('listen', 'listn').replace('plugins:', 'listn: {}\nplugins:')
  assert.match((await told(t, sound(), { 'README.md': other })).join(), /README.md:\d+:1 listn/)
})

test('an example may use the plugin by its file or folder', async (t) => {
  for (const use of ['./sound/index.ts', './plugins/sound', '../sound.js', 'sound']) {
    const readme = README.replace('patchbay-plugin-sound', use)
    assert.deepEqual(await told(t, sound(), { 'README.md': readme }), [], use)
  }
  const readme = README.replace('patchbay-plugin-sound', './soundless.ts')
  assert.match((await told(t, sound(), { 'README.md': readme })).join(), /does not use the plugin/)
})

test('a README without an example, or with one for something else, is told', async (t) => {
  const without = README.replace(/```yaml.*?```/s, 'None.')
  assert.deepEqual(await told(t, sound(), { 'README.md': without }), ['README.md has no example'])
  const foreign = README.replace(/ {2}- use: patchbay-plugin-sound\n.*\n/, '')
  const found = await told(t, sound(), { 'README.md': foreign })
  assert.match(found.join(), /^README.md:\d+ the example does not use the plugin$/)
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

test('every hook that writes into what it is given is told', async (t) => {
  const write = (into: object): undefined => void Object.assign(into, { written: true })
  const writing: Hooks[] = [
    {
      onRegister: ({ definition }) => write(definition),
      listFilter: ({ client }) => write(client),
      authenticate: ({ headers }) => write(headers),
      observe: (event) => void write(event),
    },
    { beforeCall: ({ args }) => write(args.deep as object) },
    {
      afterCall: (_call, outcome) => write(outcome),
      onMessage: (_about, { params }) => write(params as object),
    },
  ]
  for (const hooks of writing) {
    const reasons = await told(t, sound({}, hooks))
    const named = reasons.map((one) => /its hook (\w+) changes what it was given/.exec(one)?.[1])
    assert.deepEqual(named.sort(), Object.keys(hooks).sort())
  }
})

test('a plugin that waits for time is not waited for', { timeout: 5_000 }, async (t) => {
  await checkPlugin(sound({}, { beforeCall: () => new Promise(() => {}) }), { folder: folder(t) })
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
