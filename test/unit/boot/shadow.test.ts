import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/boot/commands/command-line.ts'
import { folder, problems } from './folder.ts'

async function patchbay(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const code = await run(args, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** A guard with these hooks. */
function source(name: string, shadow: boolean, hooks: string): string {
  return `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: '${name}', version: '1.0.0', phase: 'guard', shadow: ${shadow},
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup() { return { ${hooks} } },
})
`
}

test('a plugin that does not say that it can run dry is not put in shadow', async (t) => {
  const [problem, ...others] = await problems(t, {
    'patchbay.yaml': `plugins:
  - use: ./silent.ts
    mode: shadow
`,
    'silent.ts': source('silent', false, 'beforeCall() {}'),
  })
  assert.deepEqual(others, [])
  assert.equal(
    problem?.text,
    'patchbay.yaml:3:5 plugins[0].mode: the plugin silent does not say that it can run dry. Write `mode: enforce`, or ask its author for `shadow: true`.',
  )
})

test('a mode that is none is told', async (t) => {
  const [problem] = await problems(t, {
    'patchbay.yaml': 'plugins: [{ use: ./silent.ts, mode: shade }]',
    'silent.ts': source('silent', true, 'beforeCall() {}'),
  })
  assert.equal(problem?.path, 'plugins[0].mode')
})

test('a plugin that has nothing to say in shadow is told so', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins:\n  - use: ./late.ts\n    mode: shadow\n',
    'late.ts': source('late', true, 'afterCall() {}, observe() {}'),
  })
  for (const command of ['check', 'order']) {
    const { code, err } = await patchbay(command, join(root, 'a.yaml'))
    assert.equal(code, 1)
    assert.match(
      err.replaceAll(`${root}/`, ''),
      /^a\.yaml:3:5 plugins\[0\]\.mode: plugin late: `shadow` means nothing: it has none of listFilter, beforeCall\. Take the setting out\.$/m,
    )
  }
})

test('order shows lines in shadow apart, and none of their other hooks', async (t) => {
  const all = 'listFilter() {}, beforeCall() {}, afterCall() {}, observe() {}'
  const tool =
    "tools: [{ definition: { name: 'own', inputSchema: { type: 'object' } }, call() {} }]"
  const root = folder(t, {
    'a.yaml': `plugins:
  - use: ./one.ts
  - { use: ./two.ts, mode: shadow }
  - { use: ./three.ts, mode: enforce }
`,
    'one.ts': source('one', false, all),
    'two.ts': source('two', true, `${all}, ${tool}`),
    'three.ts': source('three', true, all),
  })
  const { out } = await patchbay('order', join(root, 'a.yaml'), '--json')
  assert.deepEqual(JSON.parse(out).tools, [])
  assert.deepEqual(JSON.parse(out).hooks, {
    listFilter: ['one', 'three'],
    beforeCall: ['one', 'three'],
    afterCall: ['one', 'three'],
    observe: ['one', 'two', 'three'],
    'listFilter (shadow)': ['two'],
    'beforeCall (shadow)': ['two'],
  })
  const words = await patchbay('order', join(root, 'a.yaml'))
  assert.match(words.out, /^beforeCall {11}one → three$/m)
  assert.match(words.out, /^beforeCall \(shadow\) {2}two$/m)
})
