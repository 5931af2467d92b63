import assert from 'node:assert/strict'
import test from 'node:test'
import {
  answer,
  change,
  definePlugin,
  deny,
  type Hooks,
  Info,
  Log,
  type Phase,
  type Plugin,
} from '../index.ts'
import { testPlugin, unauthorized } from './index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** A plugin of nothing but hooks. */
function hooked(hooks: Hooks, phase: Phase = 'shape', name = 'hooked'): Plugin {
  return definePlugin({ name, version: '1.0.0', phase, configSchema: EMPTY, setup: () => hooks })
}

test('a call goes through the plugin to the fake upstream and back', async () => {
  const plugin = hooked({
    beforeCall: (call) => change({ args: { ...call.args, more: true } }),
    afterCall: (_call, outcome) =>
      outcome.kind === 'result' ? { ...outcome, result: { ...outcome.result, seen: 1 } } : outcome,
  })
  const gateway = await testPlugin(
    plugin,
    {},
    {
      tools: { files: ['read_file'] },
      reply: ({ args }) => ({ content: [], echoed: args }),
    },
  )
  assert.deepEqual(await gateway.list(), ['files__read_file'])
  const result = await gateway.result('files__read_file', { path: 'a' })
  assert.deepEqual(result, { content: [], echoed: { path: 'a', more: true }, seen: 1 })
  assert.deepEqual(gateway.sent, [
    { upstream: 'files', name: 'read_file', args: { path: 'a', more: true }, headers: {} },
  ])
})

test('denied and result say what happened instead, a throwing hook included', async () => {
  const gateway = await testPlugin(
    hooked({
      beforeCall(call) {
        if (call.args.deny) return deny('FORBIDDEN', 'not today')
        if (call.args.throw) throw new Error('oops')
        return undefined
      },
    }),
  )
  assert.equal((await gateway.denied('demo__echo', { deny: true })).plugin, 'hooked')
  await assert.rejects(gateway.denied('demo__echo'), /was not denied: result .*ok/)
  await assert.rejects(gateway.result('demo__echo', { deny: true }), /FORBIDDEN, not today/)
  await assert.rejects(
    gateway.result('demo__echo', { throw: true }),
    /PLUGIN_FAILED.*plugin hooked, hook beforeCall: Error: oops/,
  )
})

test('a reply that throws fails the test with its own error', async () => {
  const options = {
    reply() {
      throw new Error('not expected')
    },
  }
  const gateway = await testPlugin(hooked({}), {}, options)
  await assert.rejects(gateway.call('demo__echo'), /not expected/)
})

test('plugins before and after the plugin under test run in that order', async () => {
  const seen: string[] = []
  const note = (name: string) => hooked({ beforeCall: () => void seen.push(name) }, 'guard', name)
  const options = { before: [[note('first')]], with: [[note('last')], [note('last')]] } as const
  const gateway = await testPlugin(note('middle'), {}, options)
  await gateway.result('demo__echo')
  assert.deepEqual(seen, ['first', 'middle', 'last', 'last'])
})

test('equal parts of a caller are one caller, so that filters are asked once', async () => {
  let asked = 0
  const plugin = hooked({
    listFilter({ principal }) {
      asked++
      return {
        key: principal.subject,
        test: (entry) => entry.name.endsWith(principal.subject) || NO,
      }
    },
  })
  const NO = { rule: 'subject', reason: 'another subject' }
  const gateway = await testPlugin(plugin, {}, { tools: ['anna', 'bob'] })
  const bob = () => ({ principal: { subject: 'bob' } })
  assert.deepEqual(await gateway.list(), ['demo__anna'])
  assert.deepEqual(await gateway.list(bob()), ['demo__bob'])
  await gateway.denied('demo__anna', {}, { caller: bob() })
  assert.equal(asked, 2)
  gateway.invalidate()
  await gateway.list(bob())
  assert.equal(asked, 3)
})

test('a caller can cancel, and the outcome says so', async () => {
  const abort = new AbortController()
  const signals: boolean[] = []
  const plugin = hooked({ afterCall: (call) => void signals.push(call.signal.aborted) })
  const gateway = await testPlugin(plugin, {}, { reply: () => new Promise(() => {}) })
  const pending = gateway.call('demo__echo', {}, { cancel: abort.signal })
  abort.abort('enough')
  assert.deepEqual(await pending, { kind: 'cancelled', reason: 'enough', executed: 'unknown' })
  assert.deepEqual(signals, [true])
})

test('an upstream that refuses the credentials is asked again when a plugin says so', async () => {
  let token = 0
  const plugin = hooked({
    credentials: () => ({ headers: { authorization: `Bearer ${token}` } }),
    refused({ httpStatus, challenge }) {
      token++
      return httpStatus === 401 && challenge === 'Bearer' ? 'retry' : undefined
    },
  })
  const gateway = await testPlugin(plugin, {}, { reply: renewed })
  await gateway.result('demo__echo')
  assert.deepEqual(
    gateway.sent.map(({ headers }) => headers.authorization),
    ['Bearer 0', 'Bearer 1'],
  )
  const stubborn = await testPlugin(plugin, {}, { reply: () => unauthorized(403) })
  const outcome = await stubborn.call('demo__echo')
  assert.equal(outcome.kind === 'failure' && outcome.code, 'UNAVAILABLE')
})

function renewed({ headers }: { headers: Readonly<Record<string, string>> }) {
  return headers.authorization === 'Bearer 1' ? { content: [] } : unauthorized(401, 'Bearer')
}

test('log lines, facts, routes, health and events are there to look at', async () => {
  const plugin = definePlugin({
    name: 'talker',
    version: '1.0.0',
    configSchema: EMPTY,
    needs: { log: Log, info: Info },
    setup: (_config, { log, info }) => ({
      start: () => log.info({ upstreams: info.upstreams }, info.publicName('a', 'b.c')),
      routes: (routes) => routes.add({ method: 'GET', path: '/hi', handle: () => {} }),
      health: () => ({ ok: true, detail: info.plugin }),
      status: () => ({ a: info.urlOf('a'), b: info.urlOf('b') }),
    }),
  })
  const upstreamUrls = { a: 'http://127.0.0.1:1/mcp' }
  const gateway = await testPlugin(plugin, {}, { tools: { a: [], b: [] }, upstreamUrls })
  assert.deepEqual(gateway.logs, [
    { level: 'info', plugin: 'talker', fields: { upstreams: ['a', 'b'] }, message: 'a__b_c' },
  ])
  assert.deepEqual(
    gateway.routes().map(({ path }) => path),
    ['/hi'],
  )
  assert.deepEqual(await gateway.health(), { talker: { ok: true, detail: 'talker' } })
  assert.deepEqual(await gateway.status(), {
    talker: { ...upstreamUrls, b: 'https://b.example/mcp' },
  })
  await gateway.list()
  await gateway.refused()
  const types = gateway.events.map(({ type }) => type)
  assert.deepEqual(types.slice(-2), ['list', 'auth.refused'])
})

test('a shaper that answers keeps the call from the upstream', async () => {
  const gateway = await testPlugin(hooked({ beforeCall: () => answer({ content: [], own: true }) }))
  assert.deepEqual(await gateway.result('demo__echo'), { content: [], own: true })
  assert.equal(gateway.sent.length, 0)
})

test('options that there are not are refused with what was meant', async () => {
  const start = (options: object) => testPlugin(hooked({}), {}, options)
  await assert.rejects(
    start({ tool: [] }),
    /no option `tool` \(did you mean "tools"\?\); there are/,
  )
  for (const tools of ['x', { crm: 'x' }, [1]]) {
    await assert.rejects(start({ tools }), /`tools` is a list of names or definitions/)
  }
})

test('every kind of entry is listed and permitted by its name', async () => {
  const gateway = await testPlugin(
    hooked({
      prompts: [{ definition: { name: 'greet' }, call: () => ({ messages: [] }) }],
      resources: [
        { definition: { uri: 'notes:all', name: 'All' }, call: () => ({ contents: [] }) },
        { definition: { uriTemplate: 'notes:{id}', name: 'One' }, call: () => ({ contents: [] }) },
      ],
      listFilter: () => ({
        key: '',
        test: ({ name }) => name !== 'notes:{id}' || { rule: 'no', reason: 'no' },
      }),
    }),
  )
  const kinds = ['tool', 'prompt', 'resource', 'template'] as const
  const expected = [['demo__echo'], ['greet'], ['notes:all'], []]
  for (const [index, kind] of kinds.entries()) {
    assert.deepEqual(await gateway.list({}, kind), expected[index])
    assert.deepEqual(await gateway.permitted({}, kind), expected[index])
  }
})

test('what a plugin threw is the cause of what result, denied and stop throw', async () => {
  const oops = new Error('oops')
  const gateway = await testPlugin(
    hooked({
      beforeCall() {
        throw oops
      },
      stop() {
        throw oops
      },
    }),
  )
  const caused = (error: unknown) => (error as Error).cause === oops
  await assert.rejects(gateway.result('demo__echo'), caused)
  await assert.rejects(gateway.denied('demo__echo'), caused)
  await assert.rejects(gateway.stop(), caused)
})

test('a hook that hangs is told, unless somebody moves time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const gateway = await testPlugin(hooked({ beforeCall: () => new Promise(() => {}) }))
  const hanging = gateway.call('demo__echo')
  t.mock.timers.tick(5_000)
  await assert.rejects(hanging, /demo__echo, last in plugin hooked, did not settle.*gateway\.clock/)
  const waiting = gateway.call('demo__echo')
  gateway.clock.advance(3_000)
  const outcome = await waiting
  assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
})
