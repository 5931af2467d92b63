import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ask, type Event } from '../../../sdk/index.ts'
import { callRequest } from '../../../sdk/testing/request.ts'
import { guard, line, rig, settled } from './kernel.ts'

const EXPIRED = 11 * 60_000
const question = { method: 'elicitation/create', params: { message: 'Sure?' } } as const
const asks = guard('asks', { beforeCall: () => ask({ ok: question }) })

const ends = (events: readonly Event[]) =>
  events.flatMap((event) => (event.type === 'call.finished' ? event.outcome.kind : []))

test('a question that could not be written down ends its call, once', async () => {
  const events: Event[] = []
  const audit = line('audit', {
    settle({ type }) {
      if (type === 'call.round') throw new Error('disk full')
    },
    observe: (event) => void events.push(event),
  })
  const { kernel, caller, clock, exchange } = await rig({ lines: [asks, audit] })
  const who = caller({ client: { capabilities: { elicitation: {} } } })
  const outcome = await kernel.call(callRequest('1', 'up__a', {}, {}), who, exchange())
  assert.equal(outcome.kind, 'failure')
  clock.advance(EXPIRED)
  await settled()
  assert.deepEqual(ends(events), ['failure'])
})

test('a call that waits for an answer holds neither its body nor its connection', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const events: Event[] = []
  const observer = line('observer', { observe: (event) => void events.push(event) })
  const { kernel, caller, clock, exchange } = await rig({ lines: [asks, observer] })
  const pause = async () => {
    const side = exchange()
    const request = callRequest('1', 'up__a', { pad: 'x' }, {})
    const who = caller({ client: { capabilities: { elicitation: {} } } })
    assert.equal((await kernel.call(request, who, side)).kind, 'question')
    events.length = 0
    return [new WeakRef(side), new WeakRef(request)]
  }
  const held = await pause()
  for (let i = 0; i < 3; i++) {
    await settled()
    gc()
  }
  assert.deepEqual(
    held.map((one) => one.deref()),
    [undefined, undefined],
  )
  clock.advance(EXPIRED)
  await settled()
  assert.deepEqual(ends(events), ['cancelled'])
})
