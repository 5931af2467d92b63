import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, Calls, definePlugin, deny, type Outcome } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const object = { type: 'object' } as const
const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** Asks before each tool of an upstream, always by the same key. */
const approval = definePlugin({
  name: 'approval',
  version: '1.0.0',
  phase: 'guard',
  configSchema: nothing,
  setup: () => ({
    beforeCall({ entry, target, answers }) {
      if (target?.plugin !== undefined || answers.ok?.action === 'accept') return undefined
      if (answers.ok !== undefined) return deny('FORBIDDEN', `not ${entry.name}`)
      return ask({ ok: { method: 'elicitation/create', params: { message: entry.name } } })
    },
  }),
})

type Go = (name: string) => Promise<Outcome>

/** Offers `run`, which makes other calls, and `outer`, which calls `run`. */
const runner = (work: (go: Go) => Promise<Outcome>) =>
  definePlugin({
    name: 'runner',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'run', inputSchema: object },
          call: (parent) => work(async (name) => calls.call(parent.caller, name, {}, { parent })),
        },
        {
          definition: { name: 'outer', inputSchema: object },
          call: (parent) => calls.call(parent.caller, 'run', {}, { parent }),
        },
      ],
    }),
  })

const options = {
  tools: { up: ['a', 'b'] },
  client: { capabilities: { elicitation: {} } },
  with: [[approval, {}]] as const,
}
const yes = { ok: { action: 'accept', content: {} } }
const no = { ok: { action: 'decline' } }

const asked = (outcome: Outcome) =>
  outcome.kind === 'question'
    ? Object.values(outcome.questions).map(({ params }) => params.message)
    : outcome.kind

test('what is answered about one inner call is no answer about another', async () => {
  const order = ['up__a', 'up__b', 'up__a']
  const plugin = runner((go) => go(order.shift() ?? 'up__a'))
  const gateway = await testPlugin(plugin, {}, options)
  const first = await gateway.call('run')
  assert.deepEqual(asked(first), ['up__a'])
  const second = await gateway.answer(first, {})
  assert.deepEqual(asked(second), ['up__b'])
  assert.deepEqual(asked(await gateway.answer(second, yes)), ['up__a'])
  assert.equal(gateway.sent.length, 0)
})

test('inner calls that ask one after the other each keep their own answers', async () => {
  const plugin = runner(async (go) => {
    const a = await go('up__a')
    return a.kind === 'result' ? go('up__b') : a
  })
  const gateway = await testPlugin(plugin, {}, options)
  const second = await gateway.answer(await gateway.call('run'), yes)
  assert.deepEqual(asked(second), ['up__b'])
  const end = await gateway.answer(second, no)
  assert.equal(end.kind === 'denial' && end.message, 'not up__b')
  const again = await gateway.answer(await gateway.call('run'), yes)
  assert.equal((await gateway.answer(again, yes)).kind, 'result')
  assert.equal(gateway.sent.filter(({ name }) => name === 'b').length, 1)
})

test('an inner call that is made twice asks twice', async () => {
  const plugin = runner(async (go) => {
    const both = await Promise.all([go('up__a'), go('up__a')])
    return both.find(({ kind }) => kind !== 'result') ?? (both[0] as Outcome)
  })
  const gateway = await testPlugin(plugin, {}, options)
  const again = await gateway.answer(await gateway.call('run'), yes)
  assert.deepEqual(asked(again), ['up__a'])
  assert.equal(gateway.sent.length, 1)
  assert.equal((await gateway.answer(again, yes)).kind, 'result')
})

test('an answer reaches the call that asked, however deep it is', async () => {
  const gateway = await testPlugin(
    runner((go) => go('up__a')),
    {},
    options,
  )
  const question = await gateway.call('outer')
  assert.deepEqual(asked(question), ['up__a'])
  assert.equal((await gateway.answer(question, yes)).kind, 'result')
  assert.equal(gateway.sent.length, 1)
})

test('an inner call without arguments is made with none, as a client would make it', async () => {
  const seen: unknown[] = []
  const reader = definePlugin({
    name: 'reader',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => ({ beforeCall: ({ args }) => void seen.push(args) }),
  })
  const careless = definePlugin({
    name: 'careless',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'run', inputSchema: object },
          call: (parent) => calls.call(parent.caller, 'up__a', undefined as never, { parent }),
        },
      ],
    }),
  })
  const gateway = await testPlugin(careless, {}, { tools: { up: ['a'] }, with: [[reader, {}]] })
  assert.equal((await gateway.call('run')).kind, 'result')
  assert.deepEqual(seen, [{}, {}])
})

test('an inner call that begins after the outer one was cancelled is not sent', async () => {
  const cancel = new AbortController()
  let inner: Outcome | undefined
  let over: (() => void) | undefined
  const ended = new Promise<void>((resolve) => {
    over = resolve
  })
  const plugin = runner(async (go) => {
    cancel.abort('enough')
    await undefined
    inner = await go('up__a')
    over?.()
    return inner
  })
  const gateway = await testPlugin(plugin, {}, { tools: options.tools })
  const outcome = await gateway.call('run', {}, { cancel: cancel.signal })
  assert.equal(outcome.kind, 'cancelled')
  await ended
  assert.equal(inner?.kind, 'cancelled')
  assert.equal(gateway.sent.length, 0)
})

test('what a server asks of one inner call is answered for that one, however often the calls are made', async () => {
  const calling = runner(async (go) => {
    const first = await go('up__a')
    return first.kind === 'result' ? go('up__b') : first
  })
  const gateway = await testPlugin(
    calling,
    {},
    {
      tools: { up: ['a', 'b'] },
      client: { capabilities: { elicitation: {} } },
      reply: ({ name, responses }) =>
        responses === undefined
          ? {
              resultType: 'input_required',
              inputRequests: { ok: { method: 'elicitation/create', params: { message: name } } },
              requestState: `state of ${name}`,
            }
          : { content: [] },
    },
  )
  const first = await gateway.call('run')
  assert.deepEqual(asked(first), ['a'])
  const second = await gateway.answer(first, { ok: { action: 'accept', content: { of: 'a' } } })
  assert.deepEqual(asked(second), ['b'])
  const third = await gateway.answer(second, { ok: { action: 'accept', content: { of: 'b' } } })
  assert.equal(third.kind, 'result')
  const answered = gateway.sent.flatMap(({ name, state, responses }) =>
    responses === undefined ? [] : [[name, state, (responses.ok as { content: object }).content]],
  )
  assert.deepEqual(answered, [
    ['a', 'state of a', { of: 'a' }],
    ['a', 'state of a', { of: 'a' }],
    ['b', 'state of b', { of: 'b' }],
  ])
})
