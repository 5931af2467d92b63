import assert from 'node:assert/strict'
import test from 'node:test'
import { change, definePlugin } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { both } from '../../test/fixtures/enriched.ts'
import enrichment from './index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** Makes one entry of all, and sends a call where its argument `to` says. */
const merger = definePlugin({
  name: 'merger',
  version: '1.0.0',
  phase: 'shape',
  configSchema: EMPTY,
  setup: () => ({
    arrange(entries) {
      const [first] = entries
      const targets = entries.flatMap((entry) => entry.targets)
      return first === undefined ? [] : [{ ...first, name: 'get', targets }]
    },
    beforeCall({ args, candidates }) {
      const target = candidates.find(({ upstream }) => upstream === args.to)
      return target && change({ target })
    },
  }),
})

const rule = (name: string, match: object) => ({
  name,
  match,
  table: { key: 'principal.subject', rows: { anna: 'yes' } },
})

test('of an entry with several targets those rules apply that are for where the call went', async () => {
  const rules = [
    rule('all', { tools: ['get'] }),
    rule('a', { tools: ['*'], upstreams: ['a'] }),
    rule('own', { tools: ['b__fetch'] }),
  ]
  const gateway = await testPlugin(
    enrichment,
    { rules },
    { tools: { a: ['read'], b: ['fetch'] }, with: [[merger]], reply: () => both({}) },
  )
  const said = async (to: string) => {
    const { structuredContent } = await gateway.result('get', { to })
    return Object.keys((structuredContent as { enrichment: object }).enrichment)
  }
  assert.deepEqual(await said('a'), ['all', 'a'])
  assert.deepEqual(await said('b'), ['all', 'own'])
  assert.deepEqual(await said('a'), ['all', 'a'])
})

test('an answer of a plugin in the place of an upstream is enriched like any other', async () => {
  const answering = definePlugin({
    name: 'answering',
    version: '1.0.0',
    phase: 'shape',
    configSchema: EMPTY,
    setup: () => ({ beforeCall: () => ({ kind: 'answer', result: both({ id: 1 }) }) }),
  })
  const gateway = await testPlugin(
    enrichment,
    { rules: [rule('all', { tools: ['demo__get'] })] },
    { tools: ['get'], with: [[answering]] },
  )
  const { structuredContent } = await gateway.result('demo__get')
  assert.deepEqual(structuredContent, { id: 1, enrichment: { all: 'yes' } })
  assert.deepEqual(gateway.sent, [])
})
