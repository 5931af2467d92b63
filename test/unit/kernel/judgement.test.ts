import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deny, type Hooks } from '../../../sdk/index.ts'
import { guard, line, rig } from './kernel.ts'

test('call.started is told also where no shaper and no guard is enabled', async () => {
  const types: string[] = []
  const { call } = await rig({
    lines: [line('watch', { observe: ({ type }) => void types.push(type) })],
    tools: { demo: ['echo'] },
  })
  types.length = 0
  await call('demo__echo')
  assert.deepEqual(types, ['call.started', 'call.finished'])
})

test('a denial that cannot be told is the failure of the plugin that made it', async () => {
  for (const nonsense of [
    { kind: 'denial', code: 'WHATEVER', message: 'x', hint: 'y' },
    { kind: 'denial', code: 'FORBIDDEN' },
  ]) {
    for (const hook of ['beforeCall', 'afterCall'] as const) {
      const { call } = await rig({
        lines: [guard('odd', { [hook]: () => nonsense } as unknown as Hooks)],
        tools: { demo: ['echo'] },
      })
      const outcome = await call('demo__echo')
      assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
    }
  }
})

test('credentials that have ended let nobody in, whatever the plugin still says', async () => {
  const principal = { issuer: 'i', subject: 's', claims: {}, scopes: [] }
  let until = 0
  const { kernel, clock } = await rig({
    lines: [line('auth', { authenticate: () => ({ principal, until }) })],
  })
  const request = {
    method: 'POST',
    path: '/mcp',
    headers: {},
    remoteAddress: undefined,
    requestId: 'r',
  }
  until = clock.now() + 1_000
  assert.ok('principal' in (await kernel.authenticate(request)))
  clock.advance(1_000)
  const refused = await kernel.authenticate(request)
  assert.equal('code' in refused && refused.code, 'UNAUTHENTICATED')
})

test('more scopes are offered only where they would help', async () => {
  const scoped: Hooks = {
    listFilter: () => ({
      key: 'scoped',
      test: () => ({ rule: 'scope', reason: 'needs admin', scopes: ['admin'] }),
    }),
  }
  const denied: Hooks = {
    listFilter: () => ({ key: 'denied', test: () => ({ rule: 'denylist', reason: 'never' }) }),
  }
  const code = async (...hooks: Hooks[]) => {
    const { call } = await rig({
      lines: hooks.map((one, i) => line(`f${i}`, one)),
      tools: { demo: ['echo'] },
    })
    const outcome = await call('demo__echo')
    return outcome.kind === 'denial' && [outcome.code, outcome.rule]
  }
  assert.deepEqual(await code(scoped), ['INSUFFICIENT_SCOPE', 'scope'])
  assert.deepEqual(await code(scoped, denied), ['NOT_FOUND', 'denylist'])
  assert.deepEqual(await code(denied, scoped), ['NOT_FOUND', 'denylist'])
})

test('the way back is walked only by whom the call reached', async () => {
  const back: string[] = []
  const both = (id: string, deniesIt: boolean): Hooks => ({
    beforeCall: () => (deniesIt ? deny('FORBIDDEN', 'no') : undefined),
    afterCall: () => void back.push(id),
  })
  const { call } = await rig({
    lines: [
      guard('a', both('a', false)),
      guard('b', both('b', true)),
      guard('c', both('c', false)),
    ],
    tools: { demo: ['echo'] },
  })
  await call('demo__echo')
  assert.deepEqual(back, ['a', 'b'])
})
