import assert from 'node:assert/strict'
import test from 'node:test'
import { parse } from 'yaml'
import { startWith } from '../../fixtures/gateway.ts'
import { MACHINE } from '../../fixtures/identity-provider.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { knock } from '../admin/door.ts'
import { drive, until } from '../upstreams/gateway.ts'
import { guarded } from './guarded.ts'
import { CLIENT, oauth } from './oauth.ts'

const PLUGINS = [{ use: 'auth-none' }, { use: 'upstream-auth' }]
const WRITE = /Write under upstreams\.crm: (auth: .*)$/

for (const [server, start] of Object.entries({ modern: modernUpstream, legacy: legacyUpstream })) {
  test(`a ${server} upstream that wants a token says whose, and what is written then opens it`, async (t) => {
    const all = await oauth(t, { auth: null, start: async () => (await start(t)).url })
    const { gateway, identity, door } = all
    await gateway.until(() => gateway.status().crm?.state === 'auth-required')
    const line = () => gateway.log.find(({ msg }) => WRITE.test(String(msg)))
    await gateway.passUntil(() => line() !== undefined)
    assert.equal(line()?.issuer, identity.issuer)
    assert.deepEqual(identity.requests, ['GET /.well-known/oauth-authorization-server'])
    const [, write = ''] = WRITE.exec(String(line()?.msg)) ?? []
    const written = write
      .replace(/\$\{CRM_CLIENT_ID\}/, MACHINE.client_id)
      .replace(/\$\{CRM_CLIENT_SECRET\}/, MACHINE.client_secret)
    const { auth } = parse(written) as { auth: object }
    const egress = ['127.0.0.1']
    const mended = await drive(
      t,
      { crm: { url: door.url, auth } },
      { plugins: PLUGINS.slice(1), egress },
    )
    await mended.ready()
  })
}

test('the admin door shows whose token is wanted and what to write, and of a token its end', async (t) => {
  const { door, identity } = await oauth(t, { auth: null })
  const upstreams = { open: { url: door.url }, crm: { url: door.url, auth: CLIENT } }
  const egress = { allow: ['127.0.0.1'] }
  const gateway = await startWith(t, { admin: { port: 0 }, egress, upstreams, plugins: PLUGINS })
  let told: Record<string, Record<string, string>> = {}
  await until(async () => {
    const { body } = await knock(gateway, '/status')
    told = (body.plugins as Record<string, { status: typeof told }>)['upstream-auth']?.status ?? {}
    return told.open !== undefined && told.crm?.state === 'valid'
  })
  const { issuer } = identity
  const { write, ...open } = told.open ?? {}
  assert.deepEqual(open, { mode: 'unset', state: 'auth required', issuer })
  assert.match(write ?? '', /^auth: \{ mode: client_credentials, issuer: .*scopes: \["mcp"\] \}$/)
  const { until: end = '', ...crm } = told.crm ?? {}
  assert.deepEqual(crm, { mode: 'client_credentials', state: 'valid', issuer })
  assert.ok(Date.parse(end) > Date.now())
})

test('a gateway without the plugin says what to write, then which plugin, and goes nowhere that an upstream names', async (t) => {
  const { gateway, identity, door } = await oauth(t, { auth: null, plugins: [] })
  await gateway.until(() => gateway.status().crm?.state === 'auth-required')
  const { error = '' } = gateway.status().crm ?? {}
  const written = /wants other credentials \(Bearer\); write `auth: (\{.*?\})` under it/
  const [, auth = ''] = written.exec(error) ?? []
  assert.match(error, /`patchbay check` names the plugin/)
  assert.deepEqual(identity.requests, [])
  const upstreams = { crm: { url: door.url, auth: parse(auth.replace(/\$\{TOKEN\}/, 'a-token')) } }
  const plugins = [{ use: 'auth-none' }]
  await assert.rejects(
    startWith(t, { upstreams, plugins }),
    /plugins: \[\{ use: upstream-auth \}\]/,
  )
})

test('what a server that wants a password is given is a name and a password', async (t) => {
  const { url } = await modernUpstream(t)
  const door = await guarded(t, url, () => ({ status: 401, challenge: 'Basic realm="crm"' }))
  const gateway = await drive(t, { crm: { url: door.url } }, { plugins: PLUGINS.slice(1) })
  const line = () => gateway.log.find(({ msg }) => WRITE.test(String(msg)))
  await gateway.passUntil(() => line() !== undefined)
  assert.match(String(line()?.msg), /auth: \{ mode: basic, username: /)
})

for (const place of ['http://169.254.169.254/latest/meta-data', 'https://10.1.2.3/metadata']) {
  test(`seeds 7.29: metadata at ${place} is not fetched, and nothing is sent there`, async (t) => {
    const { url } = await modernUpstream(t)
    const door = await guarded(t, url, () => ({
      status: 401,
      challenge: `Bearer resource_metadata="${place}"`,
    }))
    for (const auth of [{}, { auth: CLIENT }]) {
      const upstreams = { crm: { url: door.url, ...auth } }
      const gateway = await drive(t, upstreams, { plugins: PLUGINS.slice(1) })
      await gateway.until(() => gateway.status().crm?.state === 'auth-required')
      const refused = () => gateway.log.some(({ msg }) => /request was not sent/.test(String(msg)))
      await gateway.passUntil(refused)
    }
  })
}

test('seeds 7.29: an authorization server on this machine is asked only where the operator allows it', async (t) => {
  const { gateway, identity, door } = await oauth(t, { egress: [] })
  await gateway.until(() => gateway.status().crm?.state === 'auth-required')
  assert.match(
    gateway.status().crm?.error ?? '',
    /not sent: 127\.0\.0\.1 is loopback.*`egress\.allow`/,
  )
  assert.deepEqual(identity.requests, [])
  assert.equal(door.admitted.length, 0)
})

test('a process is given its credentials by `env`, and inherits none', async (t) => {
  const files = { 'server.mjs': 'process.stdin.resume()' }
  const server = { command: ['node', './server.mjs'] }
  const auth = { mode: 'bearer', token: 'token-of-files' }
  await assert.rejects(
    startWith(t, { upstreams: { files: { ...server, auth } }, plugins: PLUGINS }, { files }),
    /upstreams\.files\.auth: means nothing beside `command`\. A process gets its credentials by `env`\./,
  )
  const defaults = { upstream: { auth } }
  await startWith(t, { defaults, upstreams: { files: server }, plugins: PLUGINS }, { files })
})

const MISTAKES: Record<string, [object, RegExp]> = {
  'seeds 7.31: a mode that is misspelt': [
    { mode: 'client_credential', clientId: 'a', clientSecret: 'b' },
    /auth\.mode: must be one of none, bearer, api_key, header, basic, client_credentials \(did you mean "client_credentials"\?\)/,
  ],
  'seeds 7.31: a client authentication that is misspelt': [
    { ...CLIENT, clientAuth: 'bsic' },
    /auth\.clientAuth: must be one of basic, post/,
  ],
  'a secret that is empty': [{ mode: 'bearer', token: '' }, /auth\.token: does not match/],
  'a setting of another mode': [
    { mode: 'bearer', token: 'x', key: 'y' },
    /auth\.key: is not a setting here/,
  ],
  'a header of the transport': [
    { mode: 'header', name: 'Mcp-Session-Id', value: 'x' },
    /auth\.name is Mcp-Session-Id, a header that the gateway writes itself/,
  ],
  'an issuer beside a token URL': [
    { ...CLIENT, issuer: 'https://idp.example', tokenUrl: 'https://idp.example/token' },
    /Keep one of `issuer` and `tokenUrl`/,
  ],
}
for (const [what, [auth, message]] of Object.entries(MISTAKES)) {
  test(`${what} stops the boot`, async (t) => {
    const upstreams = { crm: { url: 'https://crm.example/mcp', auth } }
    await assert.rejects(startWith(t, { upstreams, plugins: PLUGINS }), message)
  })
}
