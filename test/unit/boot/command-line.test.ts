import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/boot/command-line.ts'
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
  assert.match(err, /plugin sample: setup failed: no luck/)
})

test('order shows guards after shapers, shapers in reverse on the way back, stops in reverse', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: ./g.ts }, { use: ./s1.ts }, { use: ./s2.ts }]',
    'g.ts': shaper('judge', 'guard'),
    's1.ts': shaper('one', 'shape'),
    's2.ts': shaper('two', 'shape'),
  })
  const { out } = await patchbay('order', join(root, 'a.yaml'), '--json')
  assert.deepEqual(JSON.parse(out), {
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
  assert.match(err, /Did you mean start\?/)
})
