import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Strays } from '../../../core/outbound/strays.ts'

test('a cancelled request stands in the way until it is answered, or a minute is over', () => {
  let now = 0
  const strays = new Strays(() => now)
  assert.equal(strays.some, false)
  strays.add(1)
  now = 30_000
  strays.add(2)
  assert.equal(strays.some, true)
  strays.answered(2)
  assert.equal(strays.some, true)
  now = 60_000
  assert.equal(strays.some, false)
  strays.add(3)
  strays.answered(3)
  assert.equal(strays.some, false)
})

test('where more are cancelled than can be told apart, time alone forgets them', () => {
  let now = 0
  const strays = new Strays(() => now)
  for (let id = 0; id < 1_500; id++) strays.add(id)
  for (let id = 0; id < 1_500; id++) strays.answered(id)
  assert.equal(strays.some, true)
  now = 60_000
  assert.equal(strays.some, false)
})
