// What the README says that commands print is what they print.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { ROOT } from '../../house/plugins.ts'
import { folder } from '../../unit/boot/folder.ts'
import { pluginText } from '../admin/door.ts'
import { fileOf, patchbay } from './patchbay.ts'

/** What stands in the README under `$ <command>`. */
function shown(command: string): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, after] = readme.split(`\n$ ${command}\n`)
  assert.ok(after !== undefined, `the README shows no \`${command}\``)
  return after.split('\n```')[0] as string
}

const ONCALL = `return {
  beforeCall() {},
  routes(routes) { routes.add({ method: 'POST', path: '/oncall/page', handle() {} }) },
  tools: [{ definition: { name: 'who_is_on_call', inputSchema: { type: 'object' } }, call: () => ({ content: [] }) }],
  commands: { rota: { description: 'Prints who is on call, week by week.', run: () => 'anna' } },
}`

test('plugins and order print what the README shows', async (t) => {
  const root = folder(t, {
    'patchbay.yaml': `plugins:
  - { use: auth-none }
  - { use: denylist, config: { presets: [infrastructure] } }
  - { use: "@acme/patchbay-plugin-oncall" }
`,
    'node_modules/@acme/patchbay-plugin-oncall/package.json': JSON.stringify({
      name: '@acme/patchbay-plugin-oncall',
      version: '1.2.3',
      type: 'module',
      exports: './index.js',
    }),
    'node_modules/@acme/patchbay-plugin-oncall/index.js': pluginText(
      'oncall',
      ONCALL,
      "phase: 'guard',",
    ),
  })
  for (const command of ['plugins', 'order']) {
    const { out } = await patchbay(command, join(root, 'patchbay.yaml'))
    assert.equal(out, shown(`patchbay ${command}`), command)
  }
})

test('order tells a route’s access, and a plugin that knows its routes only once it runs', async (t) => {
  const routes = (text: string) => `return { routes(routes) { ${text} } }`
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: ./doors.ts }, { use: ./later.ts }]',
    'doors.ts': pluginText(
      'doors',
      routes(`for (const access of ['public', 'admin', undefined])
        routes.add({ method: 'GET', path: '/' + access, access, handle() {} })`),
    ),
    'later.ts': pluginText('later', routes('throw new Error("not started")')),
  })
  const { out } = await patchbay('order', join(root, 'a.yaml'))
  assert.deepEqual(out.split('\n').slice(2), [
    'ROUTE               ACCESS         PLUGIN',
    'GET /public         public         doors',
    'GET /admin          admin          doors',
    'GET /undefined      authenticated  doors',
    'known once it runs                 later',
  ])
  const json = await patchbay('order', join(root, 'a.yaml'), '--json')
  assert.deepEqual(JSON.parse(json.out).routes.at(-1), { plugin: 'later' })
})

test('explain prints what the README shows', async (t) => {
  const upstream = await modernUpstream(t)
  upstream.tools.offer('move_file')
  const gateway = await startWith(t, {
    admin: { host: '127.0.0.1', port: 0 },
    upstreams: { files: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }, { use: 'denylist', config: { tools: ['files__move_file'] } }],
  })
  await gateway.ready()
  const asked = 'explain files__move_file --as anna'
  const { out } = await patchbay(...asked.split(' '), fileOf(gateway))
  assert.equal(out, shown(`patchbay ${asked}`))
})

test('status prints what the README shows', async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, {
    admin: { host: '127.0.0.1', port: 0 },
    upstreams: {
      files: { url: upstream.url },
      archive: { url: 'http://127.0.0.1:9/mcp', enabled: false },
    },
    plugins: [{ use: 'auth-none' }, { use: 'denylist', config: { tools: ['files__move_file'] } }],
  })
  await gateway.ready()
  const { out } = await patchbay('status', fileOf(gateway))
  const settled = out
    .replace(/at \S+/, 'at http://127.0.0.1:8080/mcp,')
    .replace(/up \d+s/, 'up 0s')
    .replace(/^Config .*\//m, 'Config ')
  assert.equal(settled, shown('patchbay status'))
})
