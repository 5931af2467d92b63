import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Callers } from '../../../core/kernel/caller.ts'

const principal = { issuer: 'test', subject: 'anna', claims: {}, scopes: [] }
const client = () => ({
  name: 'c',
  version: '1',
  protocolVersion: '2026-07-28',
  era: 'modern' as const,
  capabilities: {},
})

test('equal clients of a principal on a path are one caller', () => {
  const callers = new Callers()
  const key = 'x'.repeat(4_096)
  const first = callers.get(principal, '/mcp', key, client)
  assert.equal(callers.get(principal, '/mcp', key, client), first)
  assert.notEqual(callers.get(principal, '/mcp/dev', key, client), first)
  assert.notEqual(callers.get({ ...principal }, '/mcp', key, client), first)
})

test('a client that says more about itself than 4,096 characters is served and not remembered', () => {
  const callers = new Callers()
  const key = 'x'.repeat(4_097)
  const first = callers.get(principal, '/mcp', key, client)
  assert.deepEqual(first, { principal, client: client(), path: '/mcp' })
  assert.notEqual(callers.get(principal, '/mcp', key, client), first)
})

test('only the newest 64 clients of a principal are remembered', () => {
  const callers = new Callers()
  const all = Array.from({ length: 65 }, (_, i) => callers.get(principal, '/mcp', `${i}`, client))
  assert.equal(callers.get(principal, '/mcp', '1', client), all[1])
  assert.notEqual(callers.get(principal, '/mcp', '0', client), all[0])
})
