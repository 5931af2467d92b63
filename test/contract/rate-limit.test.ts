import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  type Call,
  Clock,
  definePlugin,
  deny,
  type GuardHooks,
  KeyValue,
  type Outcome,
} from 'mcp-patchbay/sdk'
import { type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const count = (description: string) => ({ type: 'integer', minimum: 1, description }) as const

/** So many calls per minute and caller, so many at once; the others queue for a while. */
const rateLimit = definePlugin({
  name: 'rate-limit',
  version: '1.0.0',
  phase: 'guard',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['calls', 'slots', 'queue'],
    properties: {
      calls: count('Calls per minute.'),
      slots: count('Calls at once.'),
      queue: count('Calls that wait.'),
    },
  },
  needs: { clock: Clock, keyValue: KeyValue },
  setup({ calls, slots, queue }, { clock, keyValue }) {
    let free = slots
    const waiting = new Set<() => void>()
    const hold = (call: Call) => {
      free--
      // Also for one that is over by now: then the slot goes on at once.
      call.onEnd(() => {
        free++
        const [next] = waiting
        next?.()
      })
    }
    const consume = async ({ first, caller: { principal } }: Call) => {
      // Later rounds are still the same call; slots are held by rounds.
      if (!first) return undefined
      const key = JSON.stringify([principal.issuer, principal.subject])
      const taken = await keyValue.consume([{ key, cost: 1, limit: calls, windowMs: 60_000 }])
      if (taken.ok) return undefined
      const { retryAfterMs } = taken
      return deny('RATE_LIMITED', `more than ${calls} calls in a minute`, { retryAfterMs })
    }
    const turn = (call: Call) =>
      new Promise<boolean>((resolve) => {
        const leave = (got: boolean) => {
          waiting.delete(go)
          late()
          call.signal.removeEventListener('abort', gone)
          if (got) hold(call)
          resolve(got)
        }
        const go = () => leave(true)
        const gone = () => leave(false)
        // Less than a hook may take.
        const late = clock.every(1_500, gone)
        call.signal.addEventListener('abort', gone)
        waiting.add(go)
      })
    return {
      async beforeCall(call) {
        if (free > 0 && waiting.size === 0) hold(call)
        else if (waiting.size >= queue || !(await turn(call))) {
          const data = { retryAfterMs: 1_500 }
          return deny('RATE_LIMITED', `more than ${slots} calls at once`, data)
        }
        return consume(call)
      },
    }
  },
})

const few = { calls: 2, slots: 1, queue: 1 }
const many = { calls: 100, slots: 1, queue: 1 }
const asking = { client: { capabilities: { elicitation: {} } } }

const hooked = (hooks: GuardHooks) =>
  definePlugin({
    name: 'other',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => hooks,
  })

const closed = hooked({
  beforeCall: ({ args }) => (args.bad ? deny('FORBIDDEN', 'bad') : undefined),
})

const approval = hooked({
  beforeCall: ({ answers }) =>
    answers.ok
      ? undefined
      : ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } }),
})

/** Upstreams that answer when told to, oldest call first. */
function held() {
  const open: (() => void)[] = []
  const reply: TestOptions['reply'] = () =>
    new Promise((resolve) => open.push(() => resolve({ content: [] })))
  return { open, reply, finish: () => open.shift()?.() }
}

/** Lets everything go on that waits for nothing but promises. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

const code = (outcome: Outcome) => ('code' in outcome ? outcome.code : outcome.kind)

test('a caller over the limit is told when to come back; others are not touched', async () => {
  const gateway = await testPlugin(rateLimit, few)
  await gateway.result('demo__echo')
  await gateway.result('demo__echo')
  const { code, retryAfterMs = 0 } = await gateway.denied('demo__echo')
  assert.equal(code, 'RATE_LIMITED')
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 30_000)
  await gateway.result('demo__echo', {}, { caller: { principal: { subject: 'bob' } } })
  gateway.clock.advance(retryAfterMs)
  await gateway.result('demo__echo')
})

test('a denied call consumes nothing: not by itself, not by a guard before', async () => {
  const gateway = await testPlugin(rateLimit, few, { before: [[closed]] })
  for (let i = 0; i < 5; i++) await gateway.denied('demo__echo', { bad: true })
  await gateway.result('demo__echo')
  await gateway.result('demo__echo')
  const first = await gateway.denied('demo__echo')
  const second = await gateway.denied('demo__echo')
  assert.equal(second.retryAfterMs, first.retryAfterMs)
})

test('the second of two waits for the first, the third is refused and has used nothing', async () => {
  const { open, reply, finish } = held()
  const gateway = await testPlugin(rateLimit, few, { reply })
  const first = gateway.call('demo__echo', { n: 1 })
  const second = gateway.call('demo__echo', { n: 2 })
  assert.equal(code(await gateway.call('demo__echo', { n: 3 })), 'RATE_LIMITED')
  assert.equal(open.length, 1)
  finish()
  assert.equal(code(await first), 'result')
  await settled()
  assert.equal(open.length, 1)
  finish()
  assert.equal(code(await second), 'result')
  assert.deepEqual(
    gateway.sent.map(({ args }) => args.n),
    [1, 2],
  )
})

test('a slot is free again however its call ended', async () => {
  const ends: GuardHooks[] = [
    { beforeCall: () => deny('FORBIDDEN', 'no') },
    {
      beforeCall() {
        throw new Error('broken')
      },
    },
    {
      afterCall() {
        throw new Error('broken on the way back')
      },
    },
    { credentials: () => deny('LOGIN_REQUIRED', 'log in') },
    {
      settle() {
        throw new Error('not written')
      },
    },
  ]
  for (const end of ends) {
    const gateway = await testPlugin(rateLimit, many, { with: [[hooked(end)]] })
    const expected = code(await gateway.call('demo__echo'))
    assert.notEqual(expected, 'RATE_LIMITED')
    assert.equal(code(await gateway.call('demo__echo')), expected)
    await gateway.stop()
  }
})

test('a cancelled call gives back its slot, or its place in the queue, and is not counted', async () => {
  const { open, reply, finish } = held()
  const gateway = await testPlugin(rateLimit, { ...few, calls: 3 }, { reply })
  const [running, queued] = [new AbortController(), new AbortController()]
  const first = gateway.call('demo__echo', { n: 1 }, { cancel: running.signal })
  const second = gateway.call('demo__echo', { n: 2 }, { cancel: queued.signal })
  await settled()
  queued.abort('enough')
  assert.equal(code(await second), 'cancelled')
  const third = gateway.call('demo__echo', { n: 3 })
  await settled()
  assert.equal(open.length, 1)
  running.abort('enough')
  assert.equal(code(await first), 'cancelled')
  await settled()
  open.shift()
  finish()
  assert.equal(code(await third), 'result')
  const fourth = gateway.call('demo__echo', { n: 4 })
  await settled()
  finish()
  assert.equal(code(await fourth), 'result')
  assert.deepEqual(
    gateway.sent.map(({ args }) => args.n),
    [1, 3, 4],
  )
})

test('whoever waits too long is refused, and the slot goes to the next', async () => {
  const { reply, finish } = held()
  const gateway = await testPlugin(rateLimit, many, { reply })
  const first = gateway.call('demo__echo')
  const second = gateway.call('demo__echo')
  await settled()
  gateway.clock.advance(1_500)
  assert.equal(code(await second), 'RATE_LIMITED')
  const third = gateway.call('demo__echo')
  finish()
  assert.equal(code(await first), 'result')
  await settled()
  finish()
  assert.equal(code(await third), 'result')
})

test('a call that asks counts once, and holds no slot while a person thinks', async () => {
  for (const place of ['before', 'with'] as const) {
    const options = { ...asking, [place]: [[approval]] } as const
    const gateway = await testPlugin(rateLimit, { ...few, calls: 1 }, options)
    const question = await gateway.call('demo__echo')
    const other = { ...asking, principal: { subject: 'bob' } }
    const bobs = await gateway.call('demo__echo', {}, { caller: other })
    const yes = { ok: { action: 'accept', content: {} } }
    assert.equal(code(await gateway.answer(bobs, yes)), 'result')
    assert.equal(code(await gateway.answer(question, yes)), 'result')
    assert.equal(gateway.sent.length, 2)
    // A counter that stands after the question has not counted this one; before it, it has.
    const next = await gateway.call('demo__echo')
    const last = next.kind === 'question' ? await gateway.answer(next, yes) : next
    assert.equal(code(last), 'RATE_LIMITED')
  }
})
