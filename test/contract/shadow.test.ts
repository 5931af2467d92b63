import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answer,
  ask,
  type Call,
  change,
  definePlugin,
  deny,
  Events,
  type Hooks,
  Http,
  KeyValue,
  type Maybe,
  type Phase,
  type PluginDefinition,
} from 'mcp-patchbay/sdk'
import { type ShadowRow, type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

function plugin(hooks: Hooks, phase: PluginDefinition['phase'] = 'guard') {
  return definePlugin({
    name: 'strict',
    version: '1.0.0',
    phase: phase as Phase,
    shadow: true,
    configSchema: nothing,
    setup: () => hooks,
  })
}

/** Two calls per caller, counted in `KeyValue`; tells when it ran dry. */
const quota = definePlugin({
  name: 'quota',
  version: '1.0.0',
  phase: 'guard',
  shadow: true,
  configSchema: nothing,
  needs: { keyValue: KeyValue },
  setup: (_config, { keyValue }) => ({
    async beforeCall({ first, caller: { principal } }) {
      if (!first) return undefined
      const used = Number((await keyValue.get(principal.subject)) ?? '0')
      if (used >= 2) return deny('RATE_LIMITED', 'two calls are enough', { rule: 'two' })
      await keyValue.set(principal.subject, String(used + 1))
      return undefined
    },
    commands: {
      used: { description: 'Tells.', run: async () => ({ anna: await keyValue.get('anna') }) },
    },
  }),
})

const inShadow: TestOptions = { mode: 'shadow' }
const asking = { client: { capabilities: { elicitation: {} } } }
const bob = { caller: { principal: { subject: 'bob' } } }
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** What would have changed something, without the names of the plugin and the issuer. */
function told(rows: readonly ShadowRow[]): string[] {
  return rows
    .filter(({ verdict }) => !['none', 'pass', 'show'].includes(verdict))
    .map(({ verdict, rule, subject, count, judged }) =>
      [verdict, rule, subject, `${count}/${judged}`].filter(Boolean).join(' '),
    )
}

test('a guard in shadow denies nobody, and is counted by rule and caller', async () => {
  const gateway = await testPlugin(quota, {}, inShadow)
  for (let i = 0; i < 5; i++) await gateway.result('demo__echo')
  for (let i = 0; i < 3; i++) await gateway.result('demo__echo', {}, bob)
  await settled()
  assert.deepEqual(told(gateway.shadow()), [
    'deny RATE_LIMITED two anna 3/5',
    'deny RATE_LIMITED two bob 1/3',
  ])
  assert.equal(gateway.sent.length, 8)
})

test('what it writes then, the enforcing line never reads', async () => {
  const gateway = await testPlugin(quota, {}, inShadow)
  for (let i = 0; i < 3; i++) await gateway.result('demo__echo')
  await settled()
  assert.deepEqual(await gateway.command('quota', 'used'), {})
  const enforced = await testPlugin(quota)
  for (let i = 0; i < 2; i++) await enforced.result('demo__echo')
  await enforced.denied('demo__echo')
  assert.deepEqual(await enforced.command('quota', 'used'), { anna: '2' })
})

test('a line in shadow and one that decides may run the same plugin', async () => {
  const gateway = await testPlugin(quota, {}, { ...inShadow, with: [[quota]] })
  for (let i = 0; i < 2; i++) await gateway.result('demo__echo')
  const denial = await gateway.denied('demo__echo')
  assert.equal(denial.plugin, 'quota-2')
  await settled()
  assert.deepEqual(told(gateway.shadow()), ['deny RATE_LIMITED two anna 1/3'])
})

test('a plugin that did not say that it can run dry is not put in shadow', async () => {
  const { shadow: _, ...silent } = quota
  await assert.rejects(testPlugin(silent, {}, inShadow), /does not say that it can run dry/)
})

test('a filter in shadow hides and refuses nothing, and is counted for lists and for calls', async () => {
  const filter = plugin({
    listFilter: ({ principal }) => ({
      key: principal.subject,
      test: (entry, target) =>
        (target.name === 'echo' && principal.subject === 'anna') || {
          rule: `no ${entry.name}`,
          reason: 'not yours',
        },
    }),
  })
  const gateway = await testPlugin(filter, {}, { ...inShadow, tools: ['echo', 'drop'] })
  assert.deepEqual(await gateway.list(), ['demo__echo', 'demo__drop'])
  await gateway.list()
  await gateway.result('demo__drop')
  await gateway.result('demo__echo')
  assert.deepEqual(told(gateway.shadow()), [
    'hide no demo__drop anna 2/4',
    'refuse no demo__drop anna 1/2',
  ])
  const finished = gateway.events.flatMap((one) => (one.type === 'call.finished' ? one : []))
  assert.deepEqual(
    finished.map(({ verdicts }) => verdicts),
    [[{ plugin: 'strict', rule: 'no demo__drop', shadow: true }], []],
  )
})

test('a filter in shadow that is slow, or broken, holds up and harms nobody', async () => {
  const ready = Promise.withResolvers<void>()
  const slow = plugin({
    async listFilter() {
      await ready.promise
      return { key: '', test: () => ({ rule: 'late', reason: 'late' }) }
    },
  })
  const gateway = await testPlugin(slow, {}, inShadow)
  await gateway.result('demo__echo')
  assert.deepEqual(gateway.shadow(), [])
  ready.resolve()
  await settled()
  assert.deepEqual(told(gateway.shadow()), ['refuse late anna 1/1'])

  const hanging = plugin({ listFilter: () => new Promise(() => {}) })
  const late = await testPlugin(hanging, {}, inShadow)
  await late.result('demo__echo')
  late.clock.advance(2_250)
  await settled()
  assert.deepEqual(told(late.shadow()), ['refuse failed anna 1/1'])
  late.clock.advance(5_000)
  await settled()
  assert.equal(late.told('plugin.failed').length, 1)

  const broken = plugin({
    listFilter() {
      throw new Error('no luck')
    },
  })
  const other = await testPlugin(broken, {}, inShadow)
  for (let i = 0; i < 2; i++) await other.result('demo__echo')
  assert.deepEqual(told(other.shadow()), ['refuse failed anna 2/2'])
  const failed = other.events.filter((event) => event.type === 'plugin.failed')
  assert.deepEqual(
    failed.map(({ skipped }) => skipped),
    [true, true],
  )
})

test('a plugin that throws, hangs or says nonsense in shadow harms nobody and is reported', async () => {
  const verdicts: [() => unknown, string][] = [
    [
      () => {
        throw new Error('no luck')
      },
      'no luck',
    ],
    [async () => Promise.reject(new Error('no luck either')), 'no luck either'],
    [() => new Promise(() => {}), 'did not settle within 2000 ms'],
    [() => ({ kind: 'change', args: {} }), 'a guard may only ask or deny'],
    [() => ({ ...deny('INVALID', 'x'), code: 'NO_SUCH_CODE' }) as never, 'without a known code'],
  ]
  for (const [beforeCall, words] of verdicts) {
    const gateway = await testPlugin(plugin({ beforeCall: beforeCall as never }), {}, inShadow)
    await gateway.result('demo__echo')
    gateway.clock.advance(2_250)
    await settled()
    const failed = gateway.events.find((event) => event.type === 'plugin.failed')
    assert.ok(failed?.type === 'plugin.failed' && failed.skipped)
    assert.ok(String(failed.cause).includes(words), `${failed.cause}`)
    assert.deepEqual(told(gateway.shadow()), ['failed anna 1/1'])
  }
})

test('a shaper in shadow changes and answers nothing; it sees the call as it stands at its place', async () => {
  const seen: Maybe<Pick<Call, 'args' | 'dry' | 'first'>>[] = []
  const shaping = plugin(
    {
      async beforeCall(call) {
        await settled()
        seen.push({ args: call.args, dry: call.dry, first: call.first })
        return call.args.n === 2 ? answer({ content: [] }) : change({ args: { n: 100 } })
      },
    },
    'shape',
  )
  const adds = (name: string) =>
    definePlugin({
      name,
      version: '1.0.0',
      phase: 'shape',
      configSchema: nothing,
      setup: () => ({ beforeCall: ({ args }) => change({ args: { n: Number(args.n) + 1 } }) }),
    })
  const around = { before: [[adds('one')]], with: [[adds('two')]] } as const
  const gateway = await testPlugin(shaping, {}, { ...inShadow, ...around })
  await gateway.result('demo__echo', { n: 0 })
  await gateway.result('demo__echo', { n: 1 })
  await settled()
  await settled()
  assert.deepEqual(
    gateway.sent.map(({ args }) => args.n),
    [2, 3],
  )
  assert.deepEqual(seen, [
    { args: { n: 1 }, dry: true, first: true },
    { args: { n: 2 }, dry: true, first: true },
  ])
  assert.deepEqual(told(gateway.shadow()).sort(), ['answer anna 1/2', 'change anna 1/2'])
})

test('a question in shadow is not asked; a call that others ask about counts once', async () => {
  const question = ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } })
  const shy = plugin({ beforeCall: () => question })
  const real = definePlugin({
    name: 'real',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => ({ beforeCall: ({ answers }) => (answers.ok ? undefined : question) }),
  })
  const gateway = await testPlugin(shy, {}, { ...inShadow, ...asking, with: [[real]] })
  const asked = await gateway.call('demo__echo')
  assert.equal(asked.kind === 'question' && asked.plugin, 'real')
  const outcome = await gateway.answer(asked, { ok: { action: 'accept', content: {} } })
  assert.equal(outcome.kind, 'result')
  assert.deepEqual(told(gateway.shadow()), ['ask anna 1/1'])
})

test('hooks that decide otherwise are not plugged in, and those that only watch are', async () => {
  const seen: string[] = []
  const refuse = (): never => {
    throw new Error('must not run in shadow')
  }
  const all = plugin({
    start: () => void seen.push('start'),
    observe: ({ type }) => void seen.push(type),
    status: () => ({ fine: true }),
    health: () => ({ ok: true }),
    beforeCall: () => undefined,
    afterCall: refuse,
    onMessage: refuse,
    onRegister: refuse,
    arrange: refuse,
    present: refuse,
    authenticate: refuse,
    challenge: refuse,
    identity: refuse,
    credentials: refuse,
    settle: refuse,
    tools: [{ definition: { name: 'own', inputSchema: { type: 'object' } }, call: refuse }],
  })
  const gateway = await testPlugin(all, {}, inShadow)
  assert.deepEqual(await gateway.list(), ['demo__echo'])
  await gateway.result('demo__echo')
  assert.equal((await gateway.refused()).code, 'UNAUTHENTICATED')
  assert.ok(seen.includes('start') && seen.includes('call.finished'))
  assert.deepEqual(await gateway.status(), { strict: { fine: true } })
  assert.deepEqual(
    gateway.events.filter(({ type }) => type === 'plugin.failed'),
    [],
  )
})

test('what would reach others throws in a dry run, and says what to read', async () => {
  const loud = definePlugin({
    name: 'loud',
    version: '1.0.0',
    phase: 'guard',
    shadow: true,
    configSchema: nothing,
    needs: { events: Events, http: Http },
    setup: (_config, { events, http }) => ({
      async beforeCall({ args }) {
        if (args.send) await http.request('https://example.com/')
        else events.emit('called', {})
        return undefined
      },
    }),
  })
  const gateway = await testPlugin(loud, {}, inShadow)
  for (const send of [true, false]) await gateway.result('demo__echo', { send })
  await settled()
  const failed = gateway.events.filter((event) => event.type === 'plugin.failed')
  for (const { cause } of failed) {
    assert.match(String(cause), /a dry run (sends no requests|emits no events)\. Read `call\.dry`/)
  }
  assert.equal(failed.length, 2)
  assert.deepEqual(
    gateway.events.filter(({ type }) => type === 'plugin'),
    [],
  )
})

test('what a plugin does when the call is over is dry as well', async () => {
  const tidy = definePlugin({
    name: 'tidy',
    version: '1.0.0',
    phase: 'guard',
    shadow: true,
    configSchema: nothing,
    needs: { keyValue: KeyValue },
    setup: (_config, { keyValue }) => ({
      beforeCall: (call) => call.onEnd(() => keyValue.set('ended', '1')) as undefined,
      commands: {
        ended: { description: 'Tells.', run: async () => [await keyValue.get('ended')] },
      },
    }),
  })
  const gateway = await testPlugin(tidy, {}, inShadow)
  await gateway.result('demo__echo')
  await gateway.rehearse('demo__echo')
  assert.deepEqual(await gateway.command('tidy', 'ended'), [null])
})

test('what a guard in shadow holds while a call runs it lets go when the call is over', async () => {
  let held = 0
  const slots = plugin({
    beforeCall(call) {
      held++
      call.onEnd(() => held--)
      return held > 1 ? deny('RATE_LIMITED', 'one at a time') : undefined
    },
  })
  const gateway = await testPlugin(slots, {}, inShadow)
  await Promise.all([gateway.result('demo__echo'), gateway.result('demo__echo')])
  assert.equal(held, 0)
  await gateway.rehearse('demo__echo')
  assert.equal(held, 0)
})
