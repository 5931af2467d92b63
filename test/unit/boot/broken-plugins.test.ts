// Modules that cannot be plugins: what is said of each, and where its mistake is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, pluginSource, problems } from './folder.ts'

type Scope = Parameters<typeof problems>[0]

async function refusal(t: Scope, use: string, files: Record<string, string>): Promise<string> {
  const [one, ...others] = await problems(t, {
    'patchbay.yaml': `plugins: [{ use: "${use}" }]`,
    'package.json': '{"type":"module"}',
    ...files,
  })
  assert.deepEqual(others, [])
  return `${one?.reason}. ${one?.hint}`
}

const BAD = 'const x = {\n  a: 1\n  b: 2\n}\nexport default x\n'

test('what cannot be parsed is told with file, line and column, in both languages', async (t) => {
  for (const name of ['bad.ts', 'bad.js']) {
    const text = await refusal(t, `./${name}`, { [name]: BAD })
    assert.match(text, new RegExp(`cannot be imported: .* \\(at /.*/${name}:[34]:\\d+\\)\\. Mend`))
  }
})

test('what throws while it is imported is told with its place', async (t) => {
  const text = await refusal(t, './bad.ts', { 'bad.ts': "\nthrow new Error('no luck')" })
  assert.match(text, /cannot be imported: no luck \(at \/.*\/bad\.ts:2:7\)/)
})

test('an ES module in a CommonJS package is told with the package.json that makes it so', async (t) => {
  for (const name of ['mine.ts', 'mine.js']) {
    const text = await refusal(t, `./cjs/${name}`, {
      'cjs/package.json': '{"type":"commonjs"}',
      [`cjs/${name}`]: pluginSource(),
    })
    assert.match(text, /is an ES module, and \/.*\/cjs\/package\.json makes it CommonJS\. Write/)
    assert.match(text, new RegExp(`call the file ${name.replace('.', '.m')}\\.$`))
  }
  const config = await load(t, {
    'patchbay.yaml': 'pluginsDir: ./cjs\nplugins: [{ use: ./cjs/one.mts }, { use: two }]',
    'cjs/package.json': '{"type":"commonjs"}',
    'cjs/one.mts': pluginSource('', 'one'),
    'cjs/two.mts': pluginSource('', 'two'),
  })
  assert.equal(config.plugins.length, 2)
})

test('a folder is told with the module in it to name', async (t) => {
  const text = await refusal(t, './mine/', { 'mine/index.ts': pluginSource() })
  assert.match(
    text,
    /^\/.*\/mine is a folder\. Name the module in it: `use: \.\/mine\/index\.ts`\.$/,
  )
  const bare = await refusal(t, './bare', { 'bare/other.ts': '' })
  assert.match(bare, /`use: \.\/bare\/<file>`/)
})

test('what is declared wrongly is told of the plugin that was named', async (t) => {
  const one = (parts: string) => refusal(t, './bad.ts', { 'bad.ts': pluginSource(parts) })
  assert.match(
    await one('neds: {},'),
    /^the plugin \.\/bad\.ts has an unknown field `neds` \(did you mean "needs"\?\)\. Fields: /,
  )
  assert.match(await one('needs: { x: undefined },'), /\.\/bad\.ts has `needs\.x`, which is undef/)
  assert.match(await one('setup: undefined,'), /\.\/bad\.ts has no function `setup`/)
})
