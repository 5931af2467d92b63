import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, Calls, definePlugin, type Outcome } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const question = { method: 'elicitation/create', params: { message: 'Sure?' } } as const

const asks = definePlugin({
  name: 'asks',
  version: '1.0.0',
  phase: 'guard',
  configSchema: nothing,
  setup: () => ({
    beforeCall: ({ entry }) => (entry.name === 'up__b' ? ask({ ok: question }) : undefined),
  }),
})

test('on the way back nobody can be asked, nor from a call inside it', async () => {
  const could: boolean[] = []
  let inner: Outcome | undefined
  const follows = definePlugin({
    name: 'follows',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      beforeCall: (call) => void could.push(call.canAsk('elicitation/create')),
      async afterCall(call) {
        could.push(call.canAsk('elicitation/create'))
        if (call.depth > 0) return undefined
        inner = await calls.call(call.caller, 'up__b', {}, { parent: call })
        return undefined
      },
    }),
  })
  const gateway = await testPlugin(
    follows,
    {},
    {
      client: { capabilities: { elicitation: {} } },
      tools: { up: ['a', 'b'] },
      with: [[asks, {}]],
    },
  )
  assert.equal((await gateway.call('up__a')).kind, 'result')
  assert.deepEqual(could, [true, false, false, false])
  assert.ok(inner?.kind === 'question' && inner.missing !== undefined)
  assert.equal(gateway.told('call.round').length, 0)
  assert.equal(gateway.sent.length, 1)
})
