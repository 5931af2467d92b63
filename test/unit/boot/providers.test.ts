import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GatewayError } from '../../../core/hooks/errors.ts'
import {
  Clock,
  Database,
  definePlugin,
  KeyValue,
  type Plugin,
  perLine,
  type Token,
  token,
} from '../../../sdk/index.ts'
import { testPlugin } from '../../../sdk/testing/index.ts'
import { patchbay } from '../../e2e/commands/patchbay.ts'
import { folder } from './folder.ts'

type Tokens = Record<string, Token<unknown>>
const [Geo, Time, Sky] = [token<object>('Geo'), token<object>('Time'), token<object>('Sky')]

/** A plugin that needs and provides these, and says when it is set up, started and stopped. */
function plugin(
  name: string,
  { needs = {}, provides, provide }: { needs?: Tokens; provides?: Tokens; provide?: unknown },
  said: string[] = [],
): Plugin {
  return definePlugin({
    name,
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    needs,
    ...(provides === undefined ? {} : { provides }),
    setup(_config: never, services: object) {
      said.push(`set up ${name}`)
      for (const service of Object.values(services)) assert.ok(service, `${name} got nothing`)
      const made = Object.keys(provides ?? {}).map((key) => [key, { from: name }])
      return {
        start: () => void said.push(`start ${name}`),
        stop: () => void said.push(`stop ${name}`),
        ...(provides === undefined ? {} : { provide: () => Object.fromEntries(made) }),
        ...(provide === undefined ? {} : { provide }),
      }
    },
  } as never)
}

/** Sets up plugins as lines of a config, in this order. */
const together = ([first, ...others]: readonly Plugin[]) =>
  testPlugin(first as Plugin, {}, { with: others.map((one) => [one] as const) })

test('providers are set up and started before those that need them, and stopped after them', async () => {
  const said: string[] = []
  const gateway = await together([
    plugin('a', {}, said),
    plugin('b', { needs: { x: Time } }, said),
    plugin('c', { needs: { x: Geo } }, said),
    plugin('d', { needs: { x: Sky }, provides: { y: Time } }, said),
    plugin('e', { provides: { x: Geo, y: Sky } }, said),
    plugin('f', {}, said),
  ])
  await gateway.stop()
  const order = ['a', 'e', 'd', 'b', 'c', 'f']
  assert.deepEqual(said, [
    ...order.map((id) => `set up ${id}`),
    ...order.map((id) => `start ${id}`),
    ...order.toReversed().map((id) => `stop ${id}`),
  ])
})

test('each line has its own part, one service serves all, and a provider gets what lies beneath', async () => {
  const got: unknown[] = []
  const shared = {}
  const provider = definePlugin({
    name: 'provider',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    needs: { keyValue: KeyValue },
    provides: { keyValue: KeyValue, geo: Geo },
    setup(_config, { keyValue }) {
      keyValue.set('mine', 'embedded')
      return {
        provide: () => ({
          keyValue: perLine((line) => {
            const own = Object.create(keyValue) as KeyValue
            return Object.assign(own, { get: (key: string) => `${key} of ${line}` })
          }),
          geo: shared,
        }),
      }
    },
  })
  const asker = (name: string) =>
    definePlugin({
      name,
      version: '1.0.0',
      configSchema: { type: 'object', additionalProperties: false, properties: {} },
      needs: { keyValue: KeyValue, geo: Geo },
      setup(_config, { keyValue, geo }) {
        got.push(keyValue.get('a'), geo === shared)
        return {}
      },
    })
  await together([asker('one'), asker('two'), provider])
  assert.deepEqual(got, ['a of one', true, 'a of two', true])
})

const refusals: [what: string, plugins: () => readonly Plugin[], told: RegExp][] = [
  [
    'two lines that provide the same',
    () => [plugin('a', { provides: { x: Geo } }), plugin('b', { provides: { y: Geo } })],
    /^plugin b provides\.y: Geo is already provided by plugin a\. Take one of the two out\.$/,
  ],
  [
    'what the gateway itself is',
    () => [plugin('a', { provides: { x: Clock } })],
    /^plugin a provides\.x: Clock is the gateway itself\./,
  ],
  [
    'a circle',
    () => [
      plugin('free', { needs: { x: Geo } }),
      plugin('a', { needs: { x: Sky }, provides: { x: Geo } }),
      plugin('b', { needs: { x: Time }, provides: { x: Sky } }),
      plugin('c', { needs: { x: Geo }, provides: { x: Time } }),
    ],
    /^plugin a needs: waits for itself: a needs Sky of b, b needs Time of c, c needs Geo of a\. Take/,
  ],
  [
    'a service that only its provider needs and nothing provides',
    () => [plugin('a', { needs: { x: Geo }, provides: { x: Geo } })],
    /^plugin a: needs the service Geo, which nothing provides/,
  ],
  [
    'names that could meet',
    () => [plugin('a', { provides: { x: KeyValue } })],
    /^plugin a provide: returned one KeyValue for all plugin lines, .* `perLine\(\(line\) => …\)`/,
  ],
  [
    'a missing service',
    () => [plugin('a', { provides: { x: Geo }, provide: () => ({}) })],
    /^plugin a provide: returned no service for `x`\. Make Geo there, at once\.$/,
  ],
  [
    'a service more than declared',
    () => [plugin('a', { provides: { x: Geo }, provide: () => ({ x: {}, y: {} }) })],
    /^plugin a provide: returned `y`, which `provides` does not declare/,
  ],
  [
    'a promise',
    () => [plugin('a', { provides: { x: Geo }, provide: async () => ({ x: {} }) })],
    /^plugin a provide: returned no services\. Return an object of x; connect in `start`\.$/,
  ],
  [
    'a promised service',
    () => [plugin('a', { provides: { x: Geo }, provide: () => ({ x: Promise.resolve({}) }) })],
    /^plugin a provide: returned no service for `x`/,
  ],
  [
    'a throw',
    () => [
      plugin('a', {
        provides: { x: Geo },
        provide: () => {
          throw new Error('no proxy')
        },
      }),
      plugin('b', { needs: { x: Geo } }),
    ],
    /^plugin a provide: failed: no proxy\. Mend the plugin or its settings\.$/,
  ],
  [
    'a throw for one line',
    () => [
      plugin('a', {
        provides: { x: KeyValue },
        provide: () => ({
          x: perLine((line) => {
            if (line === '$gateway') throw new Error('a strange name')
            return {} as KeyValue
          }),
        }),
      }),
    ],
    /^plugin a provide: made no KeyValue for the gateway itself: a strange name\./,
  ],
  [
    'a database that migrates nothing',
    () => [
      plugin('a', { provides: { x: Database }, provide: () => ({ x: perLine(() => ({})) }) }),
      { ...plugin('b', { needs: { x: Database } }), migrations: { '1': { up: async () => {} } } },
    ],
    /^plugin a provide: made no Database for plugin b: it has no method `migrate`\. Mend/,
  ],
  [
    '`provide` without `provides`',
    () => [plugin('a', { provide: () => ({}) })],
    /^plugin a provide: is there, but the plugin declares no `provides`\./,
  ],
  [
    '`provides` without `provide`',
    () => [plugin('a', { provides: { x: Geo }, provide: null })],
    /^plugin a provide: is missing\. Return it from `setup`: it makes x\.$/,
  ],
]
for (const [what, plugins, told] of refusals) {
  test(`refused, with one problem: ${what}`, async () => {
    await assert.rejects(together(plugins()), (error: GatewayError) => {
      assert.match(error.message, told)
      assert.equal(error.problems.length, 1)
      return true
    })
  })
}

test('a database that a plugin provides is migrated before its line starts, and after its own start', async () => {
  const said: string[] = []
  const up = async () => void said.push('in the gateway’s own')
  const provider = plugin(
    'postgres',
    {
      provides: { database: Database },
      provide: () => ({
        database: perLine((line) => ({
          migrate: async (steps: object) => void said.push(`${line} ${Object.keys(steps)}`),
        })),
      }),
    },
    said,
  )
  const one = { ...plugin('one', { needs: { x: Database } }, said), migrations: { '001': { up } } }
  await together([one, provider])
  assert.deepEqual(said, [
    'set up postgres',
    'set up one',
    'start postgres',
    'one 001',
    'start one',
  ])
})

const source = (
  name: string,
  parts: string,
) => `import { definePlugin, token } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: '${name}', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  ${parts}
})
`
const GEO = `provides: { geo: token('acme/geo') }, setup: () => ({ start() {}, provide: () => ({ geo: {} }) })`
const WALK = `needs: { geo: token('acme/geo') }, setup: () => ({ start() {} })`

test('check tells it at the line, order and plugins show who provides', async (t) => {
  const root = folder(t, {
    'a.yaml': 'plugins: [{ use: ./walk.ts }, { use: ./geo.ts }]',
    'twice.yaml': 'plugins:\n  - use: ./geo.ts\n  - use: ./geo.ts\n    id: second\n',
    'unsound.yaml': 'plugins: [{ use: ./walk.ts }, { use: ./geo.ts, config: { limt: 1 } }]',
    'walk.ts': source('walk', WALK),
    'geo.ts': source('geo', GEO),
  })
  const order = await patchbay('order', join(root, 'a.yaml'), '--json')
  assert.deepEqual(JSON.parse(order.out).hooks, { provide: ['geo'], start: ['geo', 'walk'] })
  const shown = await patchbay('plugins', join(root, 'a.yaml'))
  assert.match(shown.out, /^SERVICE +PROVIDED BY\nacme\/geo +geo$/m)
  const { code, err } = await patchbay('check', join(root, 'twice.yaml'))
  assert.equal(code, 1)
  assert.match(
    err,
    /twice\.yaml:3:5 plugins\[1\]: plugin second provides\.geo: acme\/geo is already provided by plugin geo\./,
  )
  const unsound = await patchbay('check', join(root, 'unsound.yaml'))
  assert.match(unsound.err, /^\S+unsound\.yaml:1:\d+ plugins\[1\]\.config\.limt: .*\n1 problem in/)
})
