import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PausedOutcome } from '../../../core/kernel/paused-call.ts'
import type { CallRequest } from '../../../core/kernel/ports.ts'
import { ask, type Outcome } from '../../../sdk/index.ts'
import { callRequest } from '../../../sdk/testing/request.ts'
import { guard, line, rig } from './kernel.ts'

const question = { method: 'elicitation/create', params: { message: 'Sure?' } } as const
const asks = guard('asks', {
  beforeCall: ({ answers }) => (answers.ok === undefined ? ask({ ok: question }) : undefined),
})
const client = { capabilities: { elicitation: {} } }
const yes = { 'asks/ok': { action: 'accept' } }

/** A tool and a prompt of one name. */
const twins = line('twins', {
  tools: [
    {
      definition: { name: 'same', inputSchema: { type: 'object' } },
      call: () => ({ content: [] }),
    },
  ],
  prompts: [{ definition: { name: 'same' }, call: () => ({ messages: [] }) }],
})

/** Asks with one request, and comes back with another. */
async function answered(
  first: CallRequest['method'],
  then: CallRequest['method'],
  wait = 0,
): Promise<Outcome> {
  // Nobody observes: then nobody but the state itself knows how old it is.
  const { kernel, caller, clock, exchange } = await rig({ lines: [asks, twins] })
  const who = caller({ client })
  const asked = await kernel.call(callRequest('1', 'same', {}, {}, {}, first), who, exchange())
  assert.ok(asked instanceof PausedOutcome)
  clock.advance(wait)
  const retry = { state: asked.state, responses: yes }
  return kernel.call(callRequest('2', 'same', {}, {}, retry, then), who, exchange())
}

test('a state is good for the method it was given for, also where another has an entry of that name', async () => {
  assert.equal((await answered('tools/call', 'tools/call')).kind, 'result')
  assert.equal((await answered('prompts/get', 'prompts/get')).kind, 'result')
  for (const [first, then] of [
    ['prompts/get', 'tools/call'],
    ['tools/call', 'prompts/get'],
  ] as const) {
    const outcome = await answered(first, then)
    assert.equal(outcome.kind === 'denial' && outcome.code, 'INVALID')
  }
})

test('a state is good for ten minutes, whoever looks on', async () => {
  assert.equal((await answered('tools/call', 'tools/call', 10 * 60_000 - 1)).kind, 'result')
  const late = await answered('tools/call', 'tools/call', 10 * 60_000)
  assert.equal(late.kind === 'denial' && late.code, 'INVALID')
})
