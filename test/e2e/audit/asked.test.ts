// A call that asks a person is one call: counted once, recorded once, in both eras.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { recordsOf } from './records.ts'

const APPROVAL = `import { ask, definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'approval', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall({ answers: { ok } }) {
      if (ok !== undefined) return ok.action === 'accept' ? undefined : deny('FORBIDDEN', 'no')
      const requestedSchema = { type: 'object', properties: {} }
      return ask({ ok: { method: 'elicitation/create', params: { mode: 'form', message: 'Run it?', requestedSchema } } })
    },
  }),
})
`

test('a call that asks is counted once and recorded once, whatever the era', async (t) => {
  const upstream = await modernUpstream(t)
  const limits = [{ per: ['principal'], calls: 6, window: '1d' }]
  const gateway = await startWith(
    t,
    {
      upstreams: { up: { url: upstream.url } },
      plugins: [
        { use: 'auth-none' },
        { use: 'rate-limit', config: { limits } },
        { use: './approval.ts' },
        { use: 'audit', config: { strict: true } },
      ],
    },
    { files: { 'approval.ts': APPROVAL } },
  )
  await gateway.ready()
  let asked = 0
  for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const client = new Client(
      { name: 'test', version: '1' },
      { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
    )
    t.after(() => client.close())
    client.setRequestHandler('elicitation/create', async () => {
      return ++asked % 3 === 0 ? { action: 'decline' } : { action: 'accept', content: {} }
    })
    await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)))
    for (let n = 0; n < 4; n++)
      await client.callTool({ name: 'up__echo', arguments: { text: 'x' } })
  }
  // The limit lets six through; of these every third is declined.
  assert.equal(asked, 6)
  assert.equal(upstream.tools.calls.length, 4)
  assert.deepEqual(
    recordsOf(gateway).map(({ outcome, code, rounds }) => [outcome, code, rounds]),
    [
      ['ok', undefined, 2],
      ['ok', undefined, 2],
      ['denied', 'FORBIDDEN', 2],
      ['ok', undefined, 2],
      ['ok', undefined, 2],
      ['denied', 'FORBIDDEN', 2],
      ['denied', 'RATE_LIMITED', 1],
      ['denied', 'RATE_LIMITED', 1],
    ],
  )
})
