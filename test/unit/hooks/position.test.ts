import assert from 'node:assert/strict'
import { test } from 'node:test'
import { positionIn, positionOf } from '../../../core/hooks/position.ts'

test('the position of an error is the first place in its stack that is not the gateway’s own', () => {
  const core = new URL('../../../core/hooks/setup.ts', import.meta.url).href
  const stack = `TypeError: no
    at Object.first (${core}:1:2)
    at setup (file:///plugins/a%20b.ts:3:4)
    at node:internal/modules/run_main:1:1`
  assert.equal(positionIn(stack), '/plugins/a b.ts:3:4')
  assert.equal(positionIn('Error: x\n    at require (/x/y.js:5:6)'), '/x/y.js:5:6')
  assert.match(positionOf(new Error('here')) ?? '', /position\.test\.ts:\d+:\d+$/)
})

test('the position of what could not be parsed is its line and the mark below it', () => {
  const stack = `file:///x/bad.ts:4
  a: 1
  b: 2
  ^

SyntaxError: Expected ','
    at parse (node:internal/x:1:1)`
  assert.equal(positionIn(stack), '/x/bad.ts:4:3')
})

test('what has no stack has no position', () => {
  for (const cause of [undefined, null, 'text', {}, { stack: 3 }, { stack: 'x' }]) {
    assert.equal(positionOf(cause), undefined)
  }
})
