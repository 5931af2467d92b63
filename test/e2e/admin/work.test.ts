import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { knock, pluginText, sha256 } from './door.ts'

const ADMIN = { host: '127.0.0.1', port: 0 }

const KEYS = {
  use: 'auth-api-key',
  config: {
    keys: [
      { id: 'anna', sha256: sha256('annas-key'), scopes: ['patchbay:admin'] },
      { id: 'bob', sha256: sha256('bobs-key') },
    ],
  },
}

function withPlugin(t: Scope, setup: string, more: object = {}): Promise<RunningGateway> {
  return startWith(
    t,
    { admin: ADMIN, plugins: [KEYS, { use: './sample.ts', id: 'mine' }], ...more },
    { files: { 'sample.ts': pluginText('sample', setup) } },
  )
}

type Plugins = Record<string, Record<string, unknown>>

test('status tells of version, upstreams, catalog and every plugin', async (t) => {
  const gateway = await withPlugin(
    t,
    "return { health: () => ({ ok: false, detail: 'cold' }), status: () => ({ kept: 3 }) }",
    { upstreams: { off: { url: 'http://127.0.0.1:1/mcp', enabled: false } } },
  )
  const { status, headers, body } = await knock(gateway, '/status')
  assert.equal(status, 200)
  assert.match(headers['content-type'] ?? '', /^application\/json/)
  assert.equal(body.schema, 1)
  assert.equal(body.draining, false)
  assert.equal(body.url, gateway.url)
  assert.equal(typeof body.uptimeMs, 'number')
  assert.ok(!Number.isNaN(Date.parse(String(body.started))))
  assert.deepEqual(body.catalog, {
    revision: 0,
    tools: 0,
    prompts: 0,
    resources: 0,
    templates: 0,
    collisions: [],
  })
  assert.equal(body.config, gateway.config.file)
  assert.equal((body.upstreams as Plugins).off?.state, 'disabled')
  const { mine } = body.plugins as Plugins
  assert.equal(mine?.name, 'sample')
  assert.equal(mine?.version, '1.2.3')
  assert.match(String(mine?.origin), /sample\.ts$/)
  assert.deepEqual(mine?.health, { ok: false, detail: 'cold' })
  assert.deepEqual(mine?.status, { kept: 3 })
  assert.equal(mine?.failures, 0)
  assert.equal((body.plugins as Plugins)['auth-api-key']?.origin, 'bundled')
})

for (const [what, status] of [
  ['throws', "() => { throw new Error('no luck') }"],
  ['rejects', "async () => { throw new Error('no luck') }"],
  ['returns what JSON cannot say', '() => ({ big: 1n })'],
  ['returns no object', '() => 3'],
] as const) {
  test(`a plugin whose status ${what} fails for itself, not for the page`, async (t) => {
    const gateway = await withPlugin(t, `return { status: ${status} }`)
    const page = await knock(gateway, '/status')
    assert.equal(page.status, 200)
    const section = (page.body.plugins as Plugins).mine?.status as { error: string }
    assert.match(section.error, /^plugin mine, hook status: /)
    const again = await knock(gateway, '/status')
    assert.equal((again.body.plugins as Plugins).mine?.failures, 2)
  })
}

test('upstreams are refreshed and reconnected by id, and unknown ones are a problem', async (t) => {
  const gateway = await withPlugin(t, 'return {}', {
    upstreams: { gone: { url: 'http://127.0.0.1:1/mcp' } },
  })
  const post = (path: string) => knock(gateway, path, { method: 'POST' })
  assert.equal((await post('/upstreams/gone/refresh')).status, 202)
  const { status, body } = await post('/upstreams/gone/reconnect')
  assert.equal(status, 200)
  assert.equal((body.status as { state: string }).state, 'down')
  for (const verb of ['refresh', 'reconnect']) {
    const unknown = await post(`/upstreams/nobody/${verb}`)
    assert.equal(unknown.status, 404)
    assert.equal(unknown.body.code, 'NOT_FOUND')
    assert.match(String(unknown.body.detail), /no upstream nobody/)
  }
  assert.equal((await knock(gateway, '/upstreams/gone/refresh')).status, 404, 'GET does nothing')
})

const ROUTES = `
  let asked = 0
  return { routes({ add }) {
    add({ method: 'GET', path: '/mine', access: 'admin', handle(ctx) {
      ctx.body = { asked: ++asked, who: ctx.state.principal.subject }
    } })
    add({ method: 'GET', path: '/mine/bad', access: 'admin', handle() { throw new Error('no luck') } })
    add({ method: 'GET', path: '/mine/gone', access: 'admin', handle(ctx) { ctx.throw(410, 'was here') } })
    add({ method: 'GET', path: '/open', access: 'public', handle(ctx) { ctx.body = 'open' } })
  } }`

test('admin routes are served by the admin door and only there, to operators only', async (t) => {
  const gateway = await withPlugin(t, ROUTES)
  const bob = { token: false, headers: { 'x-api-key': 'bobs-key' } }
  assert.equal((await knock(gateway, '/mine', { token: false })).status, 401)
  assert.equal((await knock(gateway, '/mine', bob)).status, 403)
  const main = await fetch(new URL('/mine', gateway.url), { headers: { 'x-api-key': 'annas-key' } })
  assert.equal(main.status, 404)
  assert.equal((await knock(gateway, '/open')).status, 404, 'the main door’s route')
  const anna = { token: false, headers: { 'x-api-key': 'annas-key' } }
  assert.deepEqual((await knock(gateway, '/mine', anna)).body, { asked: 1, who: 'anna' })
  assert.deepEqual((await knock(gateway, '/mine')).body, { asked: 2, who: 'operator' })
})

test('what an admin route throws is a problem', async (t) => {
  const gateway = await withPlugin(t, ROUTES)
  const bad = await knock(gateway, '/mine/bad')
  assert.equal(bad.status, 500)
  assert.equal(bad.body.code, 'PLUGIN_FAILED')
  assert.match(String(bad.body.detail), /plugin mine, hook routes: no luck/)
  const gone = await knock(gateway, '/mine/gone')
  assert.equal(gone.status, 410)
  assert.equal(gone.body.detail, 'was here')
})

test('a route with a misspelt access, or on a path of the admin door, stops the start', async (t) => {
  const route = (path: string, access: string) =>
    `return { routes({ add }) { add({ method: 'GET', path: '${path}', access: '${access}', handle() {} }) } }`
  await assert.rejects(withPlugin(t, route('/x', 'admn')), /access of GET \/x is none of .*admin/)
  await assert.rejects(withPlugin(t, route('/status', 'admin')), /\/status is the gateway's own/)
  await assert.rejects(withPlugin(t, route('/commands/x/y', 'admin')), /is the gateway's own/)
})

test('an admin route without an admin door is served nowhere, and the log says so', async (t) => {
  const gateway = await withPlugin(t, ROUTES, { admin: false })
  assert.equal((await fetch(new URL('/mine', gateway.url))).status, 404)
  assert.ok(gateway.log.some(({ msg }) => msg?.startsWith('GET /mine is not served')))
})

const COMMANDS = `
  return { commands: {
    count: {
      description: 'Counts.',
      args: { type: 'object', additionalProperties: false, required: ['to'], properties: {
        to: { type: 'integer', minimum: 1, description: 'How far.' },
        step: { type: 'integer', default: 2, description: 'How fast.' },
      } },
      run: ({ to, step }, { principal }) => ({ to, step, who: principal.subject }),
    },
    say: { description: 'Speaks.', run: async () => 'hello' },
    fail: { description: 'Fails.', run() { throw new Error('no luck') } },
    nothing: { description: 'Says nothing.', run() {} },
  } }`

test('a command runs with checked arguments, for whoever asked', async (t) => {
  const gateway = await withPlugin(t, COMMANDS)
  const run = (name: string, body?: unknown) =>
    knock(gateway, `/commands/mine/${name}`, { method: 'POST', body })
  assert.deepEqual((await run('count', { to: 3 })).body, {
    result: { to: 3, step: 2, who: 'operator' },
  })
  assert.deepEqual((await run('say')).body, { result: 'hello' })
  const wrong = await run('count', { to: 0, tow: 1 })
  assert.equal(wrong.status, 400)
  assert.match(String(wrong.body.detail), /tow: .*did you mean "to".*; to: must be >= 1/)
  assert.equal((await run('say', { loud: true })).status, 400, 'it takes no arguments')
  const bob = { method: 'POST', token: false, headers: { 'x-api-key': 'bobs-key' } }
  assert.equal((await knock(gateway, '/commands/mine/say', bob)).status, 403)
})

test('a command that is not there, or fails, is a problem that says so', async (t) => {
  const gateway = await withPlugin(t, COMMANDS)
  const run = (path: string) => knock(gateway, `/commands/${path}`, { method: 'POST' })
  const near = await run('mine/cuont')
  assert.equal(near.status, 404)
  assert.match(
    String(near.body.detail),
    /no command cuont \(did you mean "count"\?\). It has: count, /,
  )
  assert.match(String((await run('other/count')).body.detail), /no plugin line other/)
  assert.equal((await run('mine/toString')).status, 404)
  assert.equal((await run('mine/fail')).body.code, 'COMMAND_FAILED')
  assert.match(String((await run('mine/nothing')).body.detail), /neither text nor an object/)
})

test('bodies that are no JSON object are refused', async (t) => {
  const gateway = await withPlugin(t, COMMANDS)
  const run = (body: string, headers = {}) =>
    knock(gateway, '/commands/mine/say', { method: 'POST', body, headers })
  assert.equal((await run('{')).status, 400)
  assert.equal((await run('[]')).status, 400)
  assert.equal((await run('{}', { 'content-type': 'text/plain' })).status, 415)
  assert.equal((await run(`{"x":"${'x'.repeat(1_100_000)}"}`)).status, 413)
})

test('commands of the wrong shape stop the start, all at once', async (t) => {
  const setup = `return { commands: {
    'bad name': { description: 'x', run() {} },
    one: { run: 3 },
    two: { description: 'x', run() {}, args: { type: 'object', properties: { x: { type: 'string' } } } },
  } }`
  await assert.rejects(withPlugin(t, setup), (error: Error) => {
    assert.match(error.message, /commands\["bad name"\]|commands\.bad name: is no name/)
    assert.match(error.message, /commands\.one: has no `description`/)
    assert.match(error.message, /commands\.one: has no function `run`/)
    assert.match(error.message, /commands\.two: .*additionalProperties/)
    return true
  })
})
