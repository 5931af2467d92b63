import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBus } from '../../../core/services/memory-bus.ts'
import type { Challenge, Event, Filter, Presentation } from '../../../sdk/index.ts'
import { guard, line, rig, settled } from '../kernel/kernel.ts'

// An unheard rejection ends the process: node:test fails the test in which it comes up.
const boom = async (): Promise<never> => {
  throw new Error('boom')
}

test('an observer that rejects is told of once, and ends nothing', async () => {
  const { call, failures } = await rig({ lines: [line('late', { observe: boom })] })
  assert.equal((await call('up__a')).kind, 'result')
  await settled()
  assert.deepEqual(new Set(failures), new Set(['late observe: boom (skipped)']))
})

test('an observer that takes its time is none that failed', async () => {
  const told: Event[] = []
  const observe = async (event: Event) => {
    await settled()
    told.push(event)
  }
  const { call, failures } = await rig({ lines: [line('late', { observe })] })
  await call('up__a')
  await settled()
  await settled()
  assert.deepEqual(failures, [])
  assert.ok(told.some(({ type }) => type === 'call.finished'))
})

test('an onEnd that rejects is a fault, also when the call was over before', async () => {
  let late: ((run: () => void) => void) | undefined
  const { call, faults } = await rig({
    lines: [
      guard('p', {
        beforeCall(one) {
          one.onEnd(boom)
          late = (run) => one.onEnd(run)
        },
      }),
    ],
  })
  assert.equal((await call('up__a')).kind, 'result')
  late?.(boom)
  await settled()
  assert.deepEqual(faults.map(String), ['Error: boom'])
})

test('a filter that promises an answer refuses, and its plugin failed', async () => {
  const test = boom as unknown as Filter['test']
  const filter = line('late', { listFilter: () => ({ key: 'k', test }) })
  const { list, call, failures } = await rig({ lines: [filter], tools: { up: ['a'] } })
  assert.deepEqual(await list(), [])
  const outcome = await call('up__a')
  assert.equal(outcome.kind === 'denial' && outcome.code, 'NOT_FOUND')
  await settled()
  assert.deepEqual(failures, ['late listFilter: returned a promise, and must answer at once'])
})

test('a presentation that promises a list lists nothing', async () => {
  const apply = boom as unknown as Presentation['apply']
  const present = line('late', { present: () => ({ key: 'k', apply }) })
  const { list, failures } = await rig({ lines: [present] })
  await assert.rejects(list(), /late, hook present: returned a promise/)
  await settled()
  assert.equal(failures.length, 1)
})

test('an arrangement that is promised leaves the catalog as it was', async () => {
  const { list, failures } = await rig({ lines: [line('late', { arrange: boom as never })] })
  assert.deepEqual(await list(), [])
  await settled()
  assert.match(failures.join(), /late arrange: returned a promise/)
})

test('a challenge that is promised is left out', async () => {
  const challenge = boom as unknown as () => Challenge
  const { kernel, failures } = await rig({ lines: [line('late', { challenge })] })
  assert.deepEqual(kernel.challenges({} as never, {} as never), [])
  await settled()
  assert.match(failures.join(), /late challenge: returned a promise/)
})

test('a listener of the bus that rejects is told of', async () => {
  const faults: string[] = []
  const { wheel } = await rig()
  const bus = new MemoryBus('r', wheel, (cause, topic) => faults.push(`${topic} ${cause}`))
  bus.subscribe('news', boom)
  bus.publish('news', 1)
  await settled()
  assert.deepEqual(faults, ['news Error: boom'])
})
