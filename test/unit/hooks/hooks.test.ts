import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HookTable, isPromise } from '../../../core/hooks/hooks.ts'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { type AuthRequest, deny, type Event, HOOK_NAMES } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { guard, line, rig, settled } from '../kernel/kernel.ts'

const request = { headers: {} } as AuthRequest
const principal = { issuer: 'i', subject: 's', claims: {}, scopes: [] }

test('a hook that nobody listens to is null', () => {
  const table = new HookTable([line('p', { start() {} })], new Wheel(new FakeClock()))
  for (const name of HOOK_NAMES) assert.equal(table.on[name] === null, name !== 'start', name)
  assert.deepEqual([table.shapers, table.guards], [null, null])
})

test('hooks written as methods keep their this', () => {
  class Plugin {
    n = 7
    identity() {
      return String(this.n)
    }
  }
  const table = new HookTable([line('p', new Plugin())], new Wheel(new FakeClock()))
  assert.equal(table.on.identity?.[0]?.run({} as never), '7')
})

test('with no auth plugin everybody is refused', async () => {
  const { kernel } = await rig()
  const found = await kernel.authenticate(request)
  assert.equal('code' in found && found.code, 'UNAUTHENTICATED')
})

test('the first that knows the caller decides, in config order, at once while nobody needs time', async () => {
  const asked: string[] = []
  const { kernel } = await rig({
    lines: [
      line('none', { authenticate: () => void asked.push('none') }),
      line('null', { authenticate: () => null as never }),
      line('yes', {
        authenticate: () => {
          asked.push('yes')
          return { principal }
        },
      }),
      line('late', { authenticate: () => void asked.push('late') }),
    ],
  })
  const found = kernel.authenticate(request)
  assert.ok(!isPromise(found))
  assert.deepEqual(found, { principal })
  assert.deepEqual(asked, ['none', 'yes'])
})

test('promises are waited for one after the other, and the rest is asked only if need be', async () => {
  const asked: string[] = []
  const { kernel } = await rig({
    lines: [
      line('one', {
        authenticate: async () => {
          asked.push('one')
          return undefined
        },
      }),
      line('two', {
        authenticate: async () => {
          asked.push('two')
          return deny('UNAUTHENTICATED', 'known to be stolen')
        },
      }),
      line('three', { authenticate: () => ({ principal }) }),
    ],
  })
  const found = await kernel.authenticate(request)
  assert.equal('message' in found && found.message, 'known to be stolen')
  assert.deepEqual(asked, ['one', 'two'])
})

test('an auth plugin that throws, hangs or talks nonsense refuses, whatever the operator skips', async () => {
  const broken = [
    () => {
      throw new Error('x')
    },
    () => new Promise<never>(() => {}),
    () => true as never,
    () => ({ principal: undefined }) as never,
  ]
  for (const authenticate of broken) {
    const { kernel, clock } = await rig({
      lines: [
        line('bad', { authenticate }, { onFailure: 'skip' }),
        line('open', { authenticate: () => ({ principal }) }),
      ],
    })
    const asking = (async () => kernel.authenticate(request))()
    clock.advance(10_250)
    await assert.rejects(asking, /plugin bad, hook authenticate/)
  }
})

test('credentials have half a minute, authenticate ten seconds, others two', async () => {
  const hang = () => new Promise<never>(() => {})
  const limits = new HookTable(
    [
      guard('p', { credentials: hang, authenticate: hang, beforeCall: hang, stop: hang }),
      guard('q', { credentials: hang }, { timeouts: { credentials: 7 } }),
    ],
    new Wheel(new FakeClock()),
  ).on
  assert.deepEqual(
    limits.credentials?.map(({ limit }) => limit),
    [30_000, 7],
  )
  assert.equal(limits.authenticate?.[0]?.limit, 10_000)
  assert.equal(limits.beforeCall?.[0]?.limit, 2_000)
})

test('an observer that throws is reported, to others too, and never stops anything', async () => {
  const seen: Event['type'][] = []
  const { kernel, failures, call } = await rig({
    lines: [
      line('bad', {
        observe: () => {
          throw new Error('no')
        },
      }),
      line('good', { observe: ({ type }) => void seen.push(type) }),
    ],
  })
  seen.length = 0
  failures.length = 0
  assert.equal((await call('up__a')).kind, 'result')
  assert.ok(seen.includes('plugin.failed') && seen.includes('call.finished'))
  assert.ok(failures.every((failure) => failure === 'bad observe: no (skipped)'))
  kernel.emit({ type: 'list', method: 'tools/list', caller: {} as never, count: 0, requestId: '' })
  assert.equal(seen.at(-1), 'list')
})

test('an observer that wants some events is told those, and the others are made for nobody', async () => {
  const seen: Event['type'][] = []
  const { kernel, call } = await rig({
    lines: [
      line('some', {
        observes: ['catalog.changed', 'auth.refused'],
        observe: ({ type }) => void seen.push(type),
      }),
    ],
    tools: { up: ['a'] },
  })
  assert.equal(kernel.hooks.observers['call.finished'], null)
  assert.equal((await call('up__a')).kind, 'result')
  const denial = deny('UNAUTHENTICATED', 'no')
  kernel.emit({ type: 'auth.refused', denial, path: '/mcp', remoteAddress: '', requestId: '' })
  assert.deepEqual([...new Set(seen)], ['catalog.changed', 'auth.refused'])
})

test('challenges of all plugins are merged, those that fail left out', async () => {
  const { kernel } = await rig({
    lines: [
      line('one', { challenge: () => ({ scheme: 'Bearer' }) }),
      line('two', {
        challenge: () => {
          throw new Error('no')
        },
      }),
      line('three', { challenge: () => [{ scheme: 'Basic' }, { scheme: 'DPoP' }] }),
      line('four', { challenge: () => undefined }),
    ],
  })
  assert.deepEqual(
    kernel.challenges(request, deny('UNAUTHENTICATED', 'x')).map(({ scheme }) => scheme),
    ['Bearer', 'Basic', 'DPoP'],
  )
})

test('a thenable that is no promise is waited for like one', async () => {
  const thenable = {
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    then: (resolve: (value: unknown) => void) => resolve(undefined),
  }
  const { call } = await rig({ lines: [guard('p', { beforeCall: () => thenable as never })] })
  assert.equal((await call('up__a')).kind, 'result')
  await settled()
})
