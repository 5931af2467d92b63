import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyGuard, applyShape } from '../../../core/kernel/verdict.ts'
import { answer, change } from '../../../sdk/index.ts'

const CALL = { method: 'tools/call', candidates: [], args: {}, retarget() {} } as const

test('a verdict that a guard may not return is told with what it returned', () => {
  const cases: [unknown, string][] = [
    [change({ args: {} }), 'change(…)'],
    [answer({ content: [] }), 'answer(…)'],
    [false, 'false'],
    ['no', 'text'],
    [[], 'a list'],
    [{ kind: 'deny' }, 'an object'],
  ]
  for (const [verdict, noun] of cases) {
    assert.throws(() => applyGuard('p', verdict), {
      message: `a guard may only ask or deny, not return ${noun}`,
    })
  }
})

test('so is one that a shaper may not return', () => {
  assert.throws(() => applyShape(CALL, 'p', true), {
    message: 'a shaper may only change, answer, ask or deny, not return true',
  })
})
