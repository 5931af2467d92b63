import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { loadConfig } from '../core/boot/config/config.ts'
import * as sdk from './index.ts'

const { DENIAL_CODES, HOOK_NAMES } = sdk

const house = join(import.meta.dirname, '..')
const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8')

function isToken(one: unknown): boolean {
  return typeof one === 'object' && one !== null && 'key' in one && typeof one.key === 'symbol'
}

/** The files of a section: a bold path, a line of prose, a fenced block. */
function filesOf(heading: string): Map<string, string> {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split(/\n## (?=Two more|How it works)/)[0]
  const blocks = (section ?? '').matchAll(/^\*\*`([^`]+)`\*\*.*?\n(`{3,})\w+\n(.*?)\n\2$/gms)
  return new Map([...blocks].map(([, path = '', , body = '']) => [path, `${body}\n`]))
}

const walkThrough = () => filesOf('A plugin in ten minutes')

/** A folder outside the house where the gateway is installed, holding the files of the README. */
async function strangersFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'patchbay-readme-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(house, join(folder, 'node_modules', 'mcp-patchbay'), 'junction')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  for (const [path, text] of [...walkThrough(), ...filesOf('Two more')]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

test('the plugin of the walk-through passes its test as written', async (t) => {
  const cwd = await strangersFolder(t)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--test', '--test-reporter=tap', 'pace/pace.test.ts']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# pass 4$/m)
})

test('the other two plugins pass their tests as written', async (t) => {
  const cwd = await strangersFolder(t)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const tests = ['approval/approval.test.ts', 'notes/notes.test.ts']
  const args = ['--test', '--test-reporter=tap', ...tests]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# pass 4$/m)
})

test('the plugins of the README compile as written', async (t) => {
  const cwd = await strangersFolder(t)
  const settings = {
    extends: join(house, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(house, 'node_modules', '@types')] },
    include: ['pace', 'approval', 'notes'],
  }
  await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify(settings))
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const args = [join(dirname(typescript), 'bin', 'tsc'), '--noEmit']
  const { stdout } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  // Only what the stranger wrote: the house compiles itself.
  const own = stdout.split('\n').filter((line) => /^(pace|approval|notes|error)/.test(line))
  assert.deepEqual(own, [])
})

test('the plugin of the walk-through loads from the config of its README', async (t) => {
  const cwd = await strangersFolder(t)
  const [, config = ''] =
    walkThrough()
      .get('pace/README.md')
      ?.match(/```yaml\n(.*?)```/s) ?? []
  await writeFile(join(cwd, 'patchbay.yaml'), config)
  const { plugins } = await loadConfig(join(cwd, 'patchbay.yaml'))
  const pace = plugins.find(({ id }) => id === 'pace')
  assert.deepEqual(pace?.config, { calls: 60, window: 60_000 })
})

test('the walk-through has a plugin, a test and a README with the sections of every plugin', () => {
  const files = walkThrough()
  assert.deepEqual([...files.keys()], ['pace/index.ts', 'pace/pace.test.ts', 'pace/README.md'])
  const headings = files.get('pace/README.md')?.match(/^#+ .+$/gm)
  assert.deepEqual(headings, [
    '# pace',
    '## What it does',
    '## Settings',
    '## Examples',
    '## Limits',
  ])
})

test('the tables name every hook, service and denial code, and no other', () => {
  const rows = (heading: string): string[] => {
    const section = readme.split(`### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? ''
    return [...section.matchAll(/^\| `(\w+)/gm)].map(([, name = '']) => name)
  }
  assert.deepEqual(rows('Hooks').sort(), [...HOOK_NAMES].sort())
  const services = Object.entries(sdk).flatMap(([name, one]) => (isToken(one) ? name : []))
  assert.deepEqual(rows('Services').sort(), services.sort())
  assert.deepEqual(rows('Denials').sort(), [...DENIAL_CODES].sort())
})
