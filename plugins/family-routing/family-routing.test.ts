import assert from 'node:assert/strict'
import test from 'node:test'
import type { ToolDefinition } from 'mcp-patchbay/sdk'
import {
  checkPlugin,
  type TestGateway,
  type TestOptions,
  testPlugin,
} from 'mcp-patchbay/sdk/testing'
import familyRouting from './index.ts'

const LIST: ToolDefinition = {
  name: 'list_pods',
  description: 'Lists pods.',
  inputSchema: {
    type: 'object',
    properties: { namespace: { type: 'string' }, limit: { type: 'integer' } },
    required: ['namespace'],
  },
}

type Tools = readonly (string | ToolDefinition)[]

/** Members of the family `kubernetes`: upstream id → its tools. */
function fleet(
  tools: Readonly<Record<string, Tools>>,
  family: Readonly<Record<string, object>> = {},
): TestOptions & { readonly upstreams: Record<string, { readonly family: object }> } {
  const member = (id: string) => ({
    family: { name: 'kubernetes', instanceArg: 'cluster', ...family[id] },
  })
  return {
    tools,
    upstreams: Object.fromEntries(Object.keys(tools).map((id) => [id, member(id)])),
  }
}

const TWO = fleet({ us: [LIST], eu: [LIST] })

test('members are one tool with an argument that says which', async () => {
  const gateway = await testPlugin(familyRouting, {}, TWO)
  const [tool, ...others] = await gateway.tools()
  assert.deepEqual(others, [])
  assert.deepEqual(tool, {
    name: 'kubernetes__list_pods',
    description: 'Lists pods.',
    inputSchema: {
      type: 'object',
      properties: {
        namespace: { type: 'string' },
        limit: { type: 'integer' },
        cluster: { type: 'string', description: 'Which kubernetes to use.', enum: ['eu', 'us'] },
      },
      required: ['namespace', 'cluster'],
    },
  })
  await gateway.result('kubernetes__list_pods', { cluster: 'us', namespace: 'a' })
  await gateway.result('kubernetes__list_pods', { namespace: 'b', cluster: 'eu' })
  assert.deepEqual(
    gateway.sent.map(({ upstream, name, args }) => [upstream, name, args]),
    [
      ['us', 'list_pods', { namespace: 'a' }],
      ['eu', 'list_pods', { namespace: 'b' }],
    ],
  )
  const targets = gateway.told('call.finished').map(({ target }) => target?.upstream)
  assert.deepEqual(targets, ['us', 'eu'])
})

test("members' own names are gone, for lists and calls", async () => {
  const gateway = await testPlugin(familyRouting, {}, TWO)
  assert.equal((await gateway.denied('eu__list_pods', { namespace: 'a' })).code, 'NOT_FOUND')
  assert.deepEqual(gateway.sent, [])
})

test('an instance that is missing, unknown or no string is answered with those there are', async () => {
  const gateway = await testPlugin(familyRouting, {}, TWO)
  for (const [args, said] of [
    [{}, 'kubernetes__list_pods needs `cluster`'],
    [{ cluster: 'asia' }, '"asia" is no `cluster` of kubernetes__list_pods'],
    [{ cluster: '' }, '"" is no `cluster` of kubernetes__list_pods'],
    [{ cluster: ['eu'] }, 'a list is no `cluster` of kubernetes__list_pods'],
    [{ cluster: null }, 'null is no `cluster` of kubernetes__list_pods'],
    [
      { cluster: 'x'.repeat(500) },
      `"${'x'.repeat(64)}" is no \`cluster\` of kubernetes__list_pods`,
    ],
  ] as const) {
    const denial = await gateway.denied('kubernetes__list_pods', args)
    assert.equal(denial.code, 'INVALID')
    assert.equal(denial.message, `${said}. Available of kubernetes: eu, us`)
    assert.equal(denial.hint, 'Call again with one of them as `cluster`.')
    assert.equal(denial.plugin, 'family-routing')
  }
  assert.deepEqual(gateway.sent, [])
})

test('an argument may have a name that every object has', async () => {
  const options = fleet({ eu: [LIST] }, { eu: { instanceArg: 'constructor' } })
  const gateway = await testPlugin(familyRouting, {}, options)
  const { message } = await gateway.denied('kubernetes__list_pods', {})
  assert.match(message, /needs `constructor`/)
  await gateway.result('kubernetes__list_pods', { constructor: 'eu' })
})

test('one member is a family too, and its instance has to be said', async () => {
  const gateway = await testPlugin(familyRouting, {}, fleet({ eu: [LIST] }))
  assert.deepEqual(await gateway.list(), ['kubernetes__list_pods'])
  assert.equal((await gateway.denied('kubernetes__list_pods', {})).code, 'INVALID')
  assert.equal((await gateway.denied('kubernetes__list_pods', { cluster: 'us' })).code, 'INVALID')
  await gateway.result('kubernetes__list_pods', { cluster: 'eu' })
  assert.deepEqual(gateway.sent[0]?.args, {})
})

test('members that say different arguments are not merged, warned of once and told in status', async () => {
  const options = fleet({ us: [LIST], eu: [LIST], asia: [LIST] }, { eu: { instanceArg: 'zone' } })
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.deepEqual(await gateway.list(), ['us__list_pods', 'eu__list_pods', 'asia__list_pods'])
  await gateway.result('eu__list_pods', { zone: 'stays' })
  assert.deepEqual(gateway.sent[0]?.args, { zone: 'stays' })
  await gateway.offer('us', [LIST, 'another'])
  const conflict = 'its members say different `instanceArg`: `cluster` (us, asia), `zone` (eu)'
  assert.deepEqual(
    gateway.logs.map(({ level, message }) => [level, message]),
    [
      [
        'warn',
        `Family kubernetes: ${conflict}. Nothing of it is merged: write the same \`instanceArg\` for all of them.`,
      ],
    ],
  )
  assert.deepEqual((await gateway.status())['family-routing'], {
    families: {
      kubernetes: {
        instanceArg: 'cluster or zone',
        instances: { us: 'us', eu: 'eu', asia: 'asia' },
        merged: {},
        separate: { kubernetes__list_pods: conflict, kubernetes__another: conflict },
      },
    },
  })
})

const DIFFERENT: Record<string, [other: Partial<ToolDefinition>, reason: string]> = {
  'another description': [{ description: 'Lists.' }, 'its members differ in description'],
  'another schema': [
    { inputSchema: { type: 'object', properties: { namespace: { type: 'number' } } } },
    'its members differ in inputSchema',
  ],
  'an output schema': [{ outputSchema: { type: 'object' } }, 'its members differ in outputSchema'],
  'other annotations': [
    { annotations: { readOnlyHint: true }, title: 'List' },
    'its members differ in annotations, title',
  ],
}

for (const [what, [other, reason]] of Object.entries(DIFFERENT)) {
  test(`a tool with ${what} on one member keeps the members' names, and nothing else does`, async () => {
    const options = fleet({ us: [LIST, 'get'], eu: [{ ...LIST, ...other }, 'get'] })
    const gateway = await testPlugin(familyRouting, {}, options)
    assert.deepEqual(await gateway.list(), ['us__list_pods', 'kubernetes__get', 'eu__list_pods'])
    const status = (await gateway.status())['family-routing']
    assert.deepEqual(status, {
      families: {
        kubernetes: {
          instanceArg: 'cluster',
          instances: { us: 'us', eu: 'eu' },
          merged: { kubernetes__get: ['eu', 'us'] },
          separate: { kubernetes__list_pods: reason },
        },
      },
    })
    await gateway.result('us__list_pods', { namespace: 'a', cluster: 'passes' })
    assert.deepEqual(gateway.sent[0]?.args, { namespace: 'a', cluster: 'passes' })
  })
}

const OBSTACLES: Record<string, [tool: Record<string, unknown>, reason: RegExp]> = {
  'a schema with the argument': [{ properties: { cluster: {} } }, /`cluster` of its own/],
  'a schema with branches': [{ anyOf: [{ additionalProperties: false }] }, /`anyOf` in its/],
  'a schema with a reference': [{ $ref: '#/$defs/x' }, /`\$ref` in its schema/],
  'a schema with a limit': [{ maxProperties: 2 }, /`maxProperties` in its schema/],
  'a schema of nonsense': [{ properties: [] }, /cannot be read/],
  'a user interface': [{ _meta: { ui: { resourceUri: 'ui://pods' } } }, /it has a user interface/],
}

for (const [what, [{ _meta, ...schema }, reason]] of Object.entries(OBSTACLES)) {
  test(`a tool with ${what} is not merged`, async () => {
    const tool = { name: 'odd', inputSchema: { type: 'object', ...schema }, _meta }
    const gateway = await testPlugin(familyRouting, {}, fleet({ us: [tool], eu: [tool] }))
    assert.deepEqual(await gateway.list(), ['us__odd', 'eu__odd'])
    assert.match(JSON.stringify(await gateway.status()), reason)
  })
}

test('the order of members of a schema makes no difference', async () => {
  const turned = {
    inputSchema: {
      required: ['namespace'],
      properties: { limit: { type: 'integer' }, namespace: { type: 'string' } },
      type: 'object',
    },
    name: 'list_pods',
    description: 'Lists pods.',
  }
  const gateway = await testPlugin(familyRouting, {}, fleet({ us: [LIST], eu: [turned] }))
  assert.deepEqual(await gateway.list(), ['kubernetes__list_pods'])
})

test('a tool that some members lack names only those that have it', async () => {
  const options = fleet({ us: [LIST, 'drain'], eu: [LIST], asia: ['drain'] })
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.deepEqual(await gateway.list(), ['kubernetes__list_pods', 'kubernetes__drain'])
  assert.deepEqual(await enums(gateway), { list_pods: ['eu', 'us'], drain: ['asia', 'us'] })
  const denial = await gateway.denied('kubernetes__drain', { cluster: 'eu' })
  assert.equal(
    denial.message,
    '"eu" is no `cluster` of kubernetes__drain. Available of kubernetes: asia, us',
  )
})

test('instances go by the name that the operator gives them', async () => {
  const options = fleet(
    { us: [LIST], eu: [LIST] },
    { us: { instance: 'Virginia' }, eu: { instance: 'Ireland' } },
  )
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.deepEqual(await enums(gateway), { list_pods: ['Ireland', 'Virginia'] })
  await gateway.result('kubernetes__list_pods', { cluster: 'Virginia' })
  assert.equal(gateway.sent[0]?.upstream, 'us')
  await gateway.denied('kubernetes__list_pods', { cluster: 'us' })
})

test('two instances of one name stop the boot', async () => {
  const options = fleet({ us: [LIST], eu: [LIST] }, { us: { instance: 'eu' } })
  await assert.rejects(
    testPlugin(familyRouting, {}, options),
    /the family kubernetes has several instances "eu": us, eu\. Give each another `instance`/,
  )
})

test('what is listed does not depend on who answered first', async () => {
  const tools = { us: [LIST, 'get'], eu: [LIST, 'get'] }
  const all = await testPlugin(familyRouting, {}, fleet(tools))
  for (const order of [
    ['us', 'eu'],
    ['eu', 'us'],
  ] as const) {
    const { upstreams } = fleet(tools)
    const late = await testPlugin(familyRouting, {}, { tools: { us: null, eu: null }, upstreams })
    for (const id of order) await late.offer(id, tools[id])
    assert.deepEqual(await late.tools(), await all.tools())
  }
})

test('above `maxEnum` the schema tells how many, and the error tells the names like it first', async () => {
  const ids = Array.from({ length: 120 }, (_, n) => `c${String(n).padStart(3, '0')}`)
  const options = fleet(Object.fromEntries(ids.map((id) => [id, [LIST]])))
  const gateway = await testPlugin(familyRouting, {}, options)
  const [{ inputSchema }] = (await gateway.tools()) as [ToolDefinition]
  assert.deepEqual((inputSchema.properties as Record<string, unknown>).cluster, {
    type: 'string',
    description:
      'Which kubernetes to use. There are 120: a call with an unknown one is answered with names like it.',
  })
  const denial = await gateway.denied('kubernetes__list_pods', { cluster: '11' })
  assert.match(
    denial.message,
    /: c011, c110, c111, c112, c113, c114, c115, c116, c117, c118, c119, c000, /,
  )
  assert.match(denial.message, / and 20 more$/)
  await gateway.result('kubernetes__list_pods', { cluster: 'c119' })
  assert.equal(gateway.sent[0]?.upstream, 'c119')

  const most = await testPlugin(familyRouting, { maxEnum: 120 }, options)
  assert.equal((await enums(most)).list_pods?.length, 120)
})

test('its settings, its README and what its hooks do with what they are given', async () => {
  await checkPlugin(familyRouting, { folder: import.meta.dirname, options: TWO })
})

/** Merged tool, without the family's name → the instances its schema lists. */
async function enums(gateway: TestGateway): Promise<Record<string, readonly string[]>> {
  const tools = await gateway.tools()
  return Object.fromEntries(
    tools.map(({ name, inputSchema }) => {
      const { cluster } = inputSchema.properties as Record<string, { enum: readonly string[] }>
      return [name.replace('kubernetes__', ''), cluster?.enum ?? []]
    }),
  )
}
