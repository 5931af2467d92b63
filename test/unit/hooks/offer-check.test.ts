import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../core/hooks/errors.ts'
import type { PluginLine } from '../../../core/hooks/hooks.ts'
import { checkOffers } from '../../../core/hooks/offer-check.ts'

const FIND = { definition: { name: 'find', inputSchema: {} }, call: () => ({ content: [] }) }

function line(id: string, tools: readonly unknown[]): PluginLine {
  return { id, phase: undefined, hooks: { tools: tools as never }, onFailure: 'deny', timeouts: {} }
}

test('a tool that one plugin offers twice is told otherwise than one that two offer', () => {
  assert.deepEqual(checkOffers([line('p', [FIND, FIND])]).map(formatProblem), [
    'plugin p: offers the tool `find` twice. Give one of the two another name, or take it out.',
  ])
  assert.deepEqual(checkOffers([line('p', [FIND]), line('q', [FIND])]).map(formatProblem), [
    'plugin q: offers `find`, and so does plugin p. Give it another name, or take one of the two plugins out.',
  ])
})
