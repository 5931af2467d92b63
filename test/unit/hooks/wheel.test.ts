import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

function setUp() {
  const clock = new FakeClock()
  const rung: string[] = []
  let running = 0
  const wheel = new Wheel({
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    every(ms, run) {
      running++
      const stop = clock.every(ms, run)
      return () => {
        running--
        stop()
      }
    },
  })
  return { clock, wheel, rung, running: () => running }
}

test('an alarm rings once, up to a tick late, and never early', () => {
  const { clock, wheel, rung } = setUp()
  wheel.after(1_000, () => rung.push('a'))
  clock.advance(999)
  assert.deepEqual(rung, [])
  clock.advance(250)
  assert.deepEqual(rung, ['a'])
  clock.advance(10_000)
  assert.deepEqual(rung, ['a'])
})

test('an alarm that is removed does not ring, and one whose deadline moves rings then', () => {
  const { clock, wheel, rung } = setUp()
  wheel.remove(wheel.after(500, () => rung.push('removed')))
  const alarm = wheel.after(500, () => rung.push('moved'))
  alarm.deadline = 2_000
  clock.advance(1_750)
  assert.deepEqual(rung, [])
  clock.advance(500)
  assert.deepEqual(rung, ['moved'])
})

test('there is one interval for all alarms, and none for none', () => {
  const { clock, wheel, running } = setUp()
  assert.equal(running(), 0)
  wheel.after(100, () => {})
  wheel.after(100, () => {})
  assert.equal(running(), 1)
  clock.advance(500)
  assert.equal(running(), 0)
  wheel.after(100, () => {})
  assert.equal(running(), 1)
  wheel.close()
  wheel.after(100, () => {})
  assert.equal(running(), 0)
})

test('limit settles like its promise, or rejects when the time is over', async () => {
  const { clock, wheel, running } = setUp()
  const late = () => new Error('late')
  assert.equal(await wheel.limit(Promise.resolve(7), 100, late), 7)
  await assert.rejects(wheel.limit(Promise.reject(new Error('own')), 100, late), /own/)
  const hanging = wheel.limit(new Promise(() => {}), 100, late)
  clock.advance(250)
  await assert.rejects(hanging, /late/)
  clock.advance(250)
  assert.equal(running(), 0)
})
