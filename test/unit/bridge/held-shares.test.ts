import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldCallStore } from '../../../core/bridge/held-calls.ts'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { MemoryBus } from '../../../core/services/memory-bus.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

const CALL = { resume() {}, cancel() {} }

test('workers together hold as many calls of a principal, and of all, as one process does', () => {
  for (const workers of [1, 2, 5, 64]) {
    const wheel = new Wheel(new FakeClock())
    let held = 0
    let all = 0
    for (let worker = 0; worker < workers; worker++) {
      let ids = 0
      const bus = new MemoryBus(`${worker}`, wheel, () => {})
      const store = new HeldCallStore({ bus, wheel, nextId: () => `${++ids}`, workers })
      const hold = (subject: string) =>
        store.hold(CALL, { issuer: 'i', subject, claims: {}, scopes: [] }) !== undefined
      while (hold('anna')) held++
      for (let n = 0; n < 2_000; n++) if (hold(`user ${n}`)) all++
    }
    // Each worker may hold one.
    assert.ok(held <= Math.max(32, workers), `${held} of one at ${workers} workers`)
    assert.ok(held + all <= 1_024, `${held + all} in all at ${workers} workers`)
    assert.ok(held >= 30)
  }
})
