import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, GatewayError, HookError, messageOf } from '../../../core/hooks/errors.ts'
import { HookTable } from '../../../core/hooks/hooks.ts'
import { Lifecycle } from '../../../core/hooks/lifecycle.ts'
import { Wheel } from '../../../core/hooks/wheel.ts'
import type { Hooks } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { line } from '../kernel/kernel.ts'

function setUp(plugins: Record<string, Hooks>) {
  const clock = new FakeClock()
  const said: string[] = []
  const lines = Object.entries(plugins).map(([id, hooks]) =>
    line(id, {
      ...hooks,
      start: () => {
        said.push(`start ${id}`)
        return hooks.start?.()
      },
      stop: () => {
        said.push(`stop ${id}`)
        return hooks.stop?.()
      },
    }),
  )
  const lifecycle = new Lifecycle(new HookTable(lines, new Wheel(clock)))
  return { clock, said, lifecycle }
}

test('plugins start in config order, one after the other, and stop in reverse, once', async () => {
  let ready = false
  const { lifecycle, said } = setUp({
    one: {
      start: async () => {
        await Promise.resolve()
        ready = true
      },
    },
    two: { start: () => assert.equal(ready, true) },
  })
  await lifecycle.start()
  await lifecycle.stop()
  await lifecycle.stop()
  assert.deepEqual(said, ['start one', 'start two', 'stop two', 'stop one'])
})

test('a start that fails stops what was started, itself included, and names the plugin', async () => {
  const { lifecycle, said } = setUp({
    one: {},
    two: { start: () => Promise.reject(new Error('no database')) },
    three: {},
  })
  await assert.rejects(lifecycle.start(), (error) => {
    assert.ok(error instanceof GatewayError)
    const [problem] = error.problems
    assert.equal(problem?.code, 'PLUGIN_START_FAILED')
    assert.equal(problem?.where, 'plugin two')
    assert.match(problem?.reason ?? '', /no database/)
    return true
  })
  assert.deepEqual(said, ['start one', 'start two', 'stop two', 'stop one'])
})

test('a start that hangs is a start that fails', async () => {
  const { lifecycle, clock } = setUp({ one: { start: () => new Promise(() => {}) } })
  const starting = lifecycle.start()
  await Promise.resolve()
  clock.advance(30_250)
  await assert.rejects(starting, /did not settle within 30000 ms/)
})

test('a plugin that fails to stop holds nobody up', async () => {
  const { lifecycle, said } = setUp({
    one: {},
    two: {
      stop: () => {
        throw new Error('no')
      },
    },
  })
  await lifecycle.start()
  await lifecycle.stop()
  assert.deepEqual(said.slice(2), ['stop two', 'stop one'])
})

test('health is what the plugins say; one that throws is not well', async () => {
  const { lifecycle } = setUp({
    well: { health: () => ({ ok: true }) },
    ill: { health: () => Promise.reject(new Error('no disk')) },
    silent: {},
  })
  assert.deepEqual(await lifecycle.health(), {
    well: { ok: true },
    ill: { ok: false, detail: 'plugin ill, hook health: no disk' },
  })
})

test('a problem is one line: where, path, reason, hint', () => {
  const problem = { code: 'X', where: 'a.yaml:1:2', path: 'listen.port', reason: 'is not a number' }
  assert.equal(formatProblem(problem), 'a.yaml:1:2 listen.port: is not a number')
  assert.equal(
    formatProblem({ ...problem, hint: 'Write one.' }),
    'a.yaml:1:2 listen.port: is not a number. Write one.',
  )
  assert.equal(formatProblem({ code: 'X', reason: 'is bad' }), 'is bad')
  assert.equal(new GatewayError([problem, problem]).message.split('\n').length, 2)
  assert.match(
    new HookError('p', 'start', 'thrown text').message,
    /plugin p, hook start: thrown text/,
  )
  assert.equal(messageOf(null), 'null')
})
