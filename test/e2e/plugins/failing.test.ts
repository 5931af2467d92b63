import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { steered } from '../wire/steered.ts'
import { blames, call, passing, plugin, start } from './failure.ts'

const BOOM = `() => { throw new Error('boom') }`
const REJECTS = `async () => { throw new Error('boom') }`
// `onFailure: skip` is refused where nothing can be skipped.
const SKIPPABLE = 'present: () => undefined'
const HANGS = `() => new Promise(() => {})`

for (const [how, hook, cause] of [
  ['throws', BOOM, /boom/],
  ['rejects', REJECTS, /boom/],
  ['hangs', HANGS, /did not settle within 2000 ms/],
  ['answers nonsense', '() => 7', /returned something else|may only ask or deny/],
  ['changes the call', `() => change({ args: {} })`, /a guard may only ask or deny/],
  ['answers the call', `() => answer({ content: [] })`, /a guard may only ask or deny/],
] as const) {
  test(`a guard whose beforeCall ${how} denies the call, and nothing is sent`, async (t) => {
    const started = await start(t, plugin(`beforeCall: ${hook}`))
    const { wire, stub, clock } = started
    const sending = call(wire)
    if (how === 'hangs') await passing(clock, sending, wire)
    const { status, json } = await sending
    assert.equal(status, 200)
    assert.equal(json.error.code, -32603)
    assert.equal(json.error.data.plugin, undefined)
    assert.ok(json.error.message.includes(json.error.data.requestId))
    assert.equal(stub.calls.length, 0)
    blames(started, 'beforeCall', cause)
    const [outcome] = await started.finished()
    assert.deepEqual(
      [outcome.kind, outcome.code, outcome.plugin, outcome.hook, outcome.executed],
      ['failure', 'PLUGIN_FAILED', 'bad', 'beforeCall', false],
    )
  })
}

test('a guard that fails is passed over where the operator said so', async (t) => {
  for (const hook of [BOOM, REJECTS]) {
    const skipped = await start(t, plugin(`beforeCall: ${hook}`), { onFailure: 'skip' })
    const { json } = await call(skipped.wire)
    assert.equal(json.result.content[0].text, '{}')
    blames(skipped, 'beforeCall', /boom/)
  }
})

for (const [how, hook, cause] of [
  ['throws', BOOM, /boom/],
  ['rejects', REJECTS, /boom/],
  ['hangs', HANGS, /did not settle within 2000 ms/],
  ['answers nonsense', '() => 7', /not an outcome/],
  ['answers nonsense later', 'async () => 7', /not an outcome/],
] as const) {
  test(`an afterCall that ${how} hides the result, and the call counts as executed`, async (t) => {
    const started = await start(t, plugin(`afterCall: ${hook}`))
    const { wire, stub, clock } = started
    const sending = call(wire)
    if (how === 'hangs') await passing(clock, sending, wire)
    const { json } = await sending
    assert.equal(json.error.code, -32603)
    assert.equal(stub.calls.length, 1)
    blames(started, 'afterCall', cause)
    const [outcome] = await started.finished()
    assert.deepEqual([outcome.code, outcome.executed], ['PLUGIN_FAILED', true])
  })
}

test('an afterCall that fails is passed over where the operator said so', async (t) => {
  for (const hook of [BOOM, REJECTS, 'async () => 7']) {
    const skipped = await start(t, plugin(`afterCall: ${hook}`), { onFailure: 'skip' })
    const { json } = await call(skipped.wire)
    assert.equal(json.result.content[0].text, '{}')
    blames(skipped, 'afterCall', /boom|outcome/)
  }
})

for (const line of [{}, { onFailure: 'skip' }]) {
  const word = 'onFailure' in line ? 'even under `onFailure: skip`' : 'by itself'
  test(`authenticate that fails lets nobody in, ${word}`, async (t) => {
    for (const hook of [BOOM, REJECTS, '() => ({})', '() => true', '() => ({ principal: {} })']) {
      const plugins = [{ use: './bad.ts', ...line }]
      const files = { 'bad.ts': plugin(`authenticate: ${hook}, ${SKIPPABLE}`) }
      const refused = await steered(t, { plugins }, { files })
      const { status, json } = await call(refused.wire)
      assert.equal(status, 500, hook)
      assert.equal(json.error.code, -32603)
      assert.equal(json.id, null)
      blames(refused, 'authenticate', /boom|may not return/)
    }
  })

  test(`listFilter that fails permits nothing, ${word}`, async (t) => {
    for (const hook of [
      BOOM,
      REJECTS,
      `() => ({ key: 'k', test() { throw new Error('boom') } })`,
    ]) {
      const closed = await start(t, plugin(`listFilter: ${hook}, ${SKIPPABLE}`), line)
      const list = (await closed.wire.modern('tools/list')).json
      assert.ok(list.error?.code === -32603 || list.result.tools.length === 0)
      const { json } = await call(closed.wire)
      assert.ok(json.error.code === -32603 || json.error.code === -32602)
      assert.equal(closed.stub.calls.length, 0)
      blames(closed, 'listFilter', /boom/)
    }
  })

  test(`credentials that fail fail the call before it is sent, ${word}`, async (t) => {
    const only = `({ purpose }) => { if (purpose === 'call') throw new Error('boom') }`
    const failing = await start(t, plugin(`credentials: ${only}, ${SKIPPABLE}`), line)
    const { json } = await call(failing.wire)
    assert.equal(json.error.code, -32603)
    assert.equal(failing.stub.calls.length, 0)
    blames(failing, 'credentials', /boom/)
  })
}

test('an authenticate that hangs is cut after 10 s, and sooner where the config says', async (t) => {
  for (const [line, wait] of [
    [{}, 10_000],
    [{ timeouts: { authenticate: '250ms' } }, 250],
  ] as const) {
    const clock = new FakeClock()
    const plugins = [{ use: './bad.ts', ...line }]
    const files = { 'bad.ts': plugin(`authenticate: ${HANGS}`) }
    const stuck = await steered(t, { plugins }, { files, clock })
    const sending = call(stuck.wire)
    assert.ok((await passing(clock, sending, stuck.wire)) >= wait)
    assert.equal((await sending).status, 500)
    blames(stuck, 'authenticate', /did not settle within/)
  }
})

test('credentials that are denied are told as that denial', async (t) => {
  const hook = `({ purpose }) => purpose === 'call' ? deny('LOGIN_REQUIRED', 'log in to up') : undefined`
  const { wire, gateway } = await start(t, plugin(`credentials: ${hook}`))
  const { json } = await call(wire)
  assert.equal(json.result._meta['patchbay/error'].code, 'LOGIN_REQUIRED')
  assert.deepEqual(gateway.log, [])
})

test('a present that fails lists nothing, or everything where the operator said so', async (t) => {
  const apply = `() => ({ key: 'k', apply() { throw new Error('boom') } })`
  for (const hook of [BOOM, REJECTS, apply]) {
    const closed = await start(t, plugin(`present: ${hook}`))
    const { status, json } = await closed.wire.modern('tools/list')
    assert.equal(status, 200)
    assert.equal(json.error.code, -32603)
    blames(closed, 'present', /boom/)
    const skipped = await start(t, plugin(`present: ${hook}`), { onFailure: 'skip' })
    assert.equal((await skipped.wire.modern('tools/list')).json.result.tools.length, 6)
    blames(skipped, 'present', /boom/)
  }
})

test('an observe that throws is told to the log and changes nothing', async (t) => {
  const started = await start(t, plugin(`observe: ${BOOM}`))
  assert.equal((await call(started.wire)).json.result.content[0].text, '{}')
  blames(started, 'observe', /boom/)
})

test('a challenge that fails leaves the refusal and the challenges of others', async (t) => {
  const bad = [
    BOOM,
    `() => ({ scheme: 'Bad\\nScheme' })`,
    `() => ({ scheme: 'Bad', params: { n: 7 } })`,
    `() => 7`,
  ]
  for (const hook of bad) {
    const started = await start(t, plugin(`challenge: ${hook}`))
    const { status, headers } = await started.wire.modern(
      'tools/list',
      {},
      {
        'x-deny': '{"code":"UNAUTHENTICATED"}',
      },
    )
    assert.equal(status, 401)
    assert.equal(headers['www-authenticate'], 'Bearer')
    blames(started, 'challenge', /boom|challenge/)
  }
})

test('a route that fails answers 500, and the port goes on serving', async (t) => {
  const handle = (path: string, code: string) =>
    `routes.add({ method: 'GET', path: '${path}', access: 'public', handle: ${code} });`
  const started = await start(
    t,
    plugin(`routes(routes) {
      ${handle('/throws', BOOM)}
      ${handle('/rejects', REJECTS)}
      ${handle('/half', `(ctx) => { ctx.respond = false; ctx.res.write('half'); throw new Error('boom') }`)}
      ${handle('/says', `(ctx) => ctx.throw(418, 'short and stout')`)}
      routes.add({ method: 'GET', path: '/who', handle: (ctx) => { ctx.body = ctx.state.principal } })
    }`),
  )
  const get = (path: string, headers = {}) => started.wire.send('GET', headers, undefined, path)
  for (const path of ['/throws', '/rejects']) {
    const { status, json } = await get(path)
    assert.equal(status, 500)
    assert.equal(json.error.data.code, 'PLUGIN_FAILED')
  }
  await assert.rejects(get('/half'))
  blames(started, 'routes', /boom/)
  const said = await get('/says')
  assert.deepEqual([said.status, said.text], [418, 'short and stout'])
  assert.equal((await get('/who', { 'x-user': 'bob' })).json.subject, 'bob')
  assert.equal((await get('/who', { 'x-deny': '{"code":"UNAUTHENTICATED"}' })).status, 401)
  assert.equal((await get('/who', { origin: 'https://evil.example' })).status, 403)
  assert.equal((await call(started.wire)).status, 200)
})

test('a plugin that is not well makes /ready say so, and /live goes on', async (t) => {
  for (const hook of [BOOM, REJECTS, HANGS, `() => ({ ok: false, detail: 'no disk' })`]) {
    const started = await start(t, plugin(`health: ${hook}`))
    const get = (path: string) => started.wire.send('GET', {}, undefined, path)
    const sending = get('/ready')
    assert.equal((await get('/live')).status, 200)
    await passing(started.clock, sending, started.wire)
    const { status, json } = await sending
    assert.equal(status, 503)
    assert.deepEqual(json, { ready: false, plugins: { bad: false } })
    const told = started.gateway.log.find(({ msg }) => msg === 'plugin bad is not well')
    assert.match(String(told?.detail), /boom|did not settle|no disk/)
  }
  const well = await start(t, plugin(`health: () => ({ ok: true })`))
  assert.equal((await well.wire.send('GET', {}, undefined, '/ready')).status, 200)
})

test('plugin and hook that failed are told to the caller only where the config allows it', async () => {
  const files = { 'bad.ts': plugin(`beforeCall: ${BOOM}`) }
  const plugins = [{ use: './steer.ts' }, { use: './bad.ts' }]
  const loud = await steered({ after }, { plugins, errors: { showPlugin: true } }, { files })
  const { data } = (await call(loud.wire)).json.error
  assert.deepEqual([data.plugin, data.hook], ['bad', 'beforeCall'])
})
