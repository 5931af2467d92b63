import assert from 'node:assert/strict'
import test from 'node:test'
import { ask, Calls, definePlugin, type GuardHooks, type Message, type Plugin } from '../index.ts'
import { type Tell, testPlugin } from './index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** A plugin of nothing but hooks. */
function hooked(hooks: GuardHooks): Plugin {
  return definePlugin({
    name: 'hooked',
    version: '1.0.0',
    phase: 'guard',
    configSchema: EMPTY,
    setup: () => hooks,
  })
}

const progress = (message: string): Message => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 7, progress: 1, message },
})

/** An upstream that says two things before it answers. */
const talkative = {
  reply(_call: object, tell: Tell) {
    tell(progress('key=s3cret'))
    tell(progress('done'))
    return { content: [] }
  },
}

test('what an upstream says before it answers reaches the client, unless a plugin drops it', async () => {
  const passing = await testPlugin(hooked({}), {}, talkative)
  await passing.result('demo__echo')
  assert.deepEqual(passing.messages, [progress('key=s3cret'), progress('done')])
  const seen: (string | undefined)[] = []
  const plugin = hooked({
    onMessage({ caller, call }, { params }, direction) {
      seen.push(call?.entry.name, caller.principal.subject, direction)
      return params?.message === 'done' ? undefined : null
    },
  })
  const dropping = await testPlugin(plugin, {}, talkative)
  await dropping.result('demo__echo')
  assert.deepEqual(dropping.messages, [progress('done')])
  assert.deepEqual(seen.slice(0, 3), ['demo__echo', 'anna', 'toClient'])
})

test('messages are judged before the answer, and frozen like all that plugins receive', async () => {
  const plugin = hooked({
    onMessage: async (_about, message) => {
      assert.throws(() => Object.assign(message.params as object, { x: 1 }), TypeError)
      return progress('[redacted]')
    },
  })
  const gateway = await testPlugin(plugin, {}, talkative)
  await gateway.result('demo__echo')
  assert.deepEqual(gateway.messages, [progress('[redacted]'), progress('[redacted]')])
  const writing = hooked({ onMessage: (_about, message) => Object.assign(message, { id: 1 }) })
  const refused = await testPlugin(writing, {}, talkative)
  await refused.result('demo__echo')
  assert.deepEqual(refused.messages, [])
  assert.equal(refused.told('plugin.failed')[0]?.hook, 'onMessage')
})

/** Hides everything but its own tool, which calls what it is told to. */
const broker = definePlugin({
  name: 'broker',
  version: '1.0.0',
  configSchema: EMPTY,
  needs: { calls: Calls },
  setup: (_config, { calls }) => ({
    tools: [
      {
        definition: { name: 'run', inputSchema: { type: 'object' } },
        call: (call) => calls.call(call.caller, String(call.args.name), {}, { parent: call }),
      },
    ],
    present: () => ({ key: '', apply: (entries) => entries.filter(({ name }) => name === 'run') }),
  }),
})

test('offered tools are called like others, and what they call inside is seen', async () => {
  const gateway = await testPlugin(broker)
  assert.deepEqual(gateway.entries.map(({ name }) => name).sort(), ['demo__echo', 'run'])
  await gateway.result('run', { name: 'demo__echo' })
  assert.deepEqual(
    gateway.sent.map(({ name }) => name),
    ['echo'],
  )
  const finished = gateway.told('call.finished').map(({ name, outcome }) => [name, outcome.kind])
  assert.deepEqual(finished, [
    ['demo__echo', 'result'],
    ['run', 'result'],
  ])
})

test('a caller may call more than it lists, and less than there is', async () => {
  const bobsFilter = hooked({
    listFilter: ({ principal }) => ({
      key: principal.subject,
      test: (_entry, { name }) =>
        principal.subject === 'bob' && name === 'echo' ? { rule: 'bob', reason: 'not bob' } : true,
    }),
  })
  const gateway = await testPlugin(broker, {}, { with: [[bobsFilter]] })
  assert.deepEqual(await gateway.list(), ['run'])
  assert.deepEqual((await gateway.permitted()).sort(), ['demo__echo', 'run'])
  assert.deepEqual(await gateway.permitted({ principal: { subject: 'bob' } }), ['run'])
})

test('an answer to what nobody asked is refused, and what is asked is told', async () => {
  const sure = { method: 'elicitation/create', params: { message: 'Sure?' } } as const
  const plugin = hooked({
    beforeCall: ({ answers }) => (answers.confirm ? undefined : ask({ confirm: sure })),
  })
  const client = { capabilities: { elicitation: {} } }
  const gateway = await testPlugin(plugin, {}, { client })
  const question = await gateway.call('demo__echo')
  const misspelt = gateway.answer(question, { confrm: { action: 'accept' } })
  await assert.rejects(
    misspelt,
    /nothing asks `confrm` \(did you mean "confirm"\?\); asked: confirm/,
  )
  // The question is still open.
  const outcome = await gateway.answer(question, { confirm: { action: 'accept' } })
  assert.equal(outcome.kind, 'result')
})
