import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answer,
  ask,
  change,
  definePlugin,
  deny,
  Events,
  type Hooks,
  KeyValue,
  type Plugin,
} from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

function plugin(name: string, phase: 'shape' | 'guard', hooks: Hooks, shadow = true): Plugin {
  return definePlugin({
    name,
    version: '1.0.0',
    phase,
    shadow,
    configSchema: nothing,
    setup: () => hooks,
  })
}

/** One call, counted in `KeyValue` in every way there is. */
const once = definePlugin({
  name: 'once',
  version: '1.0.0',
  phase: 'guard',
  shadow: true,
  configSchema: nothing,
  needs: { keyValue: KeyValue, events: Events },
  setup: (_config, { keyValue, events }) => ({
    async beforeCall({ dry }) {
      const taken = await keyValue.consume([{ key: 'b', cost: 1, limit: 1, windowMs: 60_000 }])
      if (!taken.ok) return deny('RATE_LIMITED', 'once is enough', { rule: 'bucket' })
      if (!(await keyValue.add('used', '1'))) return deny('RATE_LIMITED', 'used', { rule: 'used' })
      if (!dry) events.emit('counted', {})
      return undefined
    },
  }),
})

test('a rehearsal sends nothing and leaves no trace: no count, no value, no event', async () => {
  const gateway = await testPlugin(once)
  const before = gateway.events.length
  for (let i = 0; i < 3; i++) {
    const { steps, end, args, target, complete } = await gateway.rehearse('demo__echo', { n: i })
    assert.deepEqual(steps, [{ plugin: 'once', phase: 'guard', mode: 'enforce', verdict: 'none' }])
    assert.deepEqual(
      { end, args, target, complete },
      {
        end: 'sent',
        args: { n: i },
        target: { upstream: 'demo', name: 'echo' },
        complete: true,
      },
    )
  }
  assert.deepEqual(gateway.sent, [])
  assert.equal(gateway.events.length, before)
  await gateway.result('demo__echo')
  const refused = await gateway.rehearse('demo__echo')
  assert.equal(refused.end, 'denied')
  assert.deepEqual(refused.steps[0], {
    plugin: 'once',
    phase: 'guard',
    mode: 'enforce',
    verdict: 'deny',
    code: 'RATE_LIMITED',
    rule: 'bucket',
    message: 'once is enough',
  })
  assert.deepEqual(gateway.shadow(), [])
})

test('each plugin sees what those before it would have made of the call', async () => {
  const seen: unknown[] = []
  const two = plugin('two', 'shape', {
    beforeCall: ({ args, candidates }) =>
      change({ args: { n: Number(args.n) * 2 }, target: candidates[1] as never }),
  })
  const judge = plugin('judge', 'guard', {
    beforeCall: async ({ args, target, dry }) => void seen.push([args, target?.upstream, dry]),
  })
  const merge: Hooks = {
    arrange: ([first, second]) =>
      [
        {
          ...first,
          name: 'echo',
          targets: [...(first?.targets ?? []), ...(second?.targets ?? [])],
        },
      ] as never,
  }
  const merged = definePlugin({
    name: 'merge',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => merge,
  })
  const tools = { one: ['echo'], two: ['echo'] }
  const gateway = await testPlugin(judge, {}, { tools, before: [[merged], [two]] })
  const { steps, end, args, target } = await gateway.rehearse('echo', { n: 3 })
  assert.deepEqual(seen, [[{ n: 6 }, 'two', true]])
  assert.deepEqual(
    steps.map((step) => [step.plugin, step.verdict, step.args, step.target]),
    [
      ['two', 'change', { n: 6 }, { upstream: 'two', name: 'echo' }],
      ['judge', 'none', undefined, undefined],
    ],
  )
  assert.deepEqual([end, args, target], ['sent', { n: 6 }, { upstream: 'two', name: 'echo' }])
  const alone = await testPlugin(judge, {}, { tools, before: [[merged]] })
  assert.equal((await alone.rehearse('echo')).end, 'ambiguous')
})

test('it ends where the call would: at a denial, a question, a failure; an answer is still judged', async () => {
  const late = plugin('late', 'guard', { beforeCall: () => undefined })
  const ends: [Hooks['beforeCall'], string, number][] = [
    [() => deny('FORBIDDEN', 'no'), 'denied', 1],
    [() => ask({ ok: { method: 'elicitation/create', params: { message: '?' } } }), 'asked', 1],
    [() => Promise.reject(new Error('no luck')), 'failed', 1],
    [() => ({ kind: 'change', args: 3 }) as never, 'failed', 1],
    [() => answer({ content: [] }), 'answered', 2],
  ]
  for (const [beforeCall, end, reached] of ends) {
    const first = plugin('first', 'shape', beforeCall === undefined ? {} : { beforeCall })
    const gateway = await testPlugin(first, {}, { with: [[late]] })
    const rehearsal = await gateway.rehearse('demo__echo')
    assert.equal(rehearsal.end, end)
    assert.equal(rehearsal.steps.length, reached)
    assert.deepEqual(
      gateway.events.filter(({ type }) => type === 'plugin.failed'),
      [],
    )
  }
})

test('a plugin that does not say that it can run dry is not run, and the rehearsal says what it lacks', async () => {
  let ran = 0
  const silent = plugin('silent', 'guard', { beforeCall: () => void ran++ }, false)
  const gateway = await testPlugin(silent, {}, { with: [[once]] })
  const { steps, complete, end } = await gateway.rehearse('demo__echo')
  assert.deepEqual(
    steps.map(({ plugin: id, verdict }) => [id, verdict]),
    [
      ['silent', 'not-run'],
      ['once', 'none'],
    ],
  )
  assert.deepEqual([complete, end, ran], [false, 'sent', 0])
})

test('a line in shadow is shown, and neither changes nor ends anything', async () => {
  const shy = plugin('shy', 'guard', { beforeCall: () => deny('FORBIDDEN', 'no') })
  const gateway = await testPlugin(shy, {}, { mode: 'shadow', with: [[once]] })
  const { steps, end } = await gateway.rehearse('demo__echo')
  assert.deepEqual(
    steps.map(({ plugin: id, mode, verdict }) => [id, mode, verdict]),
    [
      ['shy', 'shadow', 'deny'],
      ['once', 'enforce', 'none'],
    ],
  )
  assert.equal(end, 'sent')
  assert.deepEqual(gateway.shadow(), [])
})
