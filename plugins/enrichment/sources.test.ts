import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { definePlugin, deny } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import enrichment from './index.ts'

type Result = Readonly<Record<string, unknown>>

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const
const HTTP_OPTIONS = { tools: ['get'], egress: ['127.0.0.1'] }

function both(value: unknown): Record<string, unknown> {
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value }
}

/** What stands under `enrichment`, or the code of the warning, by rule. */
function added(result: Result): unknown {
  const meta = result._meta as Record<string, { warnings?: { rule: string; code: string }[] }>
  const told = meta?.['patchbay/enrichment']?.warnings ?? []
  const warnings = Object.fromEntries(told.map(({ rule, code }) => [rule, code]))
  return { ...(result.structuredContent as { enrichment?: object }).enrichment, ...warnings }
}

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

/** An HTTP server that answers as told. @returns its origin and what was asked */
async function site(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ origin: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const http = (url: string, more: object = {}, rule: object = {}) => ({
  name: 'owner',
  match: { tools: ['get'] },
  http: { url, ...more },
  ...rule,
})

test('an address is asked with percent-encoded values and the headers of the rule', async (t) => {
  const keys: unknown[] = []
  const { origin, asked } = await site(t, (request, response) => {
    keys.push(request.headers['x-key'])
    response.end('{"data":{"name":"Ada"}}')
  })
  const url = `${origin}/people/{result.id}?as={principal.subject}`
  const rule = http(url, { headers: { 'X-Key': 'sesame-1' } }, { take: 'answer.data' })
  const reply = () => both({ id: 'a/../b?x=1#&\u00e9 ' })
  const gateway = await testPlugin(enrichment, { rules: [rule] }, { ...HTTP_OPTIONS, reply })
  assert.deepEqual(added(await gateway.result('demo__get')), { owner: { name: 'Ada' } })
  assert.deepEqual(asked, ['/people/a%2F..%2Fb%3Fx%3D1%23%26%C3%A9%20?as=anna'])
  assert.deepEqual(keys, ['sesame-1'])
})

test('a value that would lead to another address is none', async (t) => {
  const { origin, asked } = await site(t, (_request, response) => response.end('{}'))
  const values = ['.', '..', '', null, [1], {}, '\ud800', 'x'.repeat(9000)]
  for (const id of values) {
    const rule = http(`${origin}/people/{result.id}`)
    const reply = () => both({ id })
    const gateway = await testPlugin(enrichment, { rules: [rule] }, { ...HTTP_OPTIONS, reply })
    assert.deepEqual(added(await gateway.result('demo__get')), { owner: 'NO_VALUE' })
  }
  const parts = http(`${origin}/people/.{result.id}`)
  const reply = () => both({ id: '.' })
  const gateway = await testPlugin(enrichment, { rules: [parts] }, { ...HTTP_OPTIONS, reply })
  assert.deepEqual(added(await gateway.result('demo__get')), { owner: 'NO_VALUE' })
  assert.deepEqual(asked, [])
})

test('an address that fails is a warning that tells nothing of it', async (t) => {
  const answers: [number, string, string][] = [
    [500, 'the hidden words', 'SOURCE_FAILED'],
    [302, 'the hidden words', 'SOURCE_FAILED'],
    [404, 'the hidden words', 'NO_VALUE'],
    [200, 'the hidden words', 'SOURCE_FAILED'],
    [200, `{"name":"${'the hidden words'.repeat(200)}"}`, 'TOO_LARGE'],
    [200, '[]', 'NO_VALUE'],
  ]
  for (const [status, body, code] of answers) {
    const { origin } = await site(t, (_request, response) =>
      response.writeHead(status, { location: '/x' }).end(body),
    )
    const rule = http(`${origin}/x`, {}, { take: 'answer.name', maxBytes: '1KiB' })
    const options = { ...HTTP_OPTIONS, reply: () => both({}) }
    const gateway = await testPlugin(enrichment, { rules: [rule] }, options)
    const result = await gateway.result('demo__get')
    assert.deepEqual(added(result), { owner: code }, `${status} ${body.slice(0, 9)}`)
    assert.ok(!JSON.stringify(result).includes('hidden'))
  }
})

test('an address inside is refused unless the operator allows it', async () => {
  const options = { tools: ['get'], reply: () => both({}) }
  const rules = [http('http://127.0.0.1:1/x')]
  const gateway = await testPlugin(enrichment, { rules }, options)
  assert.deepEqual(added(await gateway.result('demo__get')), { owner: 'SOURCE_FAILED' })
  assert.match(JSON.stringify(gateway.logs), /egress/)
})

test('an answer serves all who ask for the same address, for as long as the rule says', async (t) => {
  let n = 0
  const { origin, asked } = await site(t, (_request, response) => response.end(`{"n":${++n}}`))
  const rules = [http(`${origin}/{args.id}`, { keep: '10s' }, { take: 'answer.n' })]
  const options = { ...HTTP_OPTIONS, reply: () => both({}) }
  const gateway = await testPlugin(enrichment, { rules }, options)
  const of = async (id: number) => added(await gateway.result('demo__get', { id }))
  assert.deepEqual(await Promise.all([of(1), of(1), of(1)]), Array(3).fill({ owner: 1 }))
  assert.deepEqual(await of(2), { owner: 2 })
  gateway.clock.advance(9_999)
  assert.deepEqual(await of(1), { owner: 1 })
  gateway.clock.advance(1)
  assert.deepEqual(await of(1), { owner: 3 })
  assert.deepEqual(asked, ['/1', '/2', '/1'])
})

test('an answer is not kept where the rule or the answer says so', async (t) => {
  for (const [keep, terms, times] of [
    ['0', '', 2],
    ['10s', 'no-store', 2],
    ['10s', 'max-age=5, private', 2],
    ['10s', 'max-age=5', 1],
  ] as const) {
    const { origin, asked } = await site(t, (_request, response) =>
      response.writeHead(200, terms === '' ? {} : { 'cache-control': terms }).end('1'),
    )
    const options = { ...HTTP_OPTIONS, reply: () => both({}) }
    const gateway = await testPlugin(enrichment, { rules: [http(`${origin}/`, { keep })] }, options)
    await gateway.result('demo__get')
    await gateway.result('demo__get')
    assert.equal(asked.length, times, `${keep} ${terms}`)
  }
})

test('numbers that JavaScript cannot hold pass as they are, or not at all', async (t) => {
  const big = '9007199254740993'
  const { origin, asked } = await site(t, (_request, response) =>
    response.end(`{"n":12345678901234567890,"half":1.50}`),
  )
  const rules = [http(`${origin}/{result.id}`)]
  const text = `{"id":${big},"price":1.10}`
  const content = [{ type: 'text', text }]
  const told = { ...HTTP_OPTIONS, reply: () => ({ content }) }
  const gateway = await testPlugin(enrichment, { rules }, told)
  assert.deepEqual((await gateway.result('demo__get')).content, [
    {
      type: 'text',
      text: `{"id":${big},"price":1.10,"enrichment":{"owner":{"n":12345678901234567890,"half":1.5}}}`,
    },
  ])
  assert.deepEqual(asked, [`/${big}`])

  // Without the text there is no telling which digits it had.
  const lossy = { ...HTTP_OPTIONS, reply: () => ({ ...both(JSON.parse(text)), content: [] }) }
  const blind = await testPlugin(enrichment, { rules }, lossy)
  assert.deepEqual(added(await blind.result('demo__get')), { owner: 'INEXACT' })
  const args = { id: Number(big) }
  const sent = [http(`${origin}/{args.id}`)]
  const other = await testPlugin(enrichment, { rules: sent }, lossy)
  assert.deepEqual(added(await other.result('demo__get', args)), { owner: 'INEXACT' })
})
