import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { ROOT } from '../../house/plugins.ts'
import { folder, pluginSource } from '../../unit/boot/folder.ts'
import { pluginText } from '../admin/door.ts'
import { patchbay } from './patchbay.ts'

test('plugins prints where each comes from, its phase, hooks and commands', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: denylist, config: { tools: [x] } }, { use: ./s.ts, id: mine }]',
    's.ts': pluginText(
      'sample',
      "return { beforeCall() {}, commands: { say: { description: 'Speaks.', run: () => 'x' } } }",
      "phase: 'guard',",
    ),
  })
  const { code, out } = await patchbay('plugins', join(root, 'a.yaml'))
  assert.equal(code, 0)
  assert.match(out, /^ID\s+NAME\s+VERSION\s+ORIGIN\s+PHASE\s+HOOKS$/m)
  assert.match(
    out,
    /^denylist\s+denylist\s+\S+\s+bundled\s+listFilter, start, stop, observe, status$/m,
  )
  assert.match(out, /^mine\s+sample\s+1\.2\.3\s+\S+s\.ts\s+guard\s+beforeCall$/m)
  assert.match(out, /^patchbay mine say\s+Speaks\.$/m)
  const json = await patchbay('plugins', join(root, 'a.yaml'), '--json')
  const rows = JSON.parse(json.out)
  assert.deepEqual(rows[1].commands, [{ name: 'say', description: 'Speaks.', offline: false }])
})

const CLAIM = `upstreamSettings: { key: 'team', schema: { type: 'string', description: 'Whose.' } },`

test('schema tells the settings of exactly the plugins that a file uses', async (t) => {
  const root = folder(t, {
    // Unfinished: an editor is asked for help just then.
    'a.yaml': 'plugins: [{ use: ./s.ts, config: { limt: 1 } }]\nlisten: { prot: 1 }',
    's.ts': pluginSource(CLAIM),
  })
  const { code, out } = await patchbay('schema', join(root, 'a.yaml'))
  assert.equal(code, 0)
  const { $schema: _, ...schema } = JSON.parse(out)
  const valid = new Ajv2020({ strict: false }).compile(schema)
  const judge = (text: string) => valid(parse(text))
  assert.ok(judge('plugins: [{ use: ./s.ts, config: { limit: 1, window: 2m } }]'))
  assert.ok(!judge('plugins: [{ use: ./s.ts, config: { limt: 1 } }]'))
  assert.ok(judge('upstreams: { a: { url: "http://x/", team: core } }'))
  assert.ok(!judge('upstreams: { a: { url: "http://x/", taem: core } }'), 'nobody claims it')
  assert.ok(judge('admin: false'))
  assert.ok(!out.includes('denylist'))
})

test('schema of a file whose plugin cannot be loaded says why', async (t) => {
  const root = folder(t, { 'a.yaml': 'plugins: [{ use: ./gone.ts }]' })
  const { code, out, err } = await patchbay('schema', join(root, 'a.yaml'))
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(err, /plugins\[0\]\.use: there is no file/)
})

test('new plugin writes a plugin that checks out, and overwrites nothing', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: auth-none }, { use: ./quiet-hours/index.ts }]',
  })
  const target = join(root, 'quiet-hours')
  const { code, out } = await patchbay('new', 'plugin', 'quiet-hours', target)
  assert.equal(code, 0)
  assert.match(out, /quiet-hours\.test\.ts/)
  const files = [
    'README.md',
    'index.ts',
    'package.json',
    'quiet-hours.test.ts',
    'tsconfig.build.json',
    'tsconfig.json',
  ]
  assert.deepEqual(readdirSync(target).sort(), files)
  for (const file of files) {
    assert.doesNotMatch(readFileSync(join(target, file), 'utf8'), /my-plugin/, file)
  }
  const headings = readFileSync(join(target, 'README.md'), 'utf8').match(/^#+ .+$/gm)
  const sections = ['## What it does', '## Settings', '## Examples', '## Limits']
  assert.deepEqual(headings, ['# quiet-hours', ...sections])
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  assert.equal(manifest.devDependencies['mcp-patchbay'], `^${version}`)
  // Optional: installed beside the gateway it must not bring a second one.
  assert.deepEqual(manifest.peerDependencies, { 'mcp-patchbay': `^${version}` })
  assert.equal(manifest.peerDependenciesMeta['mcp-patchbay'].optional, true)
  assert.deepEqual(manifest.keywords, ['patchbay-plugin'])
  assert.equal((await patchbay('check', join(root, 'a.yaml'))).code, 0)

  writeFileSync(join(target, 'index.ts'), 'mine')
  const again = await patchbay('new', 'plugin', 'quiet-hours', target)
  assert.equal(again.code, 1)
  assert.match(again.err, /already holds .*index\.ts.*Nothing was written/)
  assert.equal(readFileSync(join(target, 'index.ts'), 'utf8'), 'mine')
})

test('new plugin refuses names that are none, or taken', async (t) => {
  const root = folder(t, {})
  for (const name of ['Quiet', 'quiet_hours', '../x', '-x', 'denylist']) {
    const { code } = await patchbay('new', 'plugin', '--', name, join(root, 'x'))
    assert.equal(code, 1, name)
  }
  const taken = await patchbay('new', 'plugin', 'denylist', join(root, 'x'))
  assert.match(taken.err, /a bundled plugin is called denylist/)
  assert.deepEqual(readdirSync(root), [])
})
