import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HookError } from '../../../core/hooks/errors.ts'
import { ask } from '../../../sdk/index.ts'
import { line, rig } from './kernel.ts'

const question = ask({ a: { method: 'roots/list', params: {} } })

test('a question to nobody is a failure of the plugin, whatever the gateway is about to do', async () => {
  const asking = line('asking', { credentials: () => question, refused: async () => question })
  const { kernel, failures } = await rig({ lines: [asking] })
  for (const purpose of ['discover', 'listen'] as const) {
    const query = { upstream: 'up', purpose }
    assert.throws(() => kernel.vault.credentials(query), HookError)
    await assert.rejects(async () => kernel.vault.refused(query, 401, undefined), HookError)
  }
  assert.equal(failures.length, 4)
  assert.match(failures[0] ?? '', /asking credentials: returned something/)
})

test('headers that cannot stand in a request fail their plugin, and nothing is sent', async () => {
  for (const headers of [
    { authorization: 7 },
    { authorization: 'Bearer a\r\nx-other: b' },
    { 'not a name': 'x' },
    { authorization: 'Bearer ключ' },
  ]) {
    const { call, servers, failures } = await rig({
      tools: { up: ['a'] },
      lines: [line('keys', { credentials: () => ({ headers: headers as never }) })],
    })
    const outcome = await call('up__a')
    assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
    assert.equal(servers.sent.length, 0)
    assert.match(failures.join(), /keys credentials: returned something/)
  }
})
