import assert from 'node:assert/strict'
import test from 'node:test'
import { checkPlugin, testPlugin } from 'mcp-patchbay/sdk/testing'
import plugin from './index.ts'

test('arguments that are too long are refused and not sent', async () => {
  const gateway = await testPlugin(plugin, { longest: '16B' })
  const denial = await gateway.denied('demo__echo', { text: 'much longer than that' })
  assert.equal(denial.code, 'INVALID')
  assert.equal(denial.rule, 'longest')
  assert.equal(gateway.sent.length, 0)
})

test('others pass', async () => {
  const gateway = await testPlugin(plugin, {})
  await gateway.result('demo__echo', { text: 'short' })
  assert.equal(gateway.sent.length, 1)
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(plugin, { folder: import.meta.dirname }))
