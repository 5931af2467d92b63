// What is published, as users get it: packed, installed, and used by plugins that are not ours.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pluginText } from '../admin/door.ts'

const execute = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const work = realpathSync(mkdtempSync(join(tmpdir(), 'patchbay-packed-')))
after(() => rmSync(work, { recursive: true, force: true }))

const PLUGIN = 'patchbay-plugin-quiet-hours'
/** Where a global install puts things: beside no project. */
const prefix = join(work, 'global')
const globally = join(prefix, 'lib/node_modules')
const project = join(work, 'project')
let gateway: string
let plugin: string

// What packages need comes from npm's cache, where installing this repository has put it.
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

const { NODE_TEST_CONTEXT: _, ...outer } = process.env
// npm's own scripts take their Node.js from the path.
const env = { ...outer, PATH: [dirname(process.execPath), outer.PATH].join(delimiter) }

before(async () => {
  const built = join(work, 'built')
  await run(ROOT, process.execPath, 'test/house/build.ts', built)
  gateway = await pack(built)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "a-project", "private": true }')
  await Promise.all([
    run(work, 'npm', ...INSTALL, '--global', '--prefix', prefix, gateway),
    run(project, 'npm', ...INSTALL, gateway),
  ])
  plugin = await madeOfTemplate()
})

async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(command, args, { cwd, env, encoding: 'utf8' })
  return stdout
}

/** Packs a folder. @returns the tarball */
async function pack(folder: string): Promise<string> {
  const said = await run(folder, 'npm', 'pack', '--json', '--pack-destination', work)
  // What a build prints stands before it.
  const packed = JSON.parse(said.slice(said.search(/^[[{]/m)))
  const [{ filename }] = Array.isArray(packed) ? packed : Object.values(packed)
  return join(work, filename)
}

/** Writes a plugin, tests it, builds and packs it: what its author does. @returns the tarball */
async function madeOfTemplate(): Promise<string> {
  const folder = join(work, PLUGIN)
  await run(work, join(prefix, 'bin/patchbay'), 'new', 'plugin', 'quiet-hours', folder)
  // Linked to the one that is installed: a third copy would show nothing more.
  await run(folder, 'npm', ...INSTALL, '--save-dev', join(globally, 'mcp-patchbay'))
  await run(folder, 'npm', 'test')
  return pack(folder)
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

interface Status {
  readonly plugins: Readonly<Record<string, { readonly origin: string; readonly status?: object }>>
}

/** Starts an installed gateway, asks it for its status, and stops it. */
async function statusOf(cwd: string, bin = join(prefix, 'bin/patchbay')): Promise<Status> {
  const child = spawn(bin, ['start'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      said += `${line}\n`
      if (line.includes('"listening"')) return JSON.parse(await run(cwd, bin, 'status', '--json'))
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
  assert.deepEqual(plugins.banner?.status, { kind: 'function' })
})

/** Uses the template's plugin as a package, with a setting of its own. */
const USES = `${CONFIG}plugins: [{ use: ${PLUGIN}, config: { longest: 1KiB } }]`

test('what is published of a plugin is JavaScript, types and a README', async () => {
  const files = (await run(work, 'tar', '-tzf', plugin)).trim().split('\n').sort()
  assert.deepEqual(
    files.map((file) => file.replace('package/', '')),
    ['README.md', 'dist/index.d.ts', 'dist/index.js', 'package.json'],
  )
})

test('a plugin made of the template runs in a project that has the gateway', async () => {
  await run(project, 'npm', ...INSTALL, plugin)
  writeFileSync(join(project, 'patchbay.yaml'), USES)
  const { plugins } = await statusOf(project, join(project, 'node_modules/.bin/patchbay'))
  assert.equal(plugins['quiet-hours']?.origin, `${PLUGIN}@0.1.0`)
})

test('installed globally beside the gateway it is found from anywhere, and brings no second one', async () => {
  await run(work, 'npm', ...INSTALL, '--global', '--prefix', prefix, plugin)
  assert.ok(existsSync(join(globally, PLUGIN)))
  assert.ok(!existsSync(join(globally, PLUGIN, 'node_modules')))
  const cwd = folder('anywhere', { 'patchbay.yaml': USES })
  const { plugins } = await statusOf(cwd)
  assert.equal(plugins['quiet-hours']?.origin, `${PLUGIN}@0.1.0`)
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
