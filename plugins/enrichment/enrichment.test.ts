import assert from 'node:assert/strict'
import test from 'node:test'
import type { Outcome } from 'mcp-patchbay/sdk'
import { checkPlugin, type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'
import { both, texts, warnings } from '../../test/fixtures/enriched.ts'
import enrichment from './index.ts'

const COUNTRIES = { key: 'result.country', rows: { DE: 'Germany', FR: { name: 'France' } } }
const RULE = { name: 'land', match: { tools: ['demo__get'] }, table: COUNTRIES }

function around(result: Record<string, unknown>, more: TestOptions = {}): TestOptions {
  return { tools: ['get', 'other'], reply: () => result, ...more }
}

test('a value is added to structuredContent and to the text that repeats it, alike', async () => {
  for (const indent of [undefined, 2]) {
    const rules = [{ ...RULE, merge: { at: 'result.land' } }]
    const gateway = await testPlugin(
      enrichment,
      { rules },
      around(both({ id: 1, country: 'DE' }, indent)),
    )
    assert.deepEqual(
      await gateway.result('demo__get'),
      both({ id: 1, country: 'DE', land: 'Germany' }, indent),
    )
    assert.deepEqual(await gateway.result('demo__other'), both({ id: 1, country: 'DE' }, indent))
  }
})

test('without a place the value stands under enrichment and the name of its rule', async () => {
  const gateway = await testPlugin(enrichment, { rules: [RULE] }, around(both({ country: 'FR' })))
  assert.deepEqual((await gateway.result('demo__get')).structuredContent, {
    country: 'FR',
    enrichment: { land: { name: 'France' } },
  })
})

test('a tool that answers with JSON as text only has it added there', async () => {
  const content = [{ type: 'text', text: '{"country":"DE"}' }]
  const gateway = await testPlugin(enrichment, { rules: [RULE] }, around({ content }))
  assert.deepEqual(await gateway.result('demo__get'), {
    content: [{ type: 'text', text: '{"country":"DE","enrichment":{"land":"Germany"}}' }],
  })
})

test('a value can be added as a text block, which any result has a place for', async () => {
  const rules = [
    { ...RULE, table: { key: 'args.country', rows: COUNTRIES.rows }, merge: { text: true } },
  ]
  const content = [{ type: 'text', text: 'a house' }]
  const gateway = await testPlugin(enrichment, { rules }, around({ content }))
  const said = async (country: string) => texts(await gateway.result('demo__get', { country }))
  assert.deepEqual(await said('DE'), ['a house', 'land: Germany'])
  assert.deepEqual(await said('FR'), ['a house', 'land: {"name":"France"}'])
})

test('seeds 7.42: of two rules in order the second sees what the first has added', async () => {
  const second = {
    name: 'capital',
    match: { tools: ['get'] },
    when: [{ path: 'result.land', equals: 'Germany' }],
    table: { key: 'result.land', rows: { Germany: 'Berlin' } },
    merge: { at: 'result.capital' },
  }
  const first = { ...RULE, merge: { at: 'result.land' } }
  const options = around(both({ country: 'DE' }))
  const gateway = await testPlugin(enrichment, { rules: [first, second] }, options)
  const whole = { country: 'DE', land: 'Germany', capital: 'Berlin' }
  assert.deepEqual(await gateway.result('demo__get'), both(whole))
  const reversed = await testPlugin(enrichment, { rules: [second, first] }, options)
  assert.deepEqual(await reversed.result('demo__get'), both({ country: 'DE', land: 'Germany' }))
})

test('seeds 7.42: a wrong path is a warning that names it, and the result stays whole', async () => {
  const gateway = await testPlugin(enrichment, { rules: [RULE] }, around(both({ land: 'DE' })))
  const result = await gateway.result('demo__get')
  assert.deepEqual(result.structuredContent, { land: 'DE' })
  assert.deepEqual(texts(result), [
    '{"land":"DE"}',
    'warning: enrichment "land" is missing (NO_VALUE): there is nothing at result.country',
  ])
  assert.deepEqual(result._meta, {
    'patchbay/enrichment': {
      warnings: [{ rule: 'land', code: 'NO_VALUE', message: 'there is nothing at result.country' }],
    },
  })
})

test('nothing is said where nothing was found and the rule takes that for normal', async () => {
  const rules = [{ ...RULE, onMissing: 'skip' }]
  for (const value of [{ country: 'XX' }, { country: null }, {}]) {
    const gateway = await testPlugin(enrichment, { rules }, around(both(value)))
    assert.deepEqual(await gateway.result('demo__get'), both(value))
    const tally = { added: 0, skipped: 1, failed: 0 }
    assert.deepEqual(await gateway.status(), { enrichment: { rules: { land: tally } } })
  }
})

test('seeds 7.42: a result that is no object is left as it is, with a warning', async () => {
  const rules = [{ ...RULE, table: { key: 'args.country', rows: COUNTRIES.rows } }]
  for (const result of [
    { content: [{ type: 'text', text: 'plain words' }] },
    { content: [{ type: 'text', text: '[1,2]' }] },
    { content: [{ type: 'text', text: '{"cut":' }] },
    { content: [] },
    both([1, 2]),
  ]) {
    const gateway = await testPlugin(enrichment, { rules }, around(result))
    const answer = await gateway.result('demo__get', { country: 'DE' })
    assert.deepEqual(warnings(answer), { land: 'NOT_OBJECT' })
    assert.deepEqual((answer.content as unknown[]).slice(0, -1), result.content)
  }
})

test('what stands in the way is never overwritten by a folder for the value', async () => {
  const rules = [{ ...RULE, merge: { at: 'result.country.name' } }]
  const gateway = await testPlugin(enrichment, { rules }, around(both({ country: 'DE' })))
  assert.deepEqual(warnings(await gateway.result('demo__get')), { land: 'NO_PLACE' })
})

test('a value can go into one item of a list', async () => {
  const rules = [
    {
      ...RULE,
      table: { key: "result['the list'][1]", rows: { b: 'second' } },
      merge: { at: 'result.objects[0].name' },
    },
  ]
  const value = { 'the list': ['a', 'b'], objects: [{ id: 1 }, { id: 2 }] }
  const gateway = await testPlugin(enrichment, { rules }, around(both(value)))
  const whole = { ...value, objects: [{ id: 1, name: 'second' }, { id: 2 }] }
  assert.deepEqual(await gateway.result('demo__get'), both(whole))
})

test('members that every object inherits are no values', async () => {
  for (const path of ['result.constructor', 'result.__proto__', 'args.toString']) {
    const rules = [{ ...RULE, when: [{ path, exists: true }] }]
    const gateway = await testPlugin(enrichment, { rules }, around(both({ country: 'DE' })))
    assert.deepEqual(await gateway.result('demo__get'), both({ country: 'DE' }))
  }
})

test('conditions hold together, on what was sent, what was answered and who calls', async () => {
  const value = { country: 'DE', nothing: null, size: 12, tags: [{ a: 1 }] }
  const cases: [object[], boolean][] = [
    [[], true],
    [[{ path: 'result.nothing', exists: true }], true],
    [[{ path: 'result.missing', exists: true }], false],
    [[{ path: 'result.missing', exists: false }], true],
    [[{ path: 'result.size', equals: 12 }], true],
    [[{ path: 'result.size', equals: '12' }], false],
    [[{ path: 'result.nothing', equals: null }], true],
    [[{ path: 'result.missing', equals: null }], false],
    [[{ path: 'result.tags', equals: [{ a: 1 }] }], true],
    [[{ path: 'result.size', matches: '^1.$' }], true],
    [[{ path: 'result.country', matches: '^e' }], false],
    [[{ path: 'result.tags', matches: '.' }], false],
    [[{ path: 'args.mode', equals: 'full' }], true],
    [[{ path: 'principal.subject', equals: 'anna' }], true],
    [[{ path: 'principal.claims.team', equals: 'a' }], true],
    [
      [
        { path: 'result.size', equals: 12 },
        { path: 'args.mode', equals: 'short' },
      ],
      false,
    ],
  ]
  for (const [when, added] of cases) {
    const options = around(both(value), { principal: { claims: { team: 'a' } } })
    const gateway = await testPlugin(enrichment, { rules: [{ ...RULE, when }] }, options)
    const result = await gateway.result('demo__get', { mode: 'full' })
    const said = 'enrichment' in (result.structuredContent as object)
    assert.equal(said, added, JSON.stringify(when))
  }
})

test('results that say isError are left alone unless the rule says otherwise', async () => {
  const failed = { ...both({ country: 'DE' }), isError: true }
  const alone = await testPlugin(enrichment, { rules: [RULE] }, around(failed))
  assert.deepEqual(await alone.result('demo__get'), failed)
  const rules = [{ ...RULE, errors: true, merge: { text: true } }]
  const added = await testPlugin(enrichment, { rules }, around(failed))
  const result = await added.result('demo__get')
  assert.equal(result.isError, true)
  assert.equal(texts(result)[1], 'land: Germany')
})

test('a rule covers a tool under all its names, and only of the upstreams it names', async () => {
  const options = {
    tools: { crm: ['get'], hr: ['get'] },
    aliases: { crm: { fetch: 'get' } },
    reply: () => both({ country: 'DE' }),
  }
  const names = ['crm__get', 'crm__fetch', 'hr__get']
  const cases: [object, string[]][] = [
    [{ tools: ['get'] }, names],
    [{ tools: ['crm__get'] }, ['crm__get', 'crm__fetch']],
    [{ tools: ['crm__fetch'] }, ['crm__fetch']],
    [{ tools: ['*'], upstreams: ['h?'] }, ['hr__get']],
  ]
  for (const [match, covered] of cases) {
    const gateway = await testPlugin(enrichment, { rules: [{ ...RULE, match }] }, options)
    for (const name of names) {
      const { structuredContent } = await gateway.result(name)
      const said = 'enrichment' in (structuredContent as object)
      assert.equal(said, covered.includes(name), `${JSON.stringify(match)} ${name}`)
    }
  }
})

test('a result that is too large to look into is answered as it is, with a warning', async () => {
  const value = { country: 'DE', filling: 'x'.repeat(2000) }
  const options = around(both(value))
  const gateway = await testPlugin(enrichment, { rules: [RULE], maxResult: '1KiB' }, options)
  const result = await gateway.result('demo__get')
  assert.deepEqual(warnings(result), { land: 'TOO_LARGE' })
  assert.deepEqual(result.structuredContent, value)
})

test('denials, failures and questions are passed on untouched', async () => {
  const failure: Outcome = {
    kind: 'failure',
    code: 'UNAVAILABLE',
    message: 'down',
    hint: 'Wait.',
    executed: false,
  }
  const gateway = await testPlugin(
    enrichment,
    { rules: [RULE] },
    around({}, { reply: () => failure }),
  )
  const outcome = await gateway.call('demo__get')
  assert.equal(outcome.kind, 'failure')
})

for (const [title, outputSchema, inside] of [
  ['says nothing', undefined, true],
  ['lets others in', { type: 'object', properties: { country: { type: 'string' } } }, true],
  ['is closed', { type: 'object', additionalProperties: false, properties: {} }, false],
  ['closes what is unevaluated', { type: 'object', unevaluatedProperties: false }, false],
  ['has branches', { type: 'object', anyOf: [{}] }, false],
  ['says what others are', { type: 'object', additionalProperties: { type: 'number' } }, false],
  ['knows that member', { type: 'object', properties: { land: { type: 'number' } } }, false],
] as const) {
  test(`an outputSchema that ${title} ${inside ? 'takes' : 'keeps out'} the value`, async () => {
    const inputSchema = { type: 'object' }
    const tools = [{ name: 'get', inputSchema, ...(outputSchema && { outputSchema }) }]
    const rules = [{ ...RULE, merge: { at: 'result.land' } }]
    const options = around(both({ country: 'DE' }), { tools })
    const result = await (await testPlugin(enrichment, { rules }, options)).result('demo__get')
    if (inside) {
      assert.deepEqual(result, both({ country: 'DE', land: 'Germany' }))
      return
    }
    assert.deepEqual(result.structuredContent, { country: 'DE' })
    assert.deepEqual(texts(result), ['{"country":"DE"}', 'land: Germany'])
    assert.deepEqual(result._meta, { 'patchbay/enrichment': { values: { land: 'Germany' } } })
  })
}

test('a rule that matches no tool is warned about once', async () => {
  const rules = [{ ...RULE, match: { tools: ['nosuch'] } }]
  const gateway = await testPlugin(enrichment, { rules }, around({}))
  await gateway.offer('demo', ['get'])
  assert.deepEqual(
    gateway.logs.map(({ fields, message }) => [fields, message.slice(0, 37)]),
    [[{ rule: 'land' }, 'the rule land matches no tool of any ']],
  )
})

test('operators are told of a failing rule once a minute', async () => {
  const gateway = await testPlugin(enrichment, { rules: [RULE] }, around(both({})))
  for (const ms of [0, 10_000, 50_000]) {
    gateway.clock.advance(ms)
    await gateway.result('demo__get')
  }
  assert.deepEqual(
    gateway.logs.map(({ level, fields }) => [level, fields]),
    Array(2).fill([
      'warn',
      { rule: 'land', code: 'NO_VALUE', reason: 'there is nothing at result.country' },
    ]),
  )
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(enrichment, { folder: import.meta.dirname }))
