// Arguments so deep that nothing here can write them down.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startWith } from '../../fixtures/gateway.ts'
import { Wire } from '../wire/wire.ts'
import { ASKABLE, FORM, heldServer } from './held-server.ts'

const READER = `
import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'reader', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ onMessage: async () => undefined }),
})
`
for (const plugins of [[], [{ use: './reader.ts' }]]) {
  test(`a call too deep to be paused ends when its server asks (${plugins.length} plugins)`, async (t) => {
    const server = await heldServer(t)
    const gateway = await startWith(
      t,
      { upstreams: { up: { url: server.stub.url } }, plugins: [{ use: 'auth-none' }, ...plugins] },
      { files: { 'reader.ts': READER } },
    )
    await gateway.ready()
    const wire = new Wire(t, gateway.url)
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', ...ASKABLE }
    const params = `{"name":"up__write","arguments":{"a":${deep}},"_meta":${JSON.stringify(meta)}}`
    const sent = wire.begin(
      'POST',
      {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'up__write',
      },
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`,
    )
    const waiting = await server.next()
    void waiting.ask(FORM)
    assert.match((await sent.answer).text, /its call cannot be paused/)
    while (server.cancelled.length === 0) await pause(5)
  })
}
