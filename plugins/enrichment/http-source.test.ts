import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { added, both } from '../../test/fixtures/enriched.ts'
import enrichment from './index.ts'

const HTTP_OPTIONS = { tools: ['get'], egress: ['127.0.0.1'] }

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
    // Not even where the part that is taken would be small.
    [200, `{"name":"x","rest":"${'y'.repeat(2000)}"}`, 'TOO_LARGE'],
    [500, '{"name":"hidden"}', 'SOURCE_FAILED'],
    [302, '{"name":"hidden"}', 'SOURCE_FAILED'],
    [200, '[]', 'NO_VALUE'],
  ]
  for (const [status, body, code] of answers) {
    const { origin } = await site(t, ({ url }, response) => {
      if (url === '/moved') response.end('{"name":"hidden"}')
      else response.writeHead(status, { location: '/moved' }).end(body)
    })
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

test('a rule asks for so many addresses at a time and no more', async (t) => {
  const open: ServerResponse[] = []
  const { origin } = await site(t, (_request, response) => open.push(response))
  const rules = [http(`${origin}/{args.id}`, {}, { merge: { text: true } })]
  const options = { ...HTTP_OPTIONS, reply: () => both({}) }
  const gateway = await testPlugin(enrichment, { rules }, options)
  const calls = Array.from({ length: 65 }, (_one, id) => gateway.result('demo__get', { id }))
  assert.deepEqual(added(await Promise.race(calls)), { owner: 'SOURCE_FAILED' })
  while (open.length < 64) await new Promise(setImmediate)
  for (const response of open) response.end('1')
  const codes = (await Promise.all(calls)).map((result) => JSON.stringify(added(result)))
  assert.equal(codes.filter((code) => code === '{}').length, 64)
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
