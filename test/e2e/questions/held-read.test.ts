// Plugins read what servers ask, and what these are answered.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'
import { ADA, ASKABLE, FORM, former, heldServer } from './held-server.ts'

const READER = `
import { definePlugin } from 'mcp-patchbay/sdk'
const seen = (globalThis.heldSeen = [])
export default definePlugin({
  name: 'reader', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate: () => ({ principal: { issuer: 'test', subject: 'ada', claims: {}, scopes: [] } }),
    onMessage: async (_about, message, direction) => {
      seen.push([direction, message.method])
      const { params, result } = message
      if (params?.message === 'Drop?' || result?.content?.name === 'nobody') return null
      if (params !== undefined) return { ...message, params: { ...params, message: 'changed' } }
      return { ...message, result: { ...result, content: { name: 'Grace' } } }
    },
  }),
})
`

test('plugins read each question once and each answer once, and may change or drop them, in both eras', async (t) => {
  const server = await heldServer(t)
  const gateway = await startWith(
    t,
    { upstreams: { up: { url: server.stub.url } }, plugins: [{ use: './reader.ts' }] },
    { files: { 'reader.ts': READER } },
  )
  await gateway.ready()
  const { heldSeen: seen } = globalThis as unknown as { heldSeen: unknown[] }
  const wire = new Wire(t, gateway.url)
  const call = (more: object = {}) =>
    wire.beginModern('tools/call', { name: 'up__write', arguments: {}, _meta: ASKABLE, ...more })
  const first = call()
  const waiting = await server.next()
  const answer = waiting.ask()
  const { result } = (await first.answer).json
  assert.equal(result.inputRequests['question-1'].params.message, 'changed')
  const going = call({
    requestState: result.requestState,
    inputResponses: { 'question-1': ADA, stray: ADA },
  })
  assert.deepEqual((await answer).result, { action: 'accept', content: { name: 'Grace' } })
  waiting.end()
  await going.answer
  assert.deepEqual(seen.splice(0), [
    ['toClient', 'elicitation/create'],
    ['toServer', 'elicitation/create'],
  ])

  const client = await former(t, gateway.url, { elicitation: {} })
  let name = 'Ada'
  const asked: string[] = []
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message)
    return { action: 'accept', content: { name } }
  })
  const calling = client.callTool({ name: 'up__write', arguments: {} })
  const second = await server.next()
  assert.deepEqual((await second.ask()).result, { action: 'accept', content: { name: 'Grace' } })
  second.end()
  assert.deepEqual((await calling).content, [{ type: 'text', text: 'done' }])
  assert.deepEqual(asked, ['changed'])
  assert.equal(seen.splice(0).length, 2)

  const gone = () =>
    new Promise<void>((resolve) => {
      server.stub.acts['notifications/cancelled'] = (_, response) => {
        response.writeHead(202).end()
        resolve()
      }
    })
  name = 'nobody'
  const kept = client.callTool({ name: 'up__write', arguments: {} })
  const third = await server.next()
  let over = gone()
  void third.ask()
  assert.match(JSON.stringify((await kept).content), /kept back what it was answered/)
  await over
  const dropped = client.callTool({ name: 'up__write', arguments: {} })
  const fourth = await server.next()
  over = gone()
  void fourth.ask({ ...FORM, params: { ...FORM.params, message: 'Drop?' } })
  assert.match(JSON.stringify((await dropped).content), /kept back what it asked/)
  await over
  assert.deepEqual(asked, ['changed', 'changed'])
})

test('answers without a state reach a server that gave none, unless a plugin wants to read them', async (t) => {
  for (const plugins of [[{ use: 'auth-none' }], [{ use: './reader.ts' }]]) {
    const server = await stub(t, 'modern')
    const told: unknown[] = []
    server.acts['tools/call'] = ({ message: { params } }) => {
      told.push(params?.inputResponses)
      return { resultType: 'complete', content: [] }
    }
    const gateway = await startWith(
      t,
      { upstreams: { up: { url: server.url } }, plugins },
      { files: { 'reader.ts': READER } },
    )
    await gateway.ready()
    const wire = new Wire(t, gateway.url)
    const params = { name: 'up__write', arguments: {}, _meta: ASKABLE, inputResponses: { a: ADA } }
    assert.equal((await wire.modern('tools/call', params)).status, 200)
    assert.deepEqual(told, plugins[0]?.use === 'auth-none' ? [{ a: ADA }] : [undefined])
  }
})
