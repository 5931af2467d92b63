import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls, definePlugin, type Outcome } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const object = { type: 'object' } as const
const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** Offers `mine`, which returns this. */
const offering = (value: unknown) =>
  definePlugin({
    name: 'odd',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      tools: [{ definition: { name: 'mine', inputSchema: object }, call: () => value as Outcome }],
    }),
  })

/** Makes this of every outcome. */
const returning = (value: unknown) =>
  definePlugin({
    name: 'odd',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => ({ afterCall: () => value as Outcome }),
  })

for (const value of [
  { kind: 'result' },
  { kind: 'denial', code: 'MAYBE', message: 'm', hint: 'h' },
  { kind: 'failure' },
  { kind: 'question', questions: {} },
  { kind: 'cancelled', reason: 'nobody did' },
]) {
  test(`an offered tool that returns ${JSON.stringify(value)} has failed`, async () => {
    const gateway = await testPlugin(offering(value), {})
    const outcome = await gateway.call('mine')
    assert.equal(outcome.kind === 'failure' && outcome.hook, 'tools')
  })
}

for (const value of [{ kind: 'result' }, { kind: 'failure' }, { kind: 'denial', code: 'MAYBE' }]) {
  test(`an afterCall that returns ${JSON.stringify(value)} has failed`, async () => {
    const gateway = await testPlugin(returning(value), {}, { tools: { up: ['a'] } })
    const outcome = await gateway.call('up__a')
    assert.equal(outcome.kind === 'failure' && outcome.hook, 'afterCall')
    assert.equal(outcome.executed, true)
  })
}

test('a plugin that can run dry lists from inside with the options it gives', async () => {
  const plugin = definePlugin({
    name: 'kinds',
    version: '1.0.0',
    phase: 'guard',
    shadow: true,
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      prompts: [{ definition: { name: 'hello' }, call: () => ({ messages: [] }) }],
      tools: [
        {
          definition: { name: 'prompts', inputSchema: object },
          async call({ caller }) {
            const all = await calls.list(caller, { kinds: ['prompt'] })
            return { content: all.map(({ name }) => ({ type: 'text', text: name })) }
          },
        },
      ],
    }),
  })
  const gateway = await testPlugin(plugin, {}, { tools: { up: ['a'] } })
  assert.deepEqual(await gateway.result('prompts'), { content: [{ type: 'text', text: 'hello' }] })
})
