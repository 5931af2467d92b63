// Names: what a family's means, what else may have it, and what a policy for it covers.
import assert from 'node:assert/strict'
import test from 'node:test'
import { definePlugin, namesOf, type ToolDefinition } from 'mcp-patchbay/sdk'
import { type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'
import familyRouting from './index.ts'

const LIST: ToolDefinition = { name: 'list_pods', inputSchema: { type: 'object' } }

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

const NO_SETTINGS = { type: 'object', additionalProperties: false, properties: {} } as const

test("what a plugin offers under a family's name stays, and the members keep theirs", async () => {
  const offering = definePlugin({
    name: 'offering',
    version: '1.0.0',
    configSchema: NO_SETTINGS,
    setup: () => ({
      tools: [
        {
          definition: { name: 'kubernetes__get', inputSchema: { type: 'object' } },
          call: () => ({ content: [{ type: 'text' as const, text: 'mine' }] }),
        },
      ],
    }),
  })
  const options = { ...fleet({ us: ['get', 'a'], eu: ['get', 'a'] }), with: [[offering]] as const }
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.deepEqual(await gateway.list(), ['us__get', 'kubernetes__a', 'eu__get', 'kubernetes__get'])
  const { content } = await gateway.result('kubernetes__get')
  assert.deepEqual(content, [{ type: 'text', text: 'mine' }])
  assert.match(JSON.stringify(await gateway.status()), /a plugin offers `kubernetes__get`/)
})

test("no server has anything under a family's name, whether it is merged or not", async () => {
  const tools = {
    us: [LIST, 'odd'],
    eu: [LIST, { ...LIST, name: 'odd' }],
    kube_rnetes: [LIST, 'odd', 'own'],
  }
  const name = 'kube.rnetes'
  const member = { family: { name, instanceArg: 'cluster' } }
  const outside = { tools, upstreams: { us: member, eu: member } }
  const gateway = await testPlugin(familyRouting, {}, outside)
  assert.deepEqual(await gateway.list(), [
    'kube_rnetes__list_pods',
    'us__odd',
    'eu__odd',
    'kube_rnetes__own',
  ])
  await gateway.denied('kube_rnetes__odd', { cluster: 'eu' })
  await gateway.result('kube_rnetes__list_pods', { cluster: 'eu' })
  assert.deepEqual(
    gateway.sent.map(({ upstream }) => upstream),
    ['eu'],
  )
  await gateway.offer('us', ['odd'])
  assert.deepEqual(
    gateway.logs.map(({ message }) => message),
    ['list_pods', 'odd'].map(
      (own) =>
        `The tool kube_rnetes__${own} of kube_rnetes is left out: a family has that name. Give the upstream another \`prefix\`.`,
    ),
  )

  const inside = await testPlugin(
    familyRouting,
    {},
    {
      tools,
      upstreams: { us: member, eu: member, kube_rnetes: member },
    },
  )
  assert.deepEqual(await inside.list(), [
    'kube_rnetes__list_pods',
    'us__odd',
    'eu__odd',
    'kube_rnetes__own',
  ])
  await inside.denied('kube_rnetes__odd', { cluster: 'eu' })
  await inside.denied('kube_rnetes__own', { cluster: 'eu' })
  await inside.result('kube_rnetes__list_pods', { cluster: 'kube_rnetes' })
})

test('a family that goes by the name of an upstream stops the boot', async () => {
  const options = fleet({ us: [LIST], kubernetes: [LIST] })
  await assert.rejects(
    testPlugin(familyRouting, {}, options),
    /the family kubernetes has the name of an upstream/,
  )
})

test('two families whose tools would have one name are not merged', async () => {
  const options = fleet({ us: [LIST], eu: [LIST] }, { us: { name: 'a.b' }, eu: { name: 'a_b' } })
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.deepEqual(await gateway.list(), ['us__list_pods', 'eu__list_pods'])
  assert.match(JSON.stringify(await gateway.status()), /another family has `a_b__list_pods`/)
})

/** Refuses whatever has one of these among its names, to some callers. */
const policy = (names: readonly string[], whom: readonly string[] = ['anna']) =>
  definePlugin({
    name: 'policy',
    version: '1.0.0',
    configSchema: NO_SETTINGS,
    setup: () => ({
      listFilter({ principal: { subject } }) {
        const denied = whom.includes(subject) ? names : []
        return {
          key: denied.join(),
          test: (entry, target) =>
            namesOf(entry, target).some((name) => denied.includes(name))
              ? { rule: 'no', reason: 'no' }
              : true,
        }
      },
    }),
  })

const ben = { principal: { subject: 'ben' } }

test('each caller is told of the instances it may use, and reaches no other', async () => {
  const options = {
    ...fleet({ us: [LIST, 'get'], eu: [LIST], asia: [LIST] }),
    with: [[policy(['eu__list_pods'])]] as const,
  }
  const gateway = await testPlugin(familyRouting, {}, options)
  const own = async (caller?: object) => {
    const tools = await gateway.tools(caller)
    return tools.map(({ inputSchema }) => {
      const { properties } = inputSchema as { properties: { cluster: { enum: string[] } } }
      return properties.cluster.enum
    })
  }
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await own(), [['asia', 'us'], ['us']])
    assert.deepEqual(await own(ben), [['asia', 'eu', 'us'], ['us']])
    const hidden = await gateway.denied('kubernetes__list_pods', { cluster: 'eu' })
    const absent = await gateway.denied('kubernetes__list_pods', { cluster: 'ue' })
    assert.equal(hidden.message, absent.message.replace('"ue"', '"eu"'))
    assert.deepEqual([hidden.code, hidden.hint], [absent.code, absent.hint])
    assert.match(hidden.message, /Available of kubernetes: asia, us$/)
    await gateway.result('kubernetes__list_pods', { cluster: 'eu' }, { caller: ben })
  }
  assert.deepEqual(
    gateway.sent.map(({ upstream }) => upstream),
    ['eu', 'eu', 'eu'],
  )
})

test('where one member is left to a caller, another named is refused and not replaced', async () => {
  const options = {
    ...fleet({ us: [LIST], eu: [LIST] }),
    with: [[policy(['eu__list_pods'])]] as const,
  }
  const gateway = await testPlugin(familyRouting, {}, options)
  assert.equal((await gateway.denied('kubernetes__list_pods', { cluster: 'eu' })).code, 'INVALID')
  assert.deepEqual(gateway.sent, [])
})

test('what a member shows to one user only is merged for that user, and there for no other', async () => {
  const accounts = definePlugin({
    name: 'accounts',
    version: '1.0.0',
    configSchema: NO_SETTINGS,
    setup: () => ({
      identity: ({ upstream, caller }) => (upstream === 'eu' ? caller.principal.subject : ''),
      credentials: () => ({ headers: {} }),
    }),
  })
  const gateway = await testPlugin(
    familyRouting,
    {},
    {
      ...fleet({ us: [LIST], eu: [LIST] }),
      with: [[accounts]],
      ownTools: (_, identity) => (identity === 'anna' ? [LIST, 'secret'] : [UNLIKE]),
    },
  )
  // The first list does not wait for the account's own.
  for (const caller of [undefined, ben])
    await gateway.call('kubernetes__none', {}, caller && { caller })
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await gateway.list(), ['kubernetes__list_pods', 'kubernetes__secret'])
    assert.deepEqual(await gateway.list(ben), ['kubernetes__list_pods', 'kubernetes__odd'])
    await gateway.result('kubernetes__secret', { cluster: 'eu' })
    await gateway.result('kubernetes__list_pods', { cluster: 'eu' })
    const options = { caller: ben }
    const secret = await gateway.denied('kubernetes__secret', { cluster: 'eu' }, options)
    assert.equal(secret.code, 'NOT_FOUND')
    const pods = await gateway.denied('kubernetes__list_pods', { cluster: 'eu' }, options)
    assert.match(pods.message, /Available of kubernetes: us$/)
  }
  assert.equal(gateway.sent.length, 4)
})

const UNLIKE = { ...LIST, name: 'odd', description: 'Another.' }

const ALIASED = { us: { pods: 'list_pods', odds: 'odd' } }

for (const [rule, gone] of [
  ['kubernetes__list_pods', ['kubernetes__list_pods', 'us__pods']],
  ['us__list_pods', ['us__pods']],
  ['list_pods', ['kubernetes__list_pods', 'us__pods']],
  ['us__pods', ['us__pods']],
  ['kubernetes__odd', ['us__odd', 'us__odds', 'eu__odd']],
  ['us__odd', ['us__odd', 'us__odds']],
] as const) {
  test(`a rule for ${rule} covers every way to what it names`, async () => {
    const options = {
      ...fleet({ us: [LIST, 'odd'], eu: [LIST, UNLIKE] }),
      aliases: ALIASED,
      with: [[policy([rule])]] as const,
    }
    const gateway = await testPlugin(familyRouting, {}, options)
    const all = ['kubernetes__list_pods', 'us__pods', 'us__odd', 'us__odds', 'eu__odd']
    assert.deepEqual(await gateway.list(ben), all)
    const gone1: readonly string[] = gone
    assert.deepEqual(
      await gateway.list(),
      all.filter((name) => !gone1.includes(name)),
    )
    for (const name of gone) await gateway.denied(name, { cluster: 'us' })
    assert.deepEqual(gateway.sent, [])
  })
}

test('nothing is made anew that is as it was', async () => {
  const gateway = await testPlugin(
    familyRouting,
    {},
    fleet({ us: [LIST, 'get'], eu: [LIST, { ...LIST, name: 'get' }] }),
  )
  const before = new Map(gateway.entries.map((entry) => [entry.name, entry]))
  await gateway.offer('eu', [LIST, { ...LIST, name: 'get' }, 'more'])
  const after = new Map(gateway.entries.map((entry) => [entry.name, entry]))
  assert.equal(after.get('us__get'), before.get('us__get'))
  assert.deepEqual(
    [...after.keys()],
    ['kubernetes__list_pods', 'us__get', 'eu__get', 'kubernetes__more'],
  )
})

test('an alias is one member, asked without an instance', async () => {
  const options = { ...fleet({ us: [LIST], eu: [LIST] }), aliases: ALIASED }
  const gateway = await testPlugin(familyRouting, {}, options)
  await gateway.result('us__pods', { cluster: 'stays' })
  assert.deepEqual(
    gateway.sent.map(({ upstream, args }) => [upstream, args]),
    [['us', { cluster: 'stays' }]],
  )
})

test('a merged tool that another plugin renames and copies is routed as before', async () => {
  const renamer = definePlugin({
    name: 'renamer',
    version: '1.0.0',
    configSchema: NO_SETTINGS,
    setup: () => ({
      arrange: (entries) =>
        entries.map((entry) => ({
          ...entry,
          name: 'pods',
          targets: entry.targets.map((target) => ({ ...target })),
        })),
    }),
  })
  const options = { ...fleet({ us: [LIST], eu: [LIST] }), with: [[renamer]] as const }
  const gateway = await testPlugin(familyRouting, {}, options)
  await gateway.result('pods', { cluster: 'eu' })
  assert.deepEqual(
    gateway.sent.map(({ upstream, args }) => [upstream, args]),
    [['eu', {}]],
  )
  await gateway.denied('pods', {})
})

test('what would become of a call can be explained', async () => {
  const gateway = await testPlugin(familyRouting, {}, fleet({ us: [LIST], eu: [LIST] }))
  const { steps } = await gateway.rehearse('kubernetes__list_pods', { cluster: 'asia' })
  assert.match(JSON.stringify(steps), /is no `cluster`/)
})
