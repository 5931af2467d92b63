import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declared, declaredOnce, declaredShared } from '../../../core/outbound/declared.ts'
import type { Client } from '../../../sdk/index.ts'

const client = (capabilities: Record<string, unknown>): Client => ({
  name: 'c',
  version: '1',
  protocolVersion: '2025-11-25',
  era: 'legacy',
  capabilities,
})

const UI = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app', 'x/y'] } }
const LOUD = {
  elicitation: { url: { more: 1 }, form: {}, made: {} },
  sampling: { tools: {}, made: {} },
  roots: { listChanged: true },
  experimental: { up: { n: 1 } },
  extensions: { ...UI, 'com.example/x': {}, 'io.modelcontextprotocol/tasks': {} },
  tasks: { list: {} },
}

test('what all clients of equal abilities share holds the protocol’s own words and nothing made up', () => {
  const ui = '{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}'
  const elicitation = '{"form":{},"url":{}}'
  assert.equal(
    declaredShared(client(LOUD)),
    `{"elicitation":${elicitation},"sampling":{"tools":{}},"roots":{},"extensions":${ui}}`,
  )
  assert.equal(declaredShared(client({ experimental: { n: 1 }, elicitation: 7 })), '{}')
  assert.equal(declaredShared(client({ elicitation: {} })), '{"elicitation":{}}')
})

test('a session of one’s own, and a request, tell all but tasks', () => {
  for (const text of [declaredOnce(client(LOUD)), declared(client(LOUD))]) {
    assert.match(text, /"made":\{\}/)
    assert.match(text, /com\.example/)
    assert.doesNotMatch(text, /tasks/)
  }
  assert.doesNotMatch(declaredOnce(client(LOUD)), /listChanged/)
})
