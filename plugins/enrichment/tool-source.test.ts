import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, deny } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { added, both } from '../../test/fixtures/enriched.ts'
import enrichment from './index.ts'

type Result = Readonly<Record<string, unknown>>

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

const tool = (name: string, args: object = {}, more: object = {}) => ({
  name: 'owner',
  match: { tools: ['get'] },
  tool: { name, args },
  ...more,
})

test('another tool is called as the same caller, with values of the call', async () => {
  const args = {
    id: { path: 'result.owner' },
    deep: { path: 'args.depth', default: 3 },
    who: { path: 'principal.subject' },
    brief: { value: true },
  }
  const rule = tool('demo__person', args, { take: 'answer.name' })
  const gateway = await testPlugin(
    enrichment,
    { rules: [rule] },
    {
      tools: ['get', 'person'],
      reply: ({ name }) => both(name === 'get' ? { owner: 7 } : { name: 'Ada' }),
    },
  )
  const result = await gateway.result('demo__get')
  assert.deepEqual(result, both({ owner: 7, enrichment: { owner: 'Ada' } }))
  assert.deepEqual(
    gateway.sent.map(({ name, args: sent }) => [name, sent]),
    [
      ['get', {}],
      ['person', { id: 7, deep: 3, who: 'anna', brief: true }],
    ],
  )
})

test('a tool that answers in words gives them', async () => {
  const gateway = await testPlugin(
    enrichment,
    { rules: [tool('demo__person')] },
    {
      tools: ['get', 'person'],
      reply: ({ name }) =>
        name === 'get' ? both({}) : { content: [{ type: 'text', text: 'Ada' }] },
    },
  )
  assert.deepEqual(added(await gateway.result('demo__get')), { owner: 'Ada' })
})

test('a source that refuses, fails or asks is a warning that tells nothing of it', async () => {
  const secret = 'the hidden words'
  const failing = (code: 'UNAVAILABLE') =>
    ({ kind: 'failure', code, message: secret, hint: secret, executed: false }) as const
  const replies: [Result | ReturnType<typeof failing>, string][] = [
    [{ ...both({ secret }), isError: true }, 'SOURCE_FAILED'],
    [failing('UNAVAILABLE'), 'SOURCE_FAILED'],
    [deny('FORBIDDEN', secret), 'SOURCE_DENIED'],
    [deny('RATE_LIMITED', secret), 'SOURCE_FAILED'],
    [both({ name: secret.repeat(100) }), 'TOO_LARGE'],
    [{ content: [], structuredContent: { name: secret.repeat(100) } }, 'TOO_LARGE'],
    [both({ other: secret }), 'NO_VALUE'],
  ] as never
  for (const [reply, code] of replies) {
    const rule = tool('demo__person', {}, { take: 'answer.name', maxBytes: '1KiB' })
    const gateway = await testPlugin(
      enrichment,
      { rules: [rule] },
      { tools: ['get', 'person'], reply: ({ name }) => (name === 'get' ? both({}) : reply) },
    )
    const result = await gateway.result('demo__get')
    assert.deepEqual(added(result), { owner: code })
    assert.ok(!JSON.stringify(result).includes(secret), code)
  }
})

test('who may not use the source gets nothing of it, and others still do', async () => {
  const only = definePlugin({
    name: 'only',
    version: '1.0.0',
    configSchema: EMPTY,
    setup: () => ({
      listFilter: ({ principal: { subject } }) => ({
        key: subject,
        test: ({ name }) =>
          name !== 'demo__person' || subject === 'anna' || { rule: 'r', reason: 'not you' },
      }),
    }),
  })
  const gateway = await testPlugin(
    enrichment,
    { rules: [tool('demo__person')] },
    { tools: ['get', 'person'], reply: ({ name }) => both({ name }), with: [[only]] },
  )
  const as = async (subject: string) =>
    gateway.result('demo__get', {}, { caller: { principal: { subject } } })
  assert.deepEqual(added(await as('anna')), { owner: { name: 'person' } })
  const refused = await as('bob')
  assert.deepEqual(added(refused), { owner: 'SOURCE_DENIED' })
  assert.ok(!JSON.stringify(refused).includes('demo__person'))
  assert.deepEqual(
    gateway.sent.map(({ name }) => name),
    ['get', 'person', 'get'],
  )
})

test('what a source tool does not answer in time is left out, and the budget is for all rules', async () => {
  const rules = ['a', 'b', 'c'].map((name) => ({ ...tool('demo__slow'), name }))
  const gateway = await testPlugin(
    enrichment,
    { rules, budget: '1500ms' },
    {
      tools: ['get', 'slow'],
      reply: ({ name }) => (name === 'get' ? both({}) : new Promise(() => {})),
    },
  )
  const pending = gateway.result('demo__get')
  for (let ms = 0; ms < 1_600; ms += 50) {
    gateway.clock.advance(50)
    await new Promise(setImmediate)
  }
  assert.deepEqual(added(await pending), { a: 'TIMEOUT', b: 'TIMEOUT', c: 'BUDGET' })
  assert.equal(gateway.sent.filter(({ name }) => name === 'slow').length, 2)
})

test('seeds 7.42: a rule does not run inside its own source, however it leads back', async () => {
  const id = { id: { path: 'result.next' } }
  const reply = ({ args }: { args: Result }) => both({ next: Number(args.id ?? 0) + 1 })
  const cases: [object[], object][] = [
    // With other arguments each time: the gateway's own guard would let it go 8 deep.
    [[tool('demo__get', id)], { owner: 'CYCLE' }],
    // With the same.
    [[tool('demo__get', { id: { path: 'args.id' } })], { owner: 'CYCLE' }],
    // Over another rule.
    [
      [
        tool('demo__other', id),
        { ...tool('demo__get', id), name: 'back', match: { tools: ['other'] } },
      ],
      { owner: 'CYCLE' },
    ],
  ]
  for (const [rules, expected] of cases) {
    const gateway = await testPlugin(enrichment, { rules }, { tools: ['get', 'other'], reply })
    assert.deepEqual(added(await gateway.result('demo__get', { id: 0 })), expected)
    assert.ok(gateway.sent.length <= 3, String(gateway.sent.length))
  }
})

test('source calls that lead on without leading back are enriched like any other', async () => {
  const rules = [
    tool('demo__other', {}, { merge: { at: 'result.other' } }),
    {
      ...tool('demo__last', {}, { merge: { at: 'result.last' } }),
      name: 'last',
      match: { tools: ['other'] },
    },
  ]
  const gateway = await testPlugin(
    enrichment,
    { rules },
    { tools: ['get', 'other', 'last'], reply: ({ name }) => both({ name }) },
  )
  const whole = { name: 'get', other: { name: 'other', last: { name: 'last' } } }
  assert.deepEqual(await gateway.result('demo__get'), both(whole))
})
