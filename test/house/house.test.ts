import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { generated } from './generated.ts'
import { ROOT } from './plugins.ts'
import { codeLines, lineCount, sources } from './sources.ts'

const TOP = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'biome.json',
  'config',
  'core',
  'data',
  'dist',
  'node_modules',
  'package-lock.json',
  'package.json',
  'plugins',
  'sdk',
  'test',
  'tsconfig.json',
]
const MAX_LINES = 300
/** Lines of code, comments and blank lines not counted. */
const BUDGETS = { hooks: 1_000, catalog: 1_200, kernel: 2_600 }
/** The rooms without I/O, each on top of those before it. */
const PURE = ['hooks', 'catalog', 'kernel']

/** Rooms of core that never import each other: they meet through interfaces of the kernel. */
const ROOMS = ['inbound', 'outbound', 'bridge', 'services']

interface Import {
  readonly file: string
  /** As it is written. */
  readonly from: string
  /** The path in the repository for relative imports. */
  readonly path: string | undefined
}

function imports(folder: string): Import[] {
  return sources(folder).flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const found = text.matchAll(/(?:\bfrom |^import |\bimport\()'([^']+)'/gm)
    return [...found].map(([, from = '']) => ({
      file,
      from,
      path: from.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), from)) : undefined,
    }))
  })
}

function refuse(found: readonly Import[], why: string): void {
  const lines = found.map(({ file, from }) => `${file} imports ${from}`)
  assert.deepEqual(lines, [], why)
}

const isTest = ({ file }: Import) => file.endsWith('.test.ts')

test('the top level holds nothing but what the design lists', () => {
  const others = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !TOP.includes(name))
  assert.deepEqual(others, [])
})

test('core says no plugin’s name', () => {
  const names = readdirSync(join(ROOT, 'plugins'), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map((one) => one.name)
  assert.ok(names.length > 0)
  const said = sources('core').flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return names
      .filter((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text))
      .map((name) => `${file} says ${name}`)
  })
  assert.deepEqual(said, [])
})

test('no source file has more than 300 lines', () => {
  const long = ['core', 'plugins', 'sdk']
    .flatMap((folder) => sources(folder))
    .map((file) => ({ file, lines: lineCount(file) }))
    .filter(({ lines }) => lines > MAX_LINES)
  assert.deepEqual(long, [])
})

test('the pure rooms stay within their budgets of lines of code', () => {
  for (const [room, most] of Object.entries(BUDGETS)) {
    const lines = sources(`core/${room}`).reduce((sum, file) => sum + codeLines(file), 0)
    assert.ok(lines <= most, `core/${room} has ${lines}, at most ${most}`)
  }
})

test('hooks, catalog and kernel import what is below them and what does no I/O', () => {
  const io =
    /^(?:node:)?(?:fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster)\b/
  const packages = ['leven', 'tsyringe', 'reflect-metadata']
  for (const [index, room] of PURE.entries()) {
    const below = ['wire', ...PURE.slice(0, index + 1)]
    refuse(
      imports(`core/${room}`).filter(({ from, path }) => {
        if (path !== undefined) {
          return path !== 'sdk/index.ts' && !below.some((one) => path.startsWith(`core/${one}/`))
        }
        return from.startsWith('node:') ? io.test(from) : !packages.includes(from)
      }),
      `${room} is pure`,
    )
  }
})

test('wire imports nothing but itself', () => {
  refuse(
    imports('core/wire').filter(({ path }) => !path?.startsWith('core/wire/')),
    'wire is at the bottom',
  )
})

test('rooms of core never import each other, nor boot', () => {
  for (const room of ROOMS) {
    const others = [...ROOMS.filter((one) => one !== room), 'boot']
    refuse(
      imports(`core/${room}`).filter(({ path }) =>
        others.some((other) => path?.startsWith(`core/${other}/`)),
      ),
      `${room} meets the others through the kernel`,
    )
  }
})

test('core imports no plugin, no test and only the SDK’s front door', () => {
  refuse(
    imports('core').filter(
      ({ path = '' }) =>
        path.startsWith('plugins/') ||
        path.startsWith('test/') ||
        (path.startsWith('sdk/') && path !== 'sdk/index.ts'),
    ),
    'core is below everything',
  )
})

test('the SDK imports nothing of core, its test kit aside', () => {
  refuse(
    imports('sdk').filter(
      (one) =>
        !isTest(one) && !one.file.startsWith('sdk/testing/') && one.path?.startsWith('core/'),
    ),
    'the SDK stands alone',
  )
})

test('plugins import the SDK, Node, packages and themselves', () => {
  refuse(
    imports('plugins').filter((one) => {
      if (isTest(one)) return false
      const own = one.file.split('/').slice(0, 2).join('/')
      if (one.path !== undefined) return !one.path.startsWith(`${own}/`)
      return one.from.startsWith('mcp-patchbay') && one.from !== 'mcp-patchbay/sdk'
    }),
    'bundled plugins use what strangers use',
  )
})

test('only the container imports tsyringe and its polyfill', () => {
  const wired = imports('core').filter(
    ({ file, from }) =>
      ['tsyringe', 'reflect-metadata'].includes(from) && file !== 'core/hooks/container.ts',
  )
  refuse(wired, 'services are resolved in one place')
})

test('what is made from schemas is up to date', async () => {
  for (const [path, text] of await generated()) {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, `${path}: run \`npm run schema\``)
  }
})
