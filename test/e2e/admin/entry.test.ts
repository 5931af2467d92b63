import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { GatewayError } from '../../../core/hooks/errors.ts'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { knock, pluginText, sha256, tokenOf } from './door.ts'

const ADMIN = { host: '127.0.0.1', port: 0 }

const KEYS = {
  use: 'auth-api-key',
  config: {
    keys: [
      { id: 'anna', sha256: sha256('annas-key'), scopes: ['patchbay:admin'] },
      { id: 'bob', sha256: sha256('bobs-key'), scopes: ['admin', 'patchbay'] },
    ],
  },
}

function start(t: Scope, plugins: readonly object[] = [KEYS], more: object = {}) {
  return startWith(t, { admin: ADMIN, plugins, ...more })
}

test('nobody without credentials is let in, whatever the path', async (t) => {
  const gateway = await start(t)
  for (const path of ['/status', '/', '/nothing/here']) {
    const { status, headers, body } = await knock(gateway, path, { token: false })
    assert.equal(status, 401, path)
    assert.match(headers['www-authenticate'] ?? '', /^Bearer/)
    assert.equal(headers['content-type'], 'application/problem+json')
    const { type, title, code, detail, requestId } = body
    assert.deepEqual(
      [type, title, body.status, code],
      ['about:blank', 'Unauthorized', 401, 'UNAUTHENTICATED'],
    )
    assert.match(String(detail), /admin-token/)
    assert.ok(requestId)
  }
})

test('with no plugin that authenticates only the local operator gets in', async (t) => {
  const gateway = await start(t, [])
  const refused = await knock(gateway, '/status', { token: false })
  assert.equal(refused.status, 401)
  assert.match(refused.headers['www-authenticate'] ?? '', /^Bearer/)
  assert.equal((await knock(gateway, '/status')).status, 200)
})

test('a caller of the main door needs the scope, and the scope is enough', async (t) => {
  const gateway = await start(t)
  const as = (key: string) =>
    knock(gateway, '/status', { token: false, headers: { 'x-api-key': key } })
  const bob = await as('bobs-key')
  assert.equal(bob.status, 403)
  assert.equal(bob.body.code, 'INSUFFICIENT_SCOPE')
  assert.equal((await as('annas-key')).status, 200)
  assert.equal((await as('no-key')).status, 401)
})

test('where everybody is let in at the main door, nobody is an operator for it', async (t) => {
  const gateway = await start(t, [{ use: 'auth-none' }])
  assert.equal((await knock(gateway, '/status', { token: false })).status, 403)
})

test('scopes that are no list grant nothing', async (t) => {
  const principal = "{ issuer: 'i', subject: 's', claims: {}, scopes: 'read patchbay:admin-not' }"
  const text = pluginText('sloppy', `return { authenticate: () => ({ principal: ${principal} }) }`)
  const gateway = await startWith(
    t,
    { admin: ADMIN, plugins: [{ use: './sloppy.ts' }] },
    { files: { 'sloppy.ts': text } },
  )
  assert.equal((await knock(gateway, '/status', { token: false })).status, 403)
})

test('a token that is not the operator’s is worth nothing', async (t) => {
  const gateway = await start(t)
  const token = tokenOf(gateway)
  for (const wrong of [token.slice(0, -1), `${token}x`, token.toUpperCase(), 'x', '']) {
    const headers = { authorization: `Bearer ${wrong}` }
    assert.equal((await knock(gateway, '/status', { headers })).status, 401, wrong)
  }
  const basic = { authorization: `Basic ${token}` }
  assert.equal((await knock(gateway, '/status', { headers: basic })).status, 401)
})

test('the operator’s token is a secret of 32 bytes that its owner alone can read, and new each time', async (t) => {
  const gateway = await start(t)
  const file = join(gateway.config.data, 'admin-token')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(Buffer.from(tokenOf(gateway), 'base64url').length, 32)
  const other = await start(t)
  assert.notEqual(tokenOf(gateway), tokenOf(other))
  assert.equal(
    (await knock(other, '/status', { headers: { authorization: `Bearer ${tokenOf(gateway)}` } }))
      .status,
    401,
  )
})

test('the operator’s token opens nothing at the main door', async (t) => {
  const gateway = await start(t)
  const headers = {
    authorization: `Bearer ${tokenOf(gateway)}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
  }
  const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  assert.equal((await fetch(gateway.url, { method: 'POST', headers, body })).status, 401)
})

test('an auth plugin that fails lets nobody in, except for the local operator', async (t) => {
  const hooks = "return { authenticate() { throw new Error('no luck') }, routes() {} }"
  const text = pluginText('broken', hooks)
  const gateway = await startWith(
    t,
    { admin: ADMIN, plugins: [{ use: './broken.ts', onFailure: 'skip' }] },
    { files: { 'broken.ts': text } },
  )
  const { status, body } = await knock(gateway, '/status', { token: false })
  assert.equal(status, 500)
  assert.equal(body.code, 'PLUGIN_FAILED')
  assert.match(String(body.detail), /plugin broken, hook authenticate: no luck/)
  const page = await knock(gateway, '/status')
  assert.equal((page.body.plugins as Record<string, { failures: number }>).broken?.failures, 1)
})

test('foreign hosts and origins are refused, token or not', async (t) => {
  const gateway = await start(t)
  const host = await knock(gateway, '/status', { headers: { host: 'evil.example' } })
  assert.equal(host.status, 403)
  assert.match(String(host.body.detail), /admin\.allowedHosts/)
  const origin = await knock(gateway, '/status', { headers: { origin: 'https://evil.example' } })
  assert.equal(origin.status, 403)
  assert.match(String(origin.body.detail), /admin\.allowedOrigins/)
  assert.equal(origin.headers['access-control-allow-origin'], undefined)
})

test('a page of an origin that the config names may ask', async (t) => {
  const origin = 'https://ops.example'
  const gateway = await start(t, [KEYS], { admin: { ...ADMIN, allowedOrigins: [origin] } })
  const headers = { origin }
  const before = await knock(gateway, '/status', { method: 'OPTIONS', headers, token: false })
  assert.equal(before.status, 204)
  assert.equal(before.headers['access-control-allow-origin'], origin)
  assert.equal((await knock(gateway, '/status', { headers, token: false })).status, 401)
  assert.equal((await knock(gateway, '/status', { headers })).status, 200)
})

test('the running gateway says where its admin door is, and takes that back when it stops', async (t) => {
  const gateway = await start(t)
  const file = join(gateway.config.data, 'admin.json')
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).url, gateway.adminUrl)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await gateway.stop()
  assert.ok(!existsSync(file))
  assert.ok(!existsSync(join(gateway.config.data, 'admin-token')))
})

test('switched off there is no door and no token', async (t) => {
  const gateway = await start(t, [KEYS], { admin: false })
  assert.equal(gateway.adminUrl, undefined)
  assert.ok(!existsSync(join(gateway.config.data, 'admin-token')))
})

test('a port that cannot be had stops the start, and the main door is closed again', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const { port } = other.address() as { port: number }
  await assert.rejects(start(t, [KEYS], { admin: { ...ADMIN, port } }), (error: unknown) => {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.problems[0]?.code, 'LISTEN')
    assert.match(error.message, /admin: cannot listen on .*`admin\.port`/)
    return true
  })
})
