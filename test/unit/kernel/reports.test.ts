import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Call, type Event, perCall } from '../../../sdk/index.ts'
import { guard, line, rig, shaper } from './kernel.ts'

test('what must be written down is written before the answer leaves', async () => {
  const written: string[] = []
  let write: (() => void) | undefined
  const { call } = await rig({
    lines: [
      line('audit', {
        settle: ({ type }) =>
          new Promise((resolve) => {
            write = () => {
              written.push(type)
              resolve()
            }
          }),
      }),
    ],
    tools: { demo: ['echo'] },
  })
  const outcome = Promise.resolve(call('demo__echo'))
  assert.equal(await Promise.race([outcome, Promise.resolve('waiting')]), 'waiting')
  write?.()
  assert.equal((await outcome).kind, 'result')
  assert.deepEqual(written, ['call.finished'])
})

test('a call that could not be written down keeps its answer back, and says that it was executed', async () => {
  const events: Event[] = []
  const { call, failures } = await rig({
    lines: [
      line('observer', { observe: (event) => void events.push(event) }),
      line('audit', { settle: () => Promise.reject(new Error('disk full')) }),
      line('second', { settle: () => {} }),
    ],
    tools: { demo: ['echo'] },
  })
  const outcome = await call('demo__echo')
  assert.equal(outcome.kind, 'failure')
  assert.deepEqual(
    outcome.kind === 'failure' && [outcome.code, outcome.plugin, outcome.hook, outcome.executed],
    ['PLUGIN_FAILED', 'audit', 'settle', true],
  )
  const finished = events.filter(({ type }) => type === 'call.finished')
  assert.equal(finished.length, 1)
  assert.equal((finished[0] as Extract<Event, { type: 'call.finished' }>).outcome.kind, 'failure')
  assert.match(failures.join(), /audit/)
})

test('onFailure: skip lets the answer leave, and the other auditors are told all the same', async () => {
  let told = 0
  const { call } = await rig({
    lines: [
      line(
        'audit',
        {
          settle() {
            throw new Error('disk full')
          },
        },
        { onFailure: 'skip' },
      ),
      line('second', { settle: () => void told++ }),
    ],
    tools: { demo: ['echo'] },
  })
  assert.equal((await call('demo__echo')).kind, 'result')
  assert.equal(told, 1)
})

test('a list that could not be written down is not answered', async () => {
  const { kernel, caller } = await rig({
    lines: [line('audit', { settle: () => Promise.reject(new Error('disk full')) })],
  })
  await assert.rejects(async () => kernel.listed(caller(), 'tools/list', 0, 'r1'), /audit.*settle/)
})

test('onEnd runs when the call is over however it ended, at once when it is, and a throw harms nobody', async () => {
  const ended: string[] = []
  let kept: Call | undefined
  const { call, faults } = await rig({
    lines: [
      shaper('slot', {
        beforeCall(one) {
          kept = one
          one.onEnd(() => {
            throw new Error('release failed')
          })
          one.onEnd(() => ended.push('released'))
        },
      }),
      guard('no', { beforeCall: () => ({ kind: 'change' }) }),
    ],
    tools: { demo: ['echo'] },
  })
  assert.equal((await call('demo__echo')).kind, 'failure')
  assert.deepEqual(ended, ['released'])
  kept?.onEnd(() => ended.push('at once'))
  assert.deepEqual(ended, ['released', 'at once'])
  assert.equal(faults.length, 1)
})

test('perCall keeps one value per call', async () => {
  let made = 0
  const number = perCall(() => ++made)
  const seen: number[] = []
  const { call } = await rig({
    lines: [
      guard('count', {
        beforeCall: (one) => void seen.push(number(one)),
        afterCall: (one) => void seen.push(number(one)),
      }),
    ],
    tools: { demo: ['echo'] },
  })
  await call('demo__echo')
  await call('demo__echo')
  assert.deepEqual(seen, [1, 1, 2, 2])
})
