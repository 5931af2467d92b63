import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { CLIENTS } from '../../fixtures/clients.ts'
import { paperIssuer } from '../../fixtures/paper-issuer.ts'
import {
  ENVELOPE,
  type HttpAnswer,
  initialize,
  JSON_HEADERS,
  mirrored,
  Wire,
} from '../wire/wire.ts'
import { bearer, guarded } from './scene.ts'

const ROUTES = `
  import { definePlugin } from 'mcp-patchbay/sdk'
  export default definePlugin({
    name: 'pages', version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      routes(routes) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          routes.add({ method, path: '/report/:id', handle(ctx) { ctx.body = ctx.state.principal.subject } })
        }
        routes.add({ method: 'GET', path: '/files/*path', handle(ctx) { ctx.body = 'files' } })
      },
    }),
  })
`

const { identity, gateway } = await guarded(
  { after },
  {
    config: { profiles: { team: {} }, admin: { port: 0 } },
    settings: {
      scopesSupported: ['mcp'],
      mappings: { role: { operator: ['patchbay:admin'] } },
    },
    plugins: [{ use: './pages.ts' }],
    files: { 'pages.ts': ROUTES },
  },
)
const RESOURCE = gateway.url
const wire = new Wire({ after }, RESOURCE)
const good = await identity.token({ resource: RESOURCE, scope: 'mcp' })

const TOOLS = ['add', 'big', 'echo', 'fail', 'slow'].map((name) => `demo__${name}`)

/** Sends a path as it is written: no parser of URLs has tidied it up. */
async function raw(method: string, path: string, headers: object, body?: string) {
  const { hostname, port } = new URL(gateway.url)
  const sent = request({ hostname, port, method, path, headers: { ...headers } })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) }
}

const modern = (method: string) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: ENVELOPE } })
const post = (path: string, body: string, headers: object = {}) => ({
  name: `POST ${path} ${body.slice(0, 60)}`,
  send: (credentials: object) =>
    raw('POST', path, { ...JSON_HEADERS, ...headers, ...credentials }, body),
})
const plain = (method: string, path: string, accept = 'text/event-stream') => ({
  name: `${method} ${path}`,
  send: (credentials: object) => raw(method, path, { accept, ...credentials }),
})
const ask = (method: string) => JSON.stringify({ jsonrpc: '2.0', id: 1, method })

/** Everything that is served to those who may come in. */
const DOORS = [
  ...['/mcp', '/mcp/team'].flatMap((path) => [
    ...['tools/list', 'server/discover', 'tools/call', 'no/such'].map((method) =>
      post(path, modern(method), mirrored(method)),
    ),
    post(path, JSON.stringify(initialize())),
    ...['tools/list', 'ping', 'tools/call'].map((method) => post(path, ask(method))),
    post(path, `[${ask('ping')},${ask('tools/list')}]`),
    post(path, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })),
    post(path, '{'),
    post(path, '', { 'mcp-session-id': 'x' }),
    plain('GET', path),
    plain('DELETE', path),
  ]),
  plain('GET', '/sse'),
  plain('GET', '/sse/team'),
  post('/sse?session=x', ask('ping')),
  post('/sse/team?session=x', ask('ping')),
  ...['GET', 'POST', 'DELETE'].map((method) => plain(method, '/report/1')),
  plain('GET', '/report/1?access_token=x'),
  plain('GET', '/REPORT/1'),
  plain('GET', '/report/%31'),
  plain('GET', '/report/a%2Fb'),
  plain('GET', '/files/a/b/c'),
  plain('GET', '/files/..%2f..%2flive'),
]

/** Other ways to write the same, and what is not there: served to nobody. */
const ALLEYS = [
  ...[
    '/%6dcp',
    '/%2fmcp',
    '/mcp%2Fteam',
    '/mcp/',
    '//mcp',
    '/MCP',
    '/mcp/./team',
    '/mcp/team/../x',
  ],
  ...['/mcp/nobody', '/messages', '/messages?session=x', '/sse/', '/%73se', '/mcp;x=1', '/mcp%00'],
  ...['/status', '/metrics', '/admin', '/report', '/.well-known/../mcp'],
].flatMap((path) => [post(path, modern('tools/list'), mirrored('tools/list')), plain('GET', path)])

async function credentials(): Promise<Record<string, object>> {
  const exp = Math.floor(Date.now() / 1000) + 300
  const sound = { iss: identity.issuer, aud: RESOURCE, sub: 'machine', exp }
  const [head = '', body = '', signature = ''] = good.split('.')
  const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = JSON.parse(Buffer.from(body, 'base64url').toString())
  const stranger = await paperIssuer(identity.issuer, String(identity.keys[0]?.kid))
  const confused = `${base64({ alg: 'HS256', kid: identity.keys[0]?.kid })}.${body}`
  const hmac = createHmac('sha256', JSON.stringify(identity.keys[0])).update(confused)
  return {
    none: {},
    'an empty token': bearer(''),
    'no token': bearer('opaque'),
    'two dots': bearer('a.b.c'),
    'another scheme': { authorization: `Basic ${good}` },
    'another header': { 'x-api-key': good, cookie: `token=${good}` },
    expired: bearer(await identity.sign({ ...sound, exp: exp - 600 })),
    'for somebody else': bearer(await identity.token({ resource: 'https://other.test/mcp' })),
    'for a longer path': bearer(await identity.token({ resource: `${RESOURCE}/teams` })),
    'of another issuer': bearer(await identity.sign({ ...sound, iss: 'https://evil.test' })),
    'alg none': bearer(`${base64({ alg: 'none' })}.${body}.`),
    HS256: bearer(`${confused}.${hmac.digest('base64url')}`),
    tampered: bearer(`${head}.${base64({ ...said, sub: 'root' })}.${signature}`),
    'a key of that name': bearer(await stranger.sign({ ...sound })),
    'not signed': bearer(`${head}.${body}.`),
  }
}

test('seeds 7.18: credentials that are missing, wrong or expired open no registered route', async () => {
  for (const [name, sent] of Object.entries(await credentials())) {
    for (const door of DOORS) {
      const { status, headers, text: said } = await door.send(sent)
      assert.equal(status, 401, `${name}: ${door.name}: ${said}`)
      assert.match(String(headers['www-authenticate']), /^Bearer .*resource_metadata="/, door.name)
      assert.ok(!said.includes('demo__'), door.name)
    }
    for (const alley of ALLEYS) {
      const { status, text: said } = await alley.send(sent)
      assert.ok(status === 401 || status === 404, `${name}: ${alley.name}: ${status} ${said}`)
    }
  }
})

test('seeds 7.18: a token in the query opens nothing', async () => {
  for (const name of ['access_token', 'token', 'authorization']) {
    const list = post(`/mcp?${name}=${good}`, modern('tools/list'), mirrored('tools/list'))
    assert.equal((await list.send({})).status, 401)
    assert.equal((await plain('GET', `/sse?${name}=${good}`).send({})).status, 401)
    assert.equal((await plain('GET', `/report/1?${name}=${good}`).send({})).status, 401)
  }
})

test('with a good token the same routes say something else', async () => {
  const stops: (() => void)[] = []
  for (const door of DOORS) {
    // A stream would not end.
    if (/^GET \/(sse|mcp)/.test(door.name)) continue
    const { status } = await door.send(bearer(good))
    assert.ok(status !== 401 && status !== 403 && status < 500, `${door.name}: ${status}`)
  }
  for (const path of ['/sse', '/sse/team']) {
    const stream = wire.begin(
      'GET',
      { accept: 'text/event-stream', ...bearer(good) },
      undefined,
      path,
    )
    await stream.seen('event: endpoint')
    stops.push(stream.cut)
  }
  for (const stop of stops) stop()
  assert.equal((await plain('GET', '/report/1', '*/*').send(bearer(good))).text, 'machine')
  for (const alley of ALLEYS) {
    const { status, text: said } = await alley.send(bearer(good))
    assert.ok(status === 404 && !said.includes('demo__'), `${alley.name}: ${status}`)
  }
})

test('the admin door lets in by token who has the scope of operators, and nobody else', async () => {
  const { adminUrl = '' } = gateway
  const exp = Math.floor(Date.now() / 1000) + 300
  const sound = { iss: identity.issuer, aud: RESOURCE, sub: 'olga', exp }
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${adminUrl}/status`, { headers })).status
  assert.equal(await status({}), 401)
  assert.equal(await status(bearer(good)), 403)
  // The config says who is an operator; an authorization server's word alone does not.
  const said = await identity.sign({ ...sound, scope: 'patchbay:admin' })
  assert.equal(await status(bearer(said)), 403)
  assert.equal(await status(bearer(await identity.sign({ ...sound, role: 'operator' }))), 200)
})

test('seeds 7.19: with authentication on, initialize and lists work in both eras', async () => {
  const listed = await wire.modern('tools/list', {}, bearer(good))
  assert.equal(listed.status, 200)
  const names = (answer: HttpAnswer) =>
    answer.json.result.tools.map(({ name }: { name: string }) => name)
  assert.deepEqual(names(listed).sort(), TOOLS)
  const session = await wire.session(bearer(good))
  const legacy = await wire.legacy('tools/list', {}, { ...session, ...bearer(good) })
  assert.deepEqual(names(legacy).sort(), TOOLS)
  // The session is no credential.
  assert.equal((await wire.legacy('tools/list', {}, session)).status, 401)
  const other = await identity.sign({
    iss: identity.issuer,
    aud: RESOURCE,
    sub: 'eve',
    exp: Math.floor(Date.now() / 1000) + 300,
  })
  assert.equal((await wire.legacy('tools/list', {}, { ...session, ...bearer(other) })).status, 404)
  for (const { connect } of Object.values(CLIENTS)) {
    const client = await connect({ after }, gateway.url, { headers: bearer(good) })
    assert.deepEqual((await client.list()).sort(), TOOLS)
    await client.close()
  }
})
