// A member that asks in the middle of a call is answered itself, with what it was called with.
import assert from 'node:assert/strict'
import test from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const QUESTION = {
  ok: {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
  },
}
const ASKS = `import { ask, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'asks', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall({ answers, target }) {
      const params = { mode: 'form', message: 'On ' + target.upstream + '?', requestedSchema: { type: 'object', properties: {} } }
      if (answers.sure === undefined) return ask({ sure: { method: 'elicitation/create', params } })
    },
  }),
})
`

for (const plugins of [[], [{ use: './asks.ts' }]]) {
  const who = plugins.length === 0 ? 'its own question' : 'a guard that asks first'
  test(`the member that was named gets the call, after ${who}`, async (t) => {
    const members = [await stub(t, 'modern'), await stub(t, 'modern')] as const
    const [one, two] = members
    for (const server of members) {
      server.acts['tools/call'] = ({ message: { params } }) =>
        params?.requestState === undefined
          ? { resultType: 'input_required', inputRequests: QUESTION, requestState: 'theirs' }
          : { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }
    }
    const family = { name: 'site', instanceArg: 'place' }
    const gateway = await startWith(
      t,
      {
        upstreams: { one: { url: one.url, family }, two: { url: two.url, family } },
        plugins: [{ use: 'auth-none' }, { use: 'family-routing' }, ...plugins],
      },
      { files: { 'asks.ts': ASKS } },
    )
    await gateway.ready()
    const wire = new Wire(t, gateway.url)
    const call = async (more: object = {}) => {
      const { json } = await wire.modern('tools/call', {
        name: 'site__write',
        arguments: { id: 1, place: 'two' },
        _meta: { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } },
        ...more,
      })
      return json.result
    }
    let result = await call()
    const asked: string[] = []
    while (result.resultType === 'input_required') {
      const { inputRequests, requestState } = result
      asked.push(...Object.values<typeof QUESTION.ok>(inputRequests).map((q) => q.params.message))
      const answers = Object.keys(inputRequests).map((key) => [
        key,
        { action: 'accept', content: {} },
      ])
      result = await call({ requestState, inputResponses: Object.fromEntries(answers) })
    }
    assert.equal(result.content[0].text, 'done')
    assert.deepEqual(asked, plugins.length === 0 ? ['Sure?'] : ['On two?', 'Sure?'])
    assert.deepEqual(one.of('tools/call'), [])
    const sent = two.of('tools/call').map(({ message: { params } }) => params?.arguments)
    assert.deepEqual(sent, [{ id: 1 }, { id: 1 }])
  })
}
