import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { folder, README, sound, told } from '../../test/fixtures/sound-plugin.ts'
import { pluginProblems } from './index.ts'

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
  for (const use of ['./sound/index.ts', './plugins/sound', '../sound.js']) {
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

/** What is said of an example that uses the plugin by that name. */
async function toldOf(t: TestContext, use: string, files: Readonly<Record<string, string>> = {}) {
  const readme = README.replace('patchbay-plugin-sound', use)
  const found = await pluginProblems(sound(), {
    folder: folder(t, { ...files, 'README.md': readme }),
  })
  return found.map(({ reason, hint }) => `${reason}. ${hint}`)
}

test('of a package an example must use the whole name: nothing else finds it where it is installed', async (t) => {
  for (const name of ['patchbay-plugin-sound', '@acme/patchbay-plugin-sound', 'sound']) {
    const files = { 'package.json': JSON.stringify({ name, version: '1.2.3' }) }
    assert.deepEqual(await toldOf(t, `"${name}"`, files), [], name)
  }
  const files = { 'package.json': '{ "name": "patchbay-plugin-sound", "version": "1.2.3" }' }
  for (const use of ['sound', './sound/index.ts', './patchbay-plugin-sound/dist/index.js']) {
    const [first = '', ...others] = await toldOf(t, use, files)
    assert.ok(first.startsWith(`the example says \`use: ${use}\`, which finds nothing`), first)
    assert.match(first, /Write `use: patchbay-plugin-sound`, the name of its package/)
    assert.deepEqual(others, [])
  }
})

test('a plugin that is no package is used by its path, or by its name from `pluginsDir`', async (t) => {
  const [found = ''] = await toldOf(t, 'sound')
  assert.match(found, /Write `use: .\/sound\/index.ts`, its path beside the config/)
  const readme = README.replace('patchbay-plugin-sound', 'sound').replace(
    'plugins:',
    'pluginsDir: .\nplugins:',
  )
  assert.deepEqual(await told(t, sound(), { 'README.md': readme }), [])
})
