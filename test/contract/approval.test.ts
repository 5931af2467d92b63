import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, definePlugin, deny, type Outcome } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

/** A person must agree to a call, with exactly these arguments. */
const approval = definePlugin({
  name: 'approval',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall(call) {
      const { decision } = call.answers
      if (decision?.action === 'accept') return undefined
      if (decision !== undefined) return deny('FORBIDDEN', 'the person did not agree')
      if (!call.canAsk('elicitation/create')) {
        return deny('FORBIDDEN', 'this call needs a person, and nobody can be asked')
      }
      const message = `Run ${call.entry.name} with ${JSON.stringify(call.args)}?`
      const requestedSchema = { type: 'object', properties: {} }
      return ask({
        decision: {
          method: 'elicitation/create',
          params: { mode: 'form', message, requestedSchema },
        },
      })
    },
  }),
})

/** Counts calls, not rounds. */
const counter = (seen: string[]) =>
  definePlugin({
    name: 'counter',
    version: '1.0.0',
    phase: 'guard',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      beforeCall(call) {
        if (call.first) seen.push(call.id)
      },
    }),
  })

const asking = { client: { capabilities: { elicitation: {} } } }
const yes = { decision: { action: 'accept', content: {} } }

function code(outcome: Outcome): string {
  return outcome.kind === 'denial' || outcome.kind === 'failure' ? outcome.code : outcome.kind
}

test('an approved call is sent, once, with what was approved', async () => {
  const gateway = await testPlugin(approval, {}, asking)
  const question = await gateway.call('demo__echo', { to: 'anna' })
  assert.equal(question.kind, 'question')
  assert.deepEqual(Object.keys(question.kind === 'question' ? question.questions : {}), [
    'approval/decision',
  ])
  assert.equal(gateway.sent.length, 0)
  assert.equal((await gateway.answer(question, yes)).kind, 'result')
  assert.deepEqual(
    gateway.sent.map(({ args }) => args),
    [{ to: 'anna' }],
  )
})

test('a spent state runs nothing', async () => {
  const gateway = await testPlugin(approval, {}, asking)
  const question = await gateway.call('demo__echo')
  await gateway.answer(question, yes)
  assert.equal(code(await gateway.answer(question, yes)), 'INVALID')
  assert.equal(gateway.sent.length, 1)
})

test('another principal, other arguments, another tool or another path cannot use the answer', async () => {
  const gateway = await testPlugin(approval, {}, { ...asking, tools: ['echo', 'delete'] })
  for (const other of [
    { caller: { ...asking, principal: { subject: 'mallory' } } },
    { caller: { ...asking, principal: { issuer: 'elsewhere' } } },
    { args: { to: 'mallory' } },
    { name: 'demo__delete' },
    { caller: { ...asking, path: '/mcp/other' } },
  ]) {
    const question = await gateway.call('demo__echo', { to: 'anna' })
    assert.equal(code(await gateway.answer(question, yes, other)), 'INVALID')
  }
  assert.equal(gateway.sent.length, 0)
})

test('an answer that comes too late runs nothing', async () => {
  const gateway = await testPlugin(approval, {}, asking)
  const question = await gateway.call('demo__echo')
  gateway.clock.advance(10 * 60_000)
  assert.equal(code(await gateway.answer(question, yes)), 'INVALID')
  assert.equal(gateway.sent.length, 0)
})

test('a declined call is denied; a missing answer is asked for again', async () => {
  const gateway = await testPlugin(approval, {}, asking)
  const question = await gateway.call('demo__echo')
  const again = await gateway.answer(question, {})
  assert.equal(again.kind, 'question')
  const declined = await gateway.answer(again, { decision: { action: 'decline' } })
  assert.equal(code(declined), 'FORBIDDEN')
  assert.equal(gateway.sent.length, 0)
})

test('where nobody can be asked, nothing runs', async () => {
  for (const client of [
    { capabilities: {} },
    { era: 'legacy', capabilities: { roots: {} } } as const,
  ]) {
    const gateway = await testPlugin(approval, {}, { client })
    assert.equal((await gateway.denied('demo__echo')).code, 'FORBIDDEN')
    assert.equal(gateway.sent.length, 0)
  }
})

test('two guards ask one after the other, and each gets its own answers only', async () => {
  const second = definePlugin({ ...approval, name: 'second' })
  const gateway = await testPlugin(approval, {}, { ...asking, with: [[second, {}]] })
  const first = await gateway.call('demo__echo')
  const next = await gateway.answer(first, yes)
  assert.deepEqual(Object.keys(next.kind === 'question' ? next.questions : {}), ['second/decision'])
  assert.equal((await gateway.answer(next, yes)).kind, 'result')
  assert.equal(gateway.sent.length, 1)
})

test('what counts calls counts once over all rounds, wherever it stands', async () => {
  for (const place of ['before', 'with'] as const) {
    const seen: string[] = []
    const gateway = await testPlugin(approval, {}, { ...asking, [place]: [[counter(seen), {}]] })
    await gateway.answer(await gateway.call('demo__echo'), yes)
    assert.equal(seen.length, 1)
  }
})

test('when a shaper changes its mind between the rounds, the guards ask again', async () => {
  let city = 'Rome'
  const shaper = definePlugin({
    name: 'shaper',
    version: '1.0.0',
    phase: 'shape',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({ beforeCall: (call) => ({ kind: 'change', args: { ...call.args, city } }) }),
  })
  const gateway = await testPlugin(approval, {}, { ...asking, before: [[shaper, {}]] })
  const question = await gateway.call('demo__echo')
  city = 'Oslo'
  const again = await gateway.answer(question, yes)
  assert.match(JSON.stringify(again.kind === 'question' && again.questions), /Oslo/)
  assert.equal(gateway.sent.length, 0)
  await gateway.answer(again, yes)
  assert.deepEqual(
    gateway.sent.map(({ args }) => args),
    [{ city: 'Oslo' }],
  )
})

test('a call that never stops asking ends', async () => {
  const endless = definePlugin({
    ...approval,
    setup: () => ({
      beforeCall: () =>
        ask({ more: { method: 'elicitation/create', params: { message: 'More?' } } }),
    }),
  })
  const gateway = await testPlugin(endless, {}, asking)
  let outcome = await gateway.call('demo__echo')
  let rounds = 1
  while (outcome.kind === 'question') {
    outcome = await gateway.answer(outcome, { more: { action: 'accept' } })
    rounds++
  }
  assert.equal(code(outcome), 'INVALID')
  assert.equal(rounds, 8)
})

test('a call is reported once: when it ends, or when nobody comes back', async () => {
  const gateway = await testPlugin(approval, {}, asking)
  const finished = () => gateway.events.filter(({ type }) => type === 'call.finished')
  const question = await gateway.call('demo__echo')
  assert.equal(finished().length, 0)
  assert.equal(gateway.events.filter(({ type }) => type === 'call.round').length, 1)
  await gateway.answer(question, yes)
  gateway.clock.advance(11 * 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(finished().length, 1)
  await gateway.call('demo__echo')
  gateway.clock.advance(11 * 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  const [, abandoned] = finished()
  assert.equal(abandoned?.type === 'call.finished' && abandoned.outcome.kind, 'cancelled')
})

test('questions that are none are the failure of the plugin that asked', async () => {
  const silly = definePlugin({
    ...approval,
    setup: () => ({ beforeCall: () => ask({}) }),
  })
  const gateway = await testPlugin(silly, {}, asking)
  assert.equal(code(await gateway.call('demo__echo')), 'PLUGIN_FAILED')
})
