import assert from 'node:assert/strict'
import test from 'node:test'
import { KeptAnswers } from './kept-answers.ts'

const MIB = 1024 * 1024

test('the oldest answers go when there are more than 4 MiB of them', () => {
  const kept = new KeptAnswers(1_000, () => 0)
  for (const name of ['a', 'b', 'c']) kept.set(name, name, 1.5 * MIB)
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => kept.get(name)),
    [undefined, 'b', 'c'],
  )
  // Asked again, an answer takes the place of the one before.
  for (let i = 0; i < 100; i++) kept.set('c', i, 2 * MIB)
  assert.deepEqual([kept.get('b'), kept.get('c')], ['b', 99])
  kept.set('huge', 'huge', 5 * MIB)
  assert.equal(kept.get('huge'), undefined)
})
