import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answer,
  type Call,
  change,
  deny,
  type Hooks,
  type Outcome,
  type Phase,
} from '../../../sdk/index.ts'
import { guard, line, rig, settled, shaper } from './kernel.ts'

const result = (words: string) => ({ content: [{ type: 'text', text: words }] })

/** A plugin that notes when it runs. */
function noting(notes: string[], id: string, phase: Phase, hooks: Hooks = {}) {
  return line(
    id,
    {
      ...hooks,
      beforeCall: (call) => {
        notes.push(`${id} >`)
        return hooks.beforeCall?.(call)
      },
      afterCall: (call, outcome) => {
        notes.push(`${id} <`)
        return hooks.afterCall?.(call, outcome)
      },
    },
    { phase },
  )
}

/** Two shapers and two guards around one call; `hooks` are those of some of them. */
async function order(hooks: Record<string, Hooks>) {
  const notes: string[] = []
  const made = await rig({
    lines: [
      noting(notes, 'g1', 'guard', hooks.g1),
      noting(notes, 's1', 'shape', hooks.s1),
      noting(notes, 'g2', 'guard', hooks.g2),
      noting(notes, 's2', 'shape', hooks.s2),
    ],
  })
  const outcome = await made.call('up__a')
  return { ...made, outcome, notes: notes.join(' ') }
}

for (const how of ['at once', 'by promises']) {
  const say = <T>(value: T) => (how === 'at once' ? value : (Promise.resolve(value) as never))

  test(`forward shapers then guards, backward shapers in reverse then guards (${how})`, async () => {
    const { notes, outcome, servers } = await order({
      s1: { beforeCall: () => say(undefined) },
      g2: { afterCall: () => say(undefined) },
    })
    assert.equal(notes, 's1 > s2 > g1 > g2 > s2 < s1 < g1 < g2 <')
    assert.equal(outcome.kind, 'result')
    assert.equal(servers.sent.length, 1)
  })

  test(`an answer ends the shaping, guards still judge, and the upstream is spared (${how})`, async () => {
    const { notes, outcome, servers } = await order({
      s1: { beforeCall: () => say(answer(result('kept'))) },
    })
    assert.equal(notes, 's1 > g1 > g2 > s1 < g1 < g2 <')
    assert.deepEqual(outcome.kind === 'result' && outcome.result, result('kept'))
    assert.deepEqual([outcome.executed, servers.sent.length], [false, 0])
  })

  test(`a denial ends the way forward, and only plugins that were reached run backward (${how})`, async () => {
    const shaped = await order({ s1: { beforeCall: () => say(deny('FORBIDDEN', 'no')) } })
    assert.equal(shaped.notes, 's1 > s1 <')
    const judged = await order({ g1: { beforeCall: () => say(deny('FORBIDDEN', 'no')) } })
    assert.equal(judged.notes, 's1 > s2 > g1 > s2 < s1 < g1 <')
    assert.equal(judged.outcome.kind === 'denial' && judged.outcome.plugin, 'g1')
    assert.equal(judged.servers.sent.length, 0)
  })

  test(`a guard may deny an answer (${how})`, async () => {
    const { outcome } = await order({
      s1: { beforeCall: () => say(answer(result('x'))) },
      g2: { beforeCall: () => say(deny('FORBIDDEN', 'no')) },
    })
    assert.equal(outcome.kind === 'denial' && outcome.code, 'FORBIDDEN')
  })

  test(`a plugin that fails before sending denies, afterwards the call stays executed (${how})`, async () => {
    const fail = () => {
      if (how === 'at once') throw new Error('broken')
      return Promise.reject(new Error('broken'))
    }
    const before = await order({ g1: { beforeCall: fail } })
    assert.deepEqual(
      { ...before.outcome },
      {
        kind: 'failure',
        code: 'PLUGIN_FAILED',
        message: 'a plugin of the gateway failed',
        hint: 'Tell the operator the request id.',
        plugin: 'g1',
        hook: 'beforeCall',
        executed: false,
      },
    )
    assert.equal(before.servers.sent.length, 0)
    const after = await order({ s1: { afterCall: fail } })
    assert.equal(after.outcome.kind === 'failure' && after.outcome.plugin, 's1')
    assert.equal(after.outcome.executed, true)
    assert.match(after.notes, /s1 < g1 < g2 <$/)
  })

  test(`nonsense is a failure of the plugin that returned it (${how})`, async () => {
    const nonsense = { kind: 'nonsense' } as never
    const before = await order({ s2: { beforeCall: () => say(nonsense) } })
    assert.equal(before.outcome.kind === 'failure' && before.outcome.plugin, 's2')
    const changed = await order({ g1: { beforeCall: () => say(change({ args: {} })) } })
    assert.equal(changed.outcome.kind === 'failure' && changed.outcome.plugin, 'g1')
    const after = await order({ g1: { afterCall: () => say(nonsense) } })
    assert.equal(after.outcome.kind === 'failure' && after.outcome.plugin, 'g1')
    assert.equal(after.outcome.executed, true)
    assert.match(after.notes, /g1 < g2 <$/)
  })
}

test('onFailure: skip passes a failing plugin over, before and after', async () => {
  const { call, failures } = await rig({
    lines: [
      guard(
        'weak',
        {
          beforeCall: () => Promise.reject(new Error('one')),
          afterCall: () => {
            throw new Error('two')
          },
        },
        { onFailure: 'skip' },
      ),
    ],
  })
  assert.equal((await call('up__a')).kind, 'result')
  assert.deepEqual(failures, ['weak beforeCall: one (skipped)', 'weak afterCall: two (skipped)'])
})

test('nobody makes a call look executed or not', async () => {
  const { outcome } = await order({
    g1: { afterCall: () => ({ ...deny('FORBIDDEN', 'no'), executed: false }) },
  })
  assert.deepEqual([outcome.kind, outcome.executed], ['denial', true])
})

test('a result that JSON cannot say is a failure, and afterCall runs only once', async () => {
  let runs = 0
  const { call, faults } = await rig({
    reply: () => ({ id: 1, text: 'x'.repeat(4), n: 0.12345678901234568 }),
    lines: [
      guard('p', {
        afterCall: (_, outcome) => {
          runs++
          return { ...(outcome as Outcome & { kind: 'result' }), result: { n: 1n } }
        },
      }),
    ],
  })
  const outcome = await call('up__a')
  assert.deepEqual([outcome.kind, outcome.executed, runs], ['failure', true, 1])
  assert.equal(faults.length, 1)
})

test('changed arguments and targets are what guards and the upstream see', async () => {
  const seen: [unknown, unknown][] = []
  const { call, servers } = await rig({
    tools: { eu: ['x'], us: ['x'] },
    lines: [
      line('merge', {
        arrange: ([first, ...rest]) =>
          first === undefined
            ? []
            : [{ ...first, name: 'x', targets: [first, ...rest].flatMap((one) => one.targets) }],
      }),
      shaper('s1', { beforeCall: ({ args }) => change({ args: { ...args, more: 1 } }) }),
      shaper('s2', { beforeCall: () => change({ target: { upstream: 'us', name: 'x' } }) }),
      guard('g', {
        beforeCall: ({ args, target }) => void seen.push([args, target?.upstream]),
      }),
    ],
  })
  assert.equal((await call('x', { a: 1 })).kind, 'result')
  assert.deepEqual(seen, [[{ a: 1, more: 1 }, 'us']])
  assert.deepEqual(servers.sent, [
    { upstream: 'us', name: 'x', args: { a: 1, more: 1 }, headers: {} },
  ])
})

test('a target that is no candidate is refused, and so is a choice that nobody made', async () => {
  const merge = line('merge', {
    arrange: ([first, ...rest]) =>
      first === undefined
        ? []
        : [{ ...first, name: 'x', targets: [first, ...rest].flatMap((one) => one.targets) }],
  })
  const tools = { eu: ['x'], us: ['x'] }
  const open = await rig({ tools, lines: [merge] })
  const outcome = await open.call('x')
  assert.equal(outcome.kind === 'denial' && outcome.code, 'INVALID')
  assert.match(outcome.kind === 'denial' ? outcome.message : '', /eu: x, us: x/)
  const forged = await rig({
    tools,
    lines: [
      merge,
      line('only-eu', {
        listFilter: () => ({
          key: '',
          test: (_, { upstream }) => upstream === 'eu' || { rule: 'r', reason: 'no' },
        }),
      }),
      shaper('s', { beforeCall: () => change({ target: { upstream: 'us', name: 'x' } }) }),
    ],
  })
  assert.equal((await forged.call('x')).kind, 'failure')
  assert.equal(forged.servers.sent.length, 0)
})

test('arguments with a name twice are refused where a plugin could read them', async () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__a","arguments":{"a":1,"a":2}}}'
  const request = {
    method: 'tools/call',
    name: 'up__a',
    args: { a: 2 },
    text,
    params: [],
    argsAt: text.indexOf('{"a"'),
    meta: {},
  } as const
  const guarded = await rig({ lines: [guard('g', { beforeCall: () => undefined })] })
  const refused = await guarded.kernel.call(
    { ...request, params: [] },
    guarded.caller(),
    guarded.exchange(),
  )
  assert.equal(refused.kind === 'denial' && refused.code, 'INVALID')
  const plain = await rig()
  const sent = await plain.kernel.call({ ...request, params: [] }, plain.caller(), plain.exchange())
  assert.equal(sent.kind, 'result')
})

test('a result with a name twice loses its text before anybody judges it, so nothing hides in it', async () => {
  const { RelayedResult } = await import('../../../core/kernel/outcome.ts')
  const text = '{"a":"secret","a":"ok","n":12345678901234567890,"b":1}'
  const made = await rig({
    lines: [
      guard('g', {
        afterCall: (_, outcome) =>
          outcome.kind === 'result'
            ? { ...outcome, result: { ...outcome.result, b: 2 } }
            : undefined,
      }),
    ],
  })
  made.servers.send = () => new RelayedResult(JSON.parse(text), text)
  const outcome = await made.call('up__a')
  assert.doesNotMatch(JSON.stringify(outcome), /secret/)
})

test('the caller’s cancellation ends the call wherever it is', async () => {
  let release: (() => void) | undefined
  const seen: AbortSignal[] = []
  const { call, exchange, servers } = await rig({
    lines: [
      guard('slow', {
        beforeCall: (one: Call) => {
          seen.push(one.signal)
          return new Promise((resolve) => {
            release = () => resolve(undefined)
          })
        },
      }),
    ],
  })
  const over = exchange()
  const running = call('up__a', {}, over)
  over.round?.cancel('gone')
  over.round?.cancel('twice')
  release?.()
  assert.deepEqual(await running, { kind: 'cancelled', reason: 'gone', executed: false })
  assert.equal(servers.sent.length, 0)
  assert.equal(seen[0]?.aborted, true)
  assert.equal(seen[0]?.reason, 'gone')
})

test('a call that nobody delays is answered in the same breath', async () => {
  const { call } = await rig({
    lines: [guard('g', { beforeCall: () => undefined, afterCall: () => undefined })],
  })
  assert.ok(!(call('up__a') instanceof Promise))
})

test('a hook that hangs is cut off by the clock, at its own limit where it has one', async () => {
  const hang = () => new Promise<undefined>(() => {})
  for (const [limit, timeouts] of [
    [2_000, {}],
    [500, { beforeCall: 500 }],
  ] as const) {
    const { call, clock, failures } = await rig({
      lines: [guard('slow', { beforeCall: hang }, { timeouts })],
    })
    const running = call('up__a')
    clock.advance(limit - 250)
    await settled()
    assert.deepEqual(failures, [])
    clock.advance(500)
    assert.equal((await running).kind, 'failure')
    assert.deepEqual(failures, [`slow beforeCall: did not settle within ${limit} ms`])
  }
})

test('an identity that throws or returns a promise fails the call, named', async () => {
  for (const identity of [() => Promise.resolve('x') as never, () => Promise.reject(1) as never]) {
    const { call, servers } = await rig({
      lines: [
        line('who', { identity }),
        guard('g', { beforeCall: ({ audience }) => (audience === 'x' ? undefined : undefined) }),
      ],
    })
    const outcome = await call('up__a')
    assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
    assert.equal(servers.sent.length, 0)
  }
})

test('credentials may be refused: the denial reaches the caller, nothing is sent', async () => {
  for (const say of [<T>(v: T) => v, async <T>(v: T) => v]) {
    const { call, servers, faults } = await rig({
      lines: [line('vault', { credentials: () => say(deny('LOGIN_REQUIRED', 'log in')) })],
    })
    const outcome = await call('up__a')
    assert.equal(outcome.kind === 'denial' && outcome.code, 'LOGIN_REQUIRED')
    assert.deepEqual([servers.sent.length, faults.length, outcome.executed], [0, 0, false])
  }
})

test('every call that reaches the kernel is finished exactly once, whatever became of it', async () => {
  const finished: string[] = []
  const { call } = await rig({
    lines: [
      line('o', {
        observe: (event) => {
          if (event.type === 'call.finished') finished.push(`${event.name} ${event.outcome.kind}`)
        },
      }),
      guard('g', {
        beforeCall: ({ args }) => {
          if (args.fail) throw new Error('x')
          return args.no ? deny('FORBIDDEN', 'no', { rule: 'r' }) : undefined
        },
      }),
    ],
  })
  await call('up__a')
  await call('up__a', { no: 1 })
  await call('up__a', { fail: 1 })
  await call('nothing')
  assert.deepEqual(finished, ['up__a result', 'up__a denial', 'up__a failure', 'nothing denial'])
})

test('the round shows plugins the request’s _meta without the envelope, and makes a signal when asked', async () => {
  let one: Call | undefined
  const { kernel, caller, exchange } = await rig({
    lines: [
      guard('g', {
        beforeCall: (call) => {
          one = call
        },
      }),
    ],
  })
  const { callRequest } = await import('../../../sdk/testing/request.ts')
  const meta = { traceparent: 't', 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
  await kernel.call(callRequest('1', 'up__a', {}, meta), caller(), exchange())
  assert.deepEqual(one?.meta, { traceparent: 't' })
  assert.equal(one?.signal, one?.signal)
  assert.equal(one?.signal.aborted, false)
})
