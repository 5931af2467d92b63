import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/boot/commands/command-line.ts'
import { folder, pluginSource } from './folder.ts'

async function patchbay(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const code = await run(args, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

function shaper(name: string, phase: string): string {
  return `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: '${name}', version: '1.0.0', phase: '${phase}',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup() { return { beforeCall() {}, afterCall() {}, start() {}, stop() {} } },
})
`
}

test('check says that a good file is fine', async (t) => {
  const file = join(folder(t, { 'a.yaml': 'plugins: [{ use: auth-none }]' }), 'a.yaml')
  const { code, out } = await patchbay('check', file)
  assert.equal(code, 0)
  assert.match(out, /a\.yaml is fine: 0 upstreams, 1 plugin$/)
})

test('check prints every problem and their number, and exits with 1', async (t) => {
  const file = join(folder(t, { 'a.yaml': 'drain: x\nkeys: [y]\n' }), 'a.yaml')
  const { code, err, out } = await patchbay('check', file)
  assert.equal(code, 1)
  assert.equal(out, '')
  const lines = err.split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[2] ?? '', /^2 problems in .*a\.yaml$/)
})

test('check writes JSON when asked to', async (t) => {
  const root = folder(t, { 'good.yaml': 'plugins: [{ use: auth-none }]', 'bad.yaml': 'drain: x' })
  const good = JSON.parse((await patchbay('check', '--json', join(root, 'good.yaml'))).out)
  assert.deepEqual(good.plugins[0].origin, 'bundled')
  const { code, out } = await patchbay('check', '--json', join(root, 'bad.yaml'))
  assert.equal(code, 1)
  assert.equal(JSON.parse(out).problems[0].path, 'drain')
})

test('check runs every plugin’s setup', async (t) => {
  const source = pluginSource().replace('return {}', "throw new Error('no luck')")
  const root = folder(t, { 'a.yaml': 'plugins: [{ use: ./s.ts }]', 's.ts': source })
  const { code, err } = await patchbay('check', join(root, 'a.yaml'))
  assert.equal(code, 1)
  assert.match(err, /a\.yaml:1:\d+ plugins\[0\]\.config: plugin sample: setup failed: no luck/)
})

test('settings that a plugin refuses are told like any other mistake, at their line', async (t) => {
  const source = pluginSource()
    .replace('definePlugin }', 'definePlugin, InvalidSettings }')
    .replace(
      'return {}',
      "throw new InvalidSettings('limit', 'is more than the window', 'Mend it.')",
    )
  const config = 'plugins:\n  - use: ./s.ts\n    config:\n      limit: 7'
  const root = folder(t, { 'a.yaml': config, 's.ts': source })
  const { code, err } = await patchbay('check', join(root, 'a.yaml'))
  assert.equal(code, 1)
  assert.equal(
    err.replaceAll(`${root}/`, '').split('\n')[0],
    'a.yaml:4:7 plugins[0].config.limit: plugin sample: is more than the window. Mend it.',
  )
})

const REFUSES = pluginSource('', 'refuses').replace(
  'return {}',
  "throw new Error('denies nothing. Name a tool.')",
)

test('check tells what setup refuses together with every other problem, in the order of the lines', async (t) => {
  const root = folder(t, {
    'a.yaml': `plugins:
  - use: ./odd.ts
  - use: ./refuses.ts
    config: { limit: 2 }
  - use: ./refuses.ts
    id: unsound
    config: { limit: 0 }
  - use: ./late.ts
drain: x
`,
    'refuses.ts': REFUSES,
    'odd.ts': pluginSource('', 'odd').replace('return {}', 'return { afterCal() {} }'),
    'late.ts': pluginSource('', 'late').replace('return {}', 'null.x'),
  })
  for (const command of ['check', 'start']) {
    const { code, err } = await patchbay(command, join(root, 'a.yaml'))
    assert.equal(code, 1)
    const lines = err.replaceAll(`${root}/`, '').split('\n')
    assert.match(
      lines[0] ?? '',
      /^a\.yaml:2:5 plugins\[0\]: plugin odd afterCal: no hook `afterCal`/,
    )
    assert.equal(
      lines[1],
      'a.yaml:4:5 plugins[1].config: plugin refuses: setup failed: denies nothing. Name a tool. Mend its settings.',
    )
    assert.match(lines[2] ?? '', /^a\.yaml:7:15 plugins\[2\]\.config\.limit: /)
    assert.match(
      lines[3] ?? '',
      /^a\.yaml:8:5 plugins\[3\]\.config: .*\. Mend the plugin or its settings\.$/,
    )
    assert.match(lines[4] ?? '', /^a\.yaml:9:1 drain: /)
    assert.match(lines[5] ?? '', /^5 problems/)
  }
})

test('order shows guards after shapers, shapers in reverse on the way back, stops in reverse', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: ./g.ts }, { use: ./s1.ts }, { use: ./s2.ts }]',
    'g.ts': shaper('judge', 'guard'),
    's1.ts': shaper('one', 'shape'),
    's2.ts': shaper('two', 'shape'),
  })
  const { out } = await patchbay('order', join(root, 'a.yaml'), '--json')
  assert.deepEqual(JSON.parse(out).hooks, {
    beforeCall: ['one', 'two', 'judge'],
    afterCall: ['two', 'one', 'judge'],
    start: ['judge', 'one', 'two'],
    stop: ['two', 'one', 'judge'],
  })
  const words = await patchbay('order', join(root, 'a.yaml'))
  assert.match(words.out, /^beforeCall\s+one → two → judge$/m)
})

test('an unknown command is told and exits with 1', async () => {
  const { code, err } = await patchbay('strat')
  assert.equal(code, 1)
  assert.match(err, /^there is no command `strat` \(did you mean "start"\?\)\./)
})

test('a setting of a plugin line that could never do anything is refused', async (t) => {
  const hooks = 'return { observe() {}, listFilter() {} }'
  const root = folder(t, {
    'a.yaml': `plugins:
  - use: ./s.ts
    onFailure: skip
    timeouts: { observe: 2s, listFilter: 2s, present: 2s }
  - use: ./late.ts
`,
    's.ts': pluginSource().replace('return {}', hooks),
    'late.ts': pluginSource('', 'late').replace('return {}', `throw new Error('no')`),
  })
  const { err } = await patchbay('check', join(root, 'a.yaml'))
  const lines = err.replaceAll(`${root}/`, '').split('\n')
  assert.match(lines[0] ?? '', /^a\.yaml:3:5 plugins\[0\]\.onFailure: .*`skip` means nothing/)
  assert.match(lines[1] ?? '', /^a\.yaml:4:17 plugins\[0\]\.timeouts\.observe: .* no time limit/)
  assert.match(
    lines[2] ?? '',
    /^a\.yaml:4:46 plugins\[0\]\.timeouts\.present: .* no hook `present`/,
  )
  assert.match(lines[3] ?? '', /^a\.yaml:5:5 plugins\[1\]\.config: plugin late: setup failed: no\./)
  assert.match(lines[4] ?? '', /^4 problems/)
})

test('check tells of routes that would stop the start, and leaves alone what a start must come before', async (t) => {
  const routes = (text: string) =>
    pluginSource('', 'x').replace('return {}', `return { routes(routes) { ${text} } }`)
  const add = (path: string) => `routes.add({ method: 'GET', path: '${path}', handle() {} })`
  const root = folder(t, {
    'a.yaml': `profiles: { ops: {} }
plugins:
  - { use: ./own.ts, id: own }
  - { use: ./same.ts, id: same }
  - { use: ./same.ts, id: again }
  - { use: ./late.ts, id: late }
`,
    'own.ts': routes(add('/mcp/ops')),
    'same.ts': routes(add('/same')),
    'late.ts': routes(`throw new Error('not started')`),
  })
  const { err, code } = await patchbay('check', join(root, 'a.yaml'))
  assert.equal(code, 1)
  const lines = err.replaceAll(`${root}/`, '').split('\n')
  assert.match(lines[0] ?? '', /^a\.yaml:3:5 plugins\[0\]: .*\/mcp\/ops is the gateway's own/)
  assert.match(lines[1] ?? '', /^a\.yaml:5:5 plugins\[2\]: .*GET \/same belongs to the plugin same/)
  assert.match(lines[2] ?? '', /^2 problems/)
})

test('a mistake in the code of setup is told with its place, a refusal of settings without', async (t) => {
  const source = (body: string) => pluginSource().replace('return {}', body)
  for (const [body, place] of [
    ['null.x', / \(at \/.*\/s\.ts:\d+:\d+\)\. Mend the plugin or its settings\.$/m],
    ["throw new Error('name a tool')", /setup failed: name a tool\. Mend its settings\.$/m],
  ] as const) {
    const root = folder(t, { 'a.yaml': 'plugins: [{ use: ./s.ts }]', 's.ts': source(body) })
    assert.match((await patchbay('check', join(root, 'a.yaml'))).err, place)
  }
})

test('check warns of a config that lets nobody in, and is fine with it', async (t) => {
  const root = folder(t, { 'a.yaml': 'plugins: []', 'b.yaml': 'plugins: [{ use: auth-none }]' })
  const { code, out, err } = await patchbay('check', join(root, 'a.yaml'))
  assert.equal(code, 0)
  assert.match(out, /a\.yaml is fine/)
  assert.match(
    err,
    /^warning: plugins: no plugin authenticates callers, so every request is refused\. Enable one: /,
  )
  const json = JSON.parse((await patchbay('check', '--json', join(root, 'a.yaml'))).out)
  assert.deepEqual([json.ok, json.warnings[0].code], [true, 'NOBODY_ENTERS'])
  assert.equal((await patchbay('check', join(root, 'b.yaml'))).err, '')
})
