import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, Calls, definePlugin, deny, type OfferedTool, type Principal } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const object = { type: 'object' } as const
const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** Hides every tool but two, and reaches the others through them. */
const toolSearch = definePlugin({
  name: 'tool-search',
  version: '1.0.0',
  configSchema: nothing,
  needs: { calls: Calls },
  setup: (_config, { calls }) => {
    const tools: OfferedTool[] = [
      {
        definition: { name: 'search_tools', inputSchema: object },
        async call({ caller, args }) {
          const all = await calls.list(caller)
          const found = all.filter(
            ({ name, targets }) =>
              targets[0]?.plugin === undefined && name.includes(String(args.word)),
          )
          return { content: found.map(({ name }) => ({ type: 'text', text: name })) }
        },
      },
      {
        definition: { name: 'call_tool', inputSchema: object },
        call: (call) =>
          calls.call(
            call.caller,
            String(call.args.name),
            (call.args.args ?? {}) as Record<string, unknown>,
            { parent: call },
          ),
      },
    ]
    return {
      tools,
      present: () => ({
        key: 'search',
        apply: (entries) =>
          entries.filter(({ name }) => tools.some(({ definition }) => definition.name === name)),
      }),
    }
  },
})

const never = definePlugin({
  name: 'never',
  version: '1.0.0',
  configSchema: nothing,
  setup: () => ({
    listFilter: () => ({
      key: 'never',
      test: (_entry, { name }) => (name === 'drop' ? { rule: 'drop', reason: 'never' } : true),
    }),
  }),
})

/** Asks before `echo` runs, not before `call_tool`. */
const approval = definePlugin({
  name: 'approval',
  version: '1.0.0',
  phase: 'guard',
  configSchema: nothing,
  setup: () => ({
    beforeCall(call) {
      if (call.entry.name !== 'demo__echo' || call.answers.ok?.action === 'accept') return undefined
      if (call.answers.ok !== undefined) return deny('FORBIDDEN', 'no')
      return ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } })
    },
  }),
})

const tools = { demo: ['echo', 'echo_twice', 'drop'] }
const asking = { client: { capabilities: { elicitation: {} } } }

test('only the two are listed, and the others are found and reached through them', async () => {
  const gateway = await testPlugin(toolSearch, {}, { tools, with: [[never, {}]] })
  assert.deepEqual(await gateway.list(), ['search_tools', 'call_tool'])
  const found = await gateway.result('search_tools', { word: 'echo' })
  assert.match(JSON.stringify(found), /demo__echo_twice/)
  const result = await gateway.result('call_tool', { name: 'demo__echo', args: { a: 1 } })
  assert.deepEqual(result, { content: [{ type: 'text', text: 'ok' }] })
  assert.deepEqual(
    gateway.sent.map(({ name, args }) => [name, args]),
    [['echo', { a: 1 }]],
  )
})

test('what is denied is neither found nor reached by the way around', async () => {
  const gateway = await testPlugin(toolSearch, {}, { tools, with: [[never, {}]] })
  assert.doesNotMatch(
    JSON.stringify(await gateway.result('search_tools', { word: 'demo' })),
    /drop/,
  )
  assert.equal((await gateway.denied('call_tool', { name: 'demo__drop' })).code, 'NOT_FOUND')
  assert.equal(gateway.sent.length, 0)
})

test('a native outcome comes back untouched, an error of the tool included', async () => {
  const reply = () => ({ content: [], isError: true, structuredContent: { why: 'full' } })
  const gateway = await testPlugin(toolSearch, {}, { tools, reply })
  assert.deepEqual(await gateway.result('call_tool', { name: 'demo__echo' }), reply())
})

test('a question inside is asked, and the inner call goes on with the answer, once', async () => {
  const gateway = await testPlugin(toolSearch, {}, { ...asking, tools, with: [[approval, {}]] })
  const call = { name: 'demo__echo', args: { to: 'anna' } }
  const question = await gateway.call('call_tool', call)
  assert.equal(question.kind, 'question')
  assert.equal(gateway.sent.length, 0)
  const yes = { ok: { action: 'accept', content: {} } }
  assert.equal((await gateway.answer(question, yes)).kind, 'result')
  assert.deepEqual(
    gateway.sent.map(({ args }) => args),
    [{ to: 'anna' }],
  )
  const again = await gateway.answer(question, yes)
  assert.equal(again.kind === 'denial' && again.code, 'INVALID')
  const declined = await gateway.answer(await gateway.call('call_tool', call), {
    ok: { action: 'decline' },
  })
  assert.equal(declined.kind === 'denial' && declined.code, 'FORBIDDEN')
  assert.equal(gateway.sent.length, 1)
  gateway.clock.advance(11 * 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  const outcomes = gateway.events.flatMap((event) =>
    event.type === 'call.finished' ? event.outcome.kind : [],
  )
  assert.deepEqual(
    outcomes.filter((kind) => kind === 'cancelled'),
    [],
  )
})

test('an answer to the inner call is none to the outer one', async () => {
  const both = definePlugin({
    ...approval,
    setup: () => ({
      beforeCall: (call) =>
        call.answers.ok?.action === 'accept' || call.entry.name === 'search_tools'
          ? undefined
          : ask({ ok: { method: 'elicitation/create', params: { message: call.entry.name } } }),
    }),
  })
  const gateway = await testPlugin(toolSearch, {}, { ...asking, tools, with: [[both, {}]] })
  const yes = { ok: { action: 'accept', content: {} } }
  const outer = await gateway.call('call_tool', { name: 'demo__echo' })
  assert.match(JSON.stringify(outer), /call_tool/)
  const inner = await gateway.answer(outer, yes)
  assert.match(JSON.stringify(inner.kind === 'question' && inner.questions), /demo__echo/)
  assert.equal((await gateway.answer(inner, yes)).kind, 'result')
})

test('a call inside itself is refused, and so is one too deep', async () => {
  const gateway = await testPlugin(toolSearch, {}, { tools })
  const circle: Record<string, unknown> = { name: 'call_tool' }
  assert.equal((await gateway.denied('call_tool', { ...circle, args: circle })).code, 'NOT_FOUND')
  let deep: Record<string, unknown> = { name: 'demo__echo' }
  for (let i = 0; i < 9; i++) deep = { name: 'call_tool', args: deep }
  assert.match((await gateway.denied('call_tool', deep)).message, /8 deep/)
  assert.equal(gateway.sent.length, 0)
})

test('cancelling the outer call cancels the inner one', async () => {
  const cancel = new AbortController()
  const gateway = await testPlugin(
    toolSearch,
    {},
    { tools, reply: () => new Promise(() => cancel.abort('enough')) },
  )
  const outcome = await gateway.call('call_tool', { name: 'demo__echo' }, { cancel: cancel.signal })
  assert.equal(outcome.kind, 'cancelled')
  const finished = gateway.events.filter((event) => event.type === 'call.finished')
  assert.deepEqual(
    finished.map(({ name, outcome: { kind } }) => [name, kind]),
    [
      ['demo__echo', 'cancelled'],
      ['call_tool', 'cancelled'],
    ],
  )
})

test('an upstream cannot take a plugin’s name, and what the plugin throws is its failure', async () => {
  const failing = definePlugin({
    ...toolSearch,
    setup: () => ({
      tools: [
        {
          definition: { name: 'demo__echo', inputSchema: object },
          call() {
            throw new Error('mine')
          },
        },
      ],
    }),
  })
  const gateway = await testPlugin(failing, {}, { tools })
  const outcome = await gateway.call('demo__echo')
  assert.equal(
    outcome.kind === 'failure' && `${outcome.code} ${outcome.hook}`,
    'PLUGIN_FAILED tools',
  )
  assert.equal(gateway.sent.length, 0)
})

test('an inner call made for somebody else, or on another path, is asked about anew', async () => {
  const other = { issuer: 'test', subject: 'bob', claims: {}, scopes: [] }
  let instead: { principal?: Principal; path?: string } = {}
  const proxy = definePlugin({
    name: 'proxy',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'proxy', inputSchema: object },
          call: (call) =>
            calls.call({ ...call.caller, ...instead }, 'demo__echo', {}, { parent: call }),
        },
      ],
    }),
  })
  const gateway = await testPlugin(proxy, {}, { ...asking, with: [[approval, {}]] })
  for (const one of [{ principal: other }, { path: '/mcp/other' }]) {
    instead = {}
    const question = await gateway.call('proxy')
    instead = one
    const again = await gateway.answer(question, { ok: { action: 'accept', content: {} } })
    assert.equal(again.kind, 'question')
  }
  assert.equal(gateway.sent.length, 0)
})
