// Clients of the official SDK check a result against the tool's outputSchema: enrichment must not break it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENTS } from '../../fixtures/clients.ts'
import { answers, both, desk } from './desk.ts'

const TEAM = {
  name: 'team',
  match: { tools: ['tickets__get'] },
  table: { key: 'principal.claims.team', rows: { blue: 'Blue team' } },
  merge: { at: 'result.team' },
}
const ID = { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] }

for (const [title, { era, connect }] of Object.entries(CLIENTS)) {
  test(`a closed outputSchema is kept to, and an open one is made use of (${title})`, async (t) => {
    for (const [schema, inside] of [
      [{ ...ID, additionalProperties: false }, false],
      [ID, true],
    ] as const) {
      const { gateway, tickets } = await desk(t, era as 'legacy' | 'modern', [TEAM], schema)
      answers(tickets, () => both('{"id":1}'))
      const client = await connect(t, gateway.url)
      assert.ok((await client.list()).includes('tickets__get'))
      const { structuredContent, content, _meta } = await client.call('tickets__get')
      const meta = (_meta as Record<string, unknown> | undefined)?.['patchbay/enrichment']
      if (inside) {
        assert.deepEqual(structuredContent, { id: 1, team: 'Blue team' })
        assert.deepEqual(content, [{ type: 'text', text: '{"id":1,"team":"Blue team"}' }])
        assert.equal(meta, undefined)
      } else {
        assert.deepEqual(structuredContent, { id: 1 })
        assert.deepEqual(
          content.map(({ text }) => text),
          ['{"id":1}', 'team: Blue team'],
        )
        assert.deepEqual(meta, { values: { team: 'Blue team' } })
      }
    }
  })
}
