import assert from 'node:assert/strict'
import test from 'node:test'
import { Clock, definePlugin, type Hooks, type Plugin } from '../index.ts'
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

test('time stands still until it is moved, and intervals fire in the order of their time', async () => {
  const fired: string[] = []
  const plugin = definePlugin({
    name: 'ticking',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: { clock: Clock },
    setup(_config, { clock }) {
      const note = (name: string) => () => fired.push(`${name}@${clock.monotonic()}`)
      const stops: (() => void)[] = []
      return {
        start() {
          stops.push(clock.every(300, note('slow')), clock.every(200, note('fast')))
        },
        stop() {
          for (const stop of stops) stop()
        },
      }
    },
  })
  const gateway = await testPlugin(plugin)
  gateway.clock.advance(199)
  assert.deepEqual(fired, [])
  gateway.clock.advance(401)
  assert.deepEqual(fired, ['fast@200', 'slow@300', 'fast@400', 'slow@600', 'fast@600'])
  await gateway.stop()
  gateway.clock.advance(1_000)
  assert.equal(fired.length, 5)
  assert.equal(gateway.clock.now(), Date.UTC(2026, 0, 1) + 1_600)
})

test('a hook that hangs is cut off when time has moved past its limit', async () => {
  const plugin = hooked({ beforeCall: () => new Promise(() => {}) })
  const gateway = await testPlugin(plugin)
  const pending = gateway.call('demo__echo')
  gateway.clock.advance(2_250)
  const outcome = await pending
  assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
  const failed = gateway.events.find(({ type }) => type === 'plugin.failed')
  assert.match(String(failed?.type === 'plugin.failed' && failed.cause), /within 2000 ms/)
})
