import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Wheel } from '../../../../core/hooks/wheel.ts'
import { MetricsStore } from '../../../../core/services/metrics-store.ts'
import { Hub } from '../../../../core/services/workers/hub.ts'
import { WorkerServices } from '../../../../core/services/workers/worker-services.ts'
import { FakeClock } from '../../../../sdk/testing/clock.ts'
import { channelPair } from '../../../fixtures/channel-pair.ts'
import { turns } from './crew.ts'

function scene() {
  const clock = new FakeClock()
  const hub = new Hub(clock, new Wheel(clock))
  let lives = 0
  /** A worker that has counted so many calls. */
  return (slot: number, calls: number) => {
    const { worker: channel, primary } = channelPair()
    const replica = `${slot}.${++lives}`
    const die = hub.join({ slot, replica, pid: lives }, primary)
    const parts = { wheel: new Wheel(clock), fault() {} }
    const services = new WorkerServices({ slot, count: 2, replica, channel }, parts)
    const store = new MetricsStore(() => {})
    services.joinMetrics(store)
    const line = store.line('p')
    line.counter('calls', { description: 'Calls.' }).add(calls)
    line.gauge('open', { description: 'Open.' }).set(calls)
    const read = async () => {
      // The others have to be known of.
      await turns()
      const all = await store.readAll()
      const of = (name: string) =>
        (all.find((one) => one.name === name)?.series ?? []).map(
          (one) => 'value' in one && one.value,
        )
      return { calls: of('calls'), open: of('open'), up: of('patchbay.worker.up') }
    }
    return { die, read }
  }
}

test('what a worker counted that dies goes on counting, once, also while nobody is in its place', async () => {
  const begin = scene()
  const [first, second] = [begin(0, 10), begin(1, 5)]
  assert.deepEqual(await first.read(), { calls: [15], open: [15], up: [1, 1] })
  first.die()
  assert.deepEqual(await second.read(), { calls: [15], open: [5], up: [0, 1] })
  const third = begin(0, 1)
  assert.deepEqual(await second.read(), { calls: [16], open: [6], up: [1, 1] })
  assert.deepEqual(await third.read(), { calls: [16], open: [6], up: [1, 1] })
  third.die()
  const fourth = begin(0, 2)
  assert.deepEqual(await fourth.read(), { calls: [18], open: [7], up: [1, 1] })
})
