import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { Backoff } from '../../../core/outbound/backoff.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

function setUp(random: () => number) {
  const clock = new FakeClock()
  return { clock, backoff: new Backoff({ wheel: new Wheel(clock), random }) }
}

test('delays double from half a second to half a minute', () => {
  const { backoff } = setUp(() => 0.5)
  const delays = Array.from({ length: 9 }, () => backoff.next())
  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('chance makes them a quarter shorter or longer, so that a fleet does not knock at once', () => {
  assert.equal(setUp(() => 0).backoff.next(), 375)
  assert.ok(setUp(() => 0.999).backoff.next() < 625)
})

test('they begin anew after half a minute of health, not after a short one', () => {
  const { clock, backoff } = setUp(() => 0.5)
  backoff.next()
  backoff.next()
  backoff.ready()
  clock.advance(10_000)
  assert.equal(backoff.next(), 2_000)
  backoff.ready()
  clock.advance(30_001)
  assert.equal(backoff.next(), 500)
})
