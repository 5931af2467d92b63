import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Services } from '../../../core/hooks/container.ts'
import { GatewayError } from '../../../core/hooks/errors.ts'
import { checkPluginShape, setUpPlugins } from '../../../core/hooks/setup.ts'
import { Clock, definePlugin, token } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

const Missing = token<object>('Missing')
const spec = (id: string, setup: (...args: never[]) => unknown, more: object = {}) => ({
  id,
  plugin: definePlugin({
    name: id,
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: setup as never,
    ...more,
  } as never) as never,
  config: {},
  upstreams: new Map(),
  onFailure: 'deny' as const,
  timeouts: {},
})

test('everything that is wrong is told at once, each with its plugin', () => {
  const specs = [
    spec('throws', () => {
      throw new Error('no key')
    }),
    spec('later', async () => ({})),
    spec('typo', () => ({ afterCal() {} })),
    spec('phaseless', () => ({ beforeCall() {} })),
    spec('data', () => ({ stop: 7 })),
    spec('eager', () => ({ observe() {}, observes: ['call.ended'] })),
    spec('deaf', () => ({ observes: ['list'] })),
    spec('needy', () => ({}), { needs: { thing: Missing } }),
    spec('fine', () => ({ start() {} })),
  ]
  assert.throws(
    () => setUpPlugins(specs, new Services(), () => {}),
    (error) => {
      assert.ok(error instanceof GatewayError)
      const told = error.problems.map(({ where, reason }) => `${where}: ${reason}`)
      assert.deepEqual(told, [
        'plugin throws: setup failed: no key',
        'plugin later: setup returned no hooks',
        'plugin typo: no hook `afterCal` (did you mean "afterCall"?)',
        'plugin phaseless: has beforeCall, afterCall or onMessage but no phase',
        'plugin data: hook `stop` is not a function',
        'plugin eager: `observes` has "call.ended", which is no type of event',
        'plugin deaf: `observes` says what `observe` is told, and there is no `observe`',
        'plugin needy: needs the service Missing, which nothing provides',
      ])
      assert.ok(error.problems.every(({ hint }) => hint !== undefined))
      return true
    },
  )
})

test('each plugin gets the services it asked for, its own in front of the gateway’s', () => {
  const clock = new FakeClock()
  const got: unknown[] = []
  const needs = { needs: { clock: Clock, thing: Missing } }
  const take = (_: never, services: never) => {
    got.push(services)
    return {}
  }
  const lines = setUpPlugins(
    [spec('one', take, needs), spec('two', take, needs)],
    new Services().offer(Clock, clock),
    (services, { id }) => void services.offer(Missing, { id }),
  )
  assert.deepEqual(
    lines.map(({ id }) => id),
    ['one', 'two'],
  )
  assert.deepEqual(got, [
    { clock, thing: { id: 'one' } },
    { clock, thing: { id: 'two' } },
  ])
})

test('two gateways in one process do not see each other’s services', () => {
  new Services().offer(Missing, {})
  assert.equal(new Services().resolve('p', { thing: Missing }).problems.length, 1)
})

test('what is no plugin, or one for another contract, is refused before it runs', () => {
  assert.match(checkPluginShape('x', {})[0]?.reason ?? '', /no default export/)
  assert.match(checkPluginShape('x', undefined)[0]?.reason ?? '', /no default export/)
  const old = { ...(spec('x', () => ({})).plugin as object), contract: 99 }
  assert.match(checkPluginShape('x', old)[0]?.reason ?? '', /contract 99, this gateway has/)
  assert.deepEqual(checkPluginShape('x', spec('x', () => ({})).plugin), [])
})
