import assert from 'node:assert/strict'
import test from 'node:test'
import { Bounded, beginning } from './bounded.ts'

test('so many different values, the first that came, and none that is long', () => {
  const bounded = new Bounded(2)
  assert.deepEqual(
    ['a', 'x'.repeat(257), 'b', 'c', 'a'].map((one) => bounded.of(one)),
    ['a', '_OTHER', 'b', '_OTHER', 'a'],
  )
})

test('a beginning is cut between characters that can stand alone', () => {
  assert.equal(beginning('abc', 3), 'abc')
  assert.equal(beginning('abcd', 3), 'abc')
  // Half of a pair is no text.
  assert.equal(beginning('ab😀', 3), 'ab\u{fffd}')
})
