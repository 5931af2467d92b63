// Servers that ask and do not wait.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { startWith } from '../../fixtures/gateway.ts'
import { FORM, former, heldServer } from './held-server.ts'

test('a server that asks and answers in one breath is not kept waiting for', async (t) => {
  const server = await heldServer(t)
  const gateway = await startWith(t, {
    upstreams: { up: { url: server.stub.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await former(t, gateway.url, { elicitation: {} })
  client.setRequestHandler(ElicitRequestSchema, () => new Promise(() => {}))
  const going = client.callTool({ name: 'up__write', arguments: {} })
  const call = await server.next()
  call.send({ id: 'asked', ...FORM })
  call.end()
  const got = await Promise.race([going, pause(3000, 'silence')])
  assert.deepEqual((got as { content: unknown }).content, [{ type: 'text', text: 'done' }])
})
