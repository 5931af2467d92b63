// What is published, as users get it: packed, installed, and used by plugins that are not ours.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pluginText } from '../admin/door.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const work = realpathSync(mkdtempSync(join(tmpdir(), 'patchbay-packed-')))
after(() => rmSync(work, { recursive: true, force: true }))

/** Where a global install puts it: beside no project. */
const installed = join(work, 'global/lib/node_modules/mcp-patchbay')
const bin = join(installed, 'core/boot/main.js')

before(() => {
  const built = join(work, 'built')
  run(ROOT, process.execPath, 'test/house/build.ts', built)
  run(built, 'npm', 'pack', '--ignore-scripts', '--offline', '--pack-destination', work)
  const { version } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'))
  mkdirSync(installed, { recursive: true })
  const tarball = join(work, `mcp-patchbay-${version}.tgz`)
  run(work, 'tar', '-xzf', tarball, '--strip-components=1', '-C', installed)
  // Its dependencies, without a registry.
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
})

function run(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs the installed `patchbay` in a folder. */
function patchbay(cwd: string, ...args: string[]): string {
  return run(cwd, process.execPath, bin, ...args)
}

/** A folder with these files. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(work, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

/** Starts the installed gateway, asks it for its status, and stops it. */
async function statusOf(cwd: string): Promise<{ plugins: Record<string, { origin: string }> }> {
  const child = spawn(process.execPath, [bin, 'start'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      said += `${line}\n`
      if (line.includes('"listening"')) return JSON.parse(patchbay(cwd, 'status', '--json'))
    }
    throw new Error(`it did not start: ${said}`)
  } finally {
    child.kill('SIGTERM')
    await closed
  }
}

const CONFIG = 'listen: { port: 0 }\nadmin: { port: 0 }\n'

test('installed globally, it runs a local TypeScript plugin and one of pluginsDir', async () => {
  const cwd = folder('local', {
    'patchbay.yaml': `${CONFIG}pluginsDir: ./mine\nplugins: [{ use: ./banner.ts }, { use: second }]`,
    'banner.ts': pluginText('banner', 'return { status: () => ({ kind: typeof deny }) }'),
    'mine/second.ts': pluginText('second', 'return {}'),
  })
  const { plugins } = await statusOf(cwd)
  assert.deepEqual(Object.keys(plugins), ['banner', 'second'])
  assert.equal(plugins.banner?.origin, join(cwd, 'banner.ts'))
  assert.deepEqual((plugins.banner as { status?: object }).status, { kind: 'function' })
})

test('a plugin made of the template tests, builds and runs as a package', async () => {
  const plugin = join(work, 'patchbay-plugin-quiet-hours')
  patchbay(work, 'new', 'plugin', 'quiet-hours', plugin)
  mkdirSync(join(plugin, 'node_modules'))
  symlinkSync(installed, join(plugin, 'node_modules/mcp-patchbay'))
  symlinkSync(join(ROOT, 'node_modules/@types'), join(plugin, 'node_modules/@types'))
  const { scripts } = JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8'))
  assert.deepEqual([scripts.build, scripts.test], ['tsc', 'node --test'])
  run(plugin, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  execFileSync(process.execPath, ['--test'], { cwd: plugin, env, stdio: 'pipe' })

  const cwd = folder('project', {
    'patchbay.yaml': `${CONFIG}plugins: [{ use: patchbay-plugin-quiet-hours, config: { longest: 1KiB } }]`,
  })
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(plugin, join(cwd, 'node_modules/patchbay-plugin-quiet-hours'))
  const { plugins } = await statusOf(cwd)
  assert.equal(plugins['quiet-hours']?.origin, 'patchbay-plugin-quiet-hours@0.1.0')
})

test('a package that ships JavaScript is found from the config’s folder', async () => {
  const cwd = folder('packages', {
    'patchbay.yaml': `${CONFIG}plugins: [{ use: "@acme/patchbay-plugin-redact" }]`,
    'node_modules/@acme/patchbay-plugin-redact/package.json': JSON.stringify({
      name: '@acme/patchbay-plugin-redact',
      version: '4.5.6',
      type: 'module',
      exports: './main.js',
    }),
    'node_modules/@acme/patchbay-plugin-redact/main.js': pluginText('redact', 'return {}'),
  })
  const { plugins } = await statusOf(cwd)
  assert.equal(plugins.redact?.origin, '@acme/patchbay-plugin-redact@4.5.6')
})
