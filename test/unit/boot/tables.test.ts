import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationInWords, inWords, table } from '../../../core/boot/commands/tables.ts'

test('columns are as wide as their widest cell, and nothing trails', () => {
  assert.deepEqual(
    table([
      ['ID', 'WHAT'],
      ['long-one', ''],
      ['é', 'x'],
    ]),
    ['ID        WHAT', 'long-one', 'é         x'],
  )
})

test('a head without rows is no table', () => {
  assert.deepEqual(table([['ID', 'WHAT']]), [])
})

test('records are a table, with the columns of all of them', () => {
  assert.deepEqual(inWords([{ a: 1 }, { a: null, b: { c: 2 } }]), ['A  B', '1', '   {"c":2}'])
})

test('one record is lines, text is text, anything else is JSON', () => {
  assert.deepEqual(inWords({ a: 1, long: 'x' }), ['a     1', 'long  x'])
  assert.deepEqual(inWords('one\ntwo'), ['one', 'two'])
  assert.deepEqual(inWords([1, [2]]), ['1', '[2]'])
  assert.deepEqual(inWords([]), [])
})

test('a duration is said in its two largest units', () => {
  assert.equal(durationInWords(999), '0s')
  assert.equal(durationInWords(61_500), '1m 1s')
  assert.equal(durationInWords(90_061_000), '1d 1h')
  assert.equal(durationInWords(3_600_000), '1h 0m')
})
