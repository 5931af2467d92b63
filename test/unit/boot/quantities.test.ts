import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatQuantity, parseDuration, parseSize } from '../../../core/boot/config/quantities.ts'

test('durations are read as people write them', () => {
  const written: [string | number, number][] = [
    ['500ms', 500],
    ['60s', 60_000],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1.5s', 1_500],
    ['1m500ms', 60_500],
    ['0s', 0],
    ['0', 0],
    [0, 0],
  ]
  for (const [text, ms] of written) assert.equal(parseDuration(text), ms, String(text))
})

test('what is no duration is refused, plain numbers included', () => {
  for (const text of ['', '60', 60, '-1s', '1x', 's', '1s1m', '1 s', '1e3s', '99999999999999d']) {
    assert.equal(parseDuration(text), undefined, String(text))
  }
})

test('sizes are bytes, with decimal and binary units', () => {
  const written: [string | number, number][] = [
    ['512', 512],
    [512, 512],
    ['64KiB', 65_536],
    ['4MiB', 4_194_304],
    ['1GB', 1_000_000_000],
    ['1.5 KiB', 1_536],
  ]
  for (const [text, bytes] of written) assert.equal(parseSize(text), bytes, String(text))
})

test('what is no size is refused', () => {
  for (const text of ['', '4mb', '-1', -1, 1.5, 'KiB', '4 MiB/s']) {
    assert.equal(parseSize(text), undefined, String(text))
  }
})

test('quantities are told in the largest unit that fits', () => {
  assert.equal(formatQuantity('duration', 90_000), '90s')
  assert.equal(formatQuantity('duration', 3_600_000), '1h')
  assert.equal(formatQuantity('size', 4_194_304), '4MiB')
  assert.equal(formatQuantity('size', 0), '0')
})
