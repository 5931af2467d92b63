import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls, definePlugin, deny, type Hooks, type Outcome } from '../../../sdk/index.ts'
import { testPlugin } from '../../../sdk/testing/index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** A plugin of nothing but hooks. */
function hooked(hooks: Hooks) {
  return definePlugin({
    name: 'hooked',
    version: '1.0.0',
    phase: 'shape',
    configSchema: EMPTY,
    setup: () => hooks,
  })
}

/** What a tool with this schema is called with when it is called. */
async function tool(inputSchema: object) {
  const seen: unknown[] = []
  const gateway = await testPlugin(
    hooked({
      tools: [
        {
          definition: { name: 'own', inputSchema: { ...inputSchema } },
          call({ args }) {
            seen.push(args)
            return { content: [] }
          },
        },
      ],
    }),
  )
  return { gateway, seen }
}

const SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'https://example.org/own',
  type: 'object',
  required: ['who'],
  additionalProperties: false,
  properties: {
    who: { type: 'string', minLength: 2 },
    when: { type: 'array', items: { $ref: '#/definitions/day' } },
    how: { anyOf: [{ const: 'fast' }, { const: 'slow' }], default: 'slow' },
  },
  definitions: { day: { type: 'integer', 'x-note': 'kept' } },
}

test('a plugin’s own tool is called with what fits its inputSchema only, and unchanged', async () => {
  const { gateway, seen } = await tool(SCHEMA)
  const args = { who: 'anna', when: [1, 2] }
  await gateway.result('own', args)
  assert.deepEqual(seen, [args])
  const wrong: [Readonly<Record<string, unknown>>, string][] = [
    [{}, 'needs `who`'],
    [{ who: 7 }, 'who must be text, not a whole number'],
    [{ who: 'anna', when: [1, 'two'] }, 'when[1] must be a whole number, not text'],
    [{ who: 'anna', wen: [] }, 'wen is not an argument of this tool (did you mean "when"?)'],
    [{ who: 'anna', how: 'so' }, 'how must be "fast" or "slow"'],
  ]
  for (const [given, reason] of wrong) {
    const denial = await gateway.denied('own', given)
    assert.equal(denial.message, `the arguments of own: ${reason}`)
    assert.deepEqual([denial.code, denial.plugin], ['INVALID', undefined])
    assert.match(denial.hint, /Correct the arguments/)
  }
  assert.equal(seen.length, 1)
})

test('two tools with one $id do not meet, and one gateway after another compiles them', async () => {
  for (let i = 0; i < 2; i++) {
    const { gateway } = await tool(SCHEMA)
    await gateway.result('own', { who: 'anna' })
    const other = await tool({ $id: SCHEMA.$id, type: 'object' })
    await other.gateway.result('own', {})
  }
})

test('guards see the arguments before they are judged', async () => {
  const seen: unknown[] = []
  const guard = definePlugin({
    name: 'guard',
    version: '1.0.0',
    phase: 'guard',
    configSchema: EMPTY,
    setup: () => ({ beforeCall: ({ args }) => void seen.push(args) }),
  })
  const call = () => ({ content: [] })
  const definition = { name: 'own', inputSchema: { type: 'object', required: ['who'] } }
  const options = { with: [[guard]] } as const
  const gateway = await testPlugin(hooked({ tools: [{ definition, call }] }), {}, options)
  await gateway.denied('own', { wo: 1 })
  assert.deepEqual(seen, [{ wo: 1 }])
})

test('an inputSchema that is no JSON Schema is a problem of the setup', async () => {
  for (const broken of [{ type: 'objct' }, { properties: { a: { $ref: '#/nowhere' } } }]) {
    await assert.rejects(
      tool(broken),
      /plugin hooked: the inputSchema of its tool `own` is no JSON Schema: .*Write it as JSON Schema 2020-12/,
    )
  }
})

test('what a plugin answers must be a result of the call’s method', async () => {
  const schema = { type: 'object' }
  const bad = { call: () => ({ text: 'no list' }) as never }
  const gateway = await testPlugin(
    hooked({
      tools: [{ definition: { name: 'own', inputSchema: schema }, ...bad }],
      prompts: [{ definition: { name: 'own' }, ...bad }],
      resources: [{ definition: { uri: 'own:it', name: 'it' }, ...bad }],
      beforeCall: ({ entry }) =>
        entry.name === 'demo__echo' ? { kind: 'answer', result: { content: 'text' } } : undefined,
    }),
  )
  const calls: [string, 'tools/call' | 'prompts/get' | 'resources/read', string][] = [
    ['own', 'tools/call', 'content'],
    ['own', 'prompts/get', 'messages'],
    ['own:it', 'resources/read', 'contents'],
    ['demo__echo', 'tools/call', 'content'],
  ]
  for (const [name, method, part] of calls) {
    const outcome = await gateway.call(name, {}, { method })
    assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
    const { cause } = gateway.told('plugin.failed').at(-1) ?? {}
    assert.match(String(cause), new RegExp(`no result of ${method}: .* the list \`${part}\``))
  }
})

test('a plugin’s own tool may deny, in its own name; a denial from inside keeps the name it has', async () => {
  const inner = definePlugin({
    name: 'inner',
    version: '1.0.0',
    phase: 'guard',
    configSchema: EMPTY,
    setup: () => ({
      beforeCall: ({ depth }) => (depth > 0 ? deny('FORBIDDEN', 'not inside') : undefined),
    }),
  })
  const inputSchema = { type: 'object' }
  const outer = definePlugin({
    name: 'outer',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        { definition: { name: 'shut', inputSchema }, call: () => deny('UNAVAILABLE', 'shut now') },
        {
          definition: { name: 'odd', inputSchema },
          call: () => ({ kind: 'denial', code: 'ODD' }) as unknown as Outcome,
        },
        {
          definition: { name: 'through', inputSchema },
          call: (call) => calls.call(call.caller, 'demo__echo', {}, { parent: call }),
        },
      ],
    }),
  })
  const gateway = await testPlugin(outer, {}, { with: [[inner]] })
  const own = await gateway.denied('shut')
  assert.deepEqual([own.code, own.plugin], ['UNAVAILABLE', 'outer'])
  assert.equal((await gateway.denied('through')).plugin, 'inner')
  const odd = await gateway.call('odd')
  assert.equal(odd.kind === 'failure' && odd.code, 'PLUGIN_FAILED')
})
