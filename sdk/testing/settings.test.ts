import assert from 'node:assert/strict'
import test from 'node:test'
import { definePlugin, type Hooks, type Plugin } from '../index.ts'
import { testPlugin } from './index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** A plugin of nothing but hooks. */
function hooked(hooks: Hooks): Plugin {
  return definePlugin({
    name: 'hooked',
    version: '1.0.0',
    phase: 'shape',
    configSchema: EMPTY,
    setup: () => hooks,
  })
}

test('settings arrive validated, with defaults and durations as milliseconds', async () => {
  let seen: unknown
  const plugin = definePlugin({
    name: 'timed',
    version: '1.0.0',
    configSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['limit'],
      properties: {
        limit: { type: 'integer', minimum: 1, description: 'Calls.' },
        window: { type: 'string', format: 'duration', default: '1m', description: 'Time.' },
      },
    },
    setup(config) {
      seen = config
      return {}
    },
  })
  await testPlugin(plugin, { limit: 2 })
  assert.deepEqual(seen, { limit: 2, window: 60_000 })
  await assert.rejects(testPlugin(plugin, { limit: 0, windows: '1s' }), (error: Error) => {
    assert.match(error.message, /plugin timed config\.limit: must be >= 1/)
    assert.match(
      error.message,
      /config\.windows: is not a setting here \(did you mean "window"\?\)/,
    )
    return true
  })
})

test('a schema that is not strict is refused', async () => {
  const open = { type: 'object', properties: { a: { type: 'string', descripton: 'A.' } } } as const
  const plugin = definePlugin({
    name: 'open',
    version: '1.0.0',
    configSchema: open,
    setup: () => ({}),
  })
  await assert.rejects(testPlugin(plugin), (error: Error) => {
    assert.match(error.message, /plugin open config: the schema lets unknown properties pass/)
    assert.match(error.message, /does not compile: .*descripton/)
    return true
  })
})

test('a misspelt hook, a missing phase and a failing setup are refused like at boot', async () => {
  const misspelt = hooked({ afterCal: () => undefined } as unknown as Hooks)
  await assert.rejects(testPlugin(misspelt), /no hook `afterCal` \(did you mean "afterCall"\?\)/)
  const phaseless = { ...hooked({ beforeCall: () => undefined }), phase: undefined }
  await assert.rejects(testPlugin(phaseless as unknown as Plugin), /no phase/)
  const broken = definePlugin({
    name: 'broken',
    version: '1.0.0',
    configSchema: EMPTY,
    setup() {
      throw new Error('no luck')
    },
  })
  await assert.rejects(testPlugin(broken), /plugin broken config: setup failed: no luck/)
})

test('a key that no plugin claims is refused', async () => {
  const options = { upstreams: { crm: { auth: { mode: 'none' } } } }
  await assert.rejects(testPlugin(hooked({}), {}, options), /upstream crm auth: no plugin/)
})
