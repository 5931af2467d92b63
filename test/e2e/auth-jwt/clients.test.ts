import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ClientCredentialsProvider,
  Client as CurrentClient,
  StreamableHTTPClientTransport as CurrentTransport,
} from '@modelcontextprotocol/client'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { APP, type IdentityProvider, MACHINE } from '../../fixtures/identity-provider.ts'
import { Wire } from '../wire/wire.ts'
import { bearer, guarded } from './scene.ts'

const NAME = { name: 'test-client', version: '1.0.0' }
const SETTINGS = { settings: { scopesSupported: ['mcp'] } }

/** What a program keeps of its login, and the browser it opens. */
class Login {
  readonly redirectUrl = APP.redirect_uri
  readonly clientMetadata = {
    client_name: 'A program',
    application_type: 'native',
    redirect_uris: [APP.redirect_uri],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'none',
  }
  readonly #kept = new Map<string, unknown>()
  /** Where it sent its user. */
  sentTo: URL | undefined

  clientInformation = () => this.#kept.get('client') as { client_id: string } | undefined
  saveClientInformation = (client: unknown) => void this.#kept.set('client', client)
  tokens = () =>
    this.#kept.get('tokens') as { access_token: string; token_type: string } | undefined
  saveTokens = (tokens: unknown) => void this.#kept.set('tokens', tokens)
  codeVerifier = () => String(this.#kept.get('verifier'))
  saveCodeVerifier = (verifier: string) => void this.#kept.set('verifier', verifier)
  discoveryState = () => this.#kept.get('discovery')
  saveDiscoveryState = (state: unknown) => void this.#kept.set('discovery', state)
  redirectToAuthorization = (url: URL) => {
    this.sentTo = url
  }
}

/** A person logs in with a browser. @returns what comes back to the program */
async function browse(start: URL): Promise<URLSearchParams> {
  const cookies = new Map<string, string>()
  for (let url = start, hops = 0; hops < 10; hops++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
      cookies.set(name, value)
    }
    const to = answer.headers.get('location')
    assert.ok(to !== null, `${url.pathname}: ${answer.status} ${await answer.clone().text()}`)
    url = new URL(to, url)
    if (url.href.startsWith(APP.redirect_uri)) return url.searchParams
  }
  throw new Error('the browser is sent around in circles')
}

function asked(identity: IdentityProvider, path: string): number {
  return identity.requests.filter((one) => one.startsWith(path)).length
}

test('a program finds the authorization server by our metadata and gets a token of its own', async (t) => {
  const { identity, gateway } = await guarded(t, SETTINGS)
  const client = new CurrentClient(NAME, { versionNegotiation: { mode: 'auto' } })
  t.after(() => client.close())
  const authProvider = new ClientCredentialsProvider({
    clientId: MACHINE.client_id,
    clientSecret: MACHINE.client_secret,
    expectedIssuer: identity.issuer,
  })
  await client.connect(new CurrentTransport(new URL(gateway.url), { authProvider }))
  assert.ok((await client.listTools()).tools.length > 0)
  const answer = await client.callTool({ name: 'demo__echo', arguments: { text: 'hello' } })
  assert.match(JSON.stringify(answer), /hello/)
  assert.equal(asked(identity, 'POST /token'), 1)
  const [, body = ''] = authProvider.tokens()?.access_token.split('.') ?? []
  const { aud, scope } = JSON.parse(Buffer.from(body, 'base64url').toString())
  assert.deepEqual([aud, scope], [gateway.url, 'mcp'])
})

const WRITERS = `
  import { definePlugin } from 'mcp-patchbay/sdk'
  const refusal = { rule: 'writers', reason: 'needs files:write', scopes: ['files:write'] }
  export default definePlugin({
    name: 'writers', version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      listFilter({ principal: { scopes } }) {
        const may = scopes.includes('files:write')
        return { key: String(may), test: ({ name }) => may || name !== 'demo__add' || refusal }
      },
    }),
  })
`

test('a call that needs more scopes is told which, and a client that gets them is served', async (t) => {
  const { identity, gateway } = await guarded(t, {
    ...SETTINGS,
    plugins: [{ use: './writers.ts' }],
    files: { 'writers.ts': WRITERS },
  })
  const token = await identity.token({ resource: gateway.url, scope: 'mcp' })
  const wire = new Wire(t, gateway.url)
  const call = { name: 'demo__add', arguments: { a: 1, b: 2 } }
  const { status, headers } = await wire.modern('tools/call', call, bearer(token))
  assert.equal(status, 403)
  const challenge = String(headers['www-authenticate'])
  assert.match(
    challenge,
    /^Bearer error="insufficient_scope", scope="files:write", resource_metadata="/,
  )

  const client = new CurrentClient(NAME, { versionNegotiation: { mode: 'auto' } })
  t.after(() => client.close())
  const authProvider = new ClientCredentialsProvider({
    clientId: MACHINE.client_id,
    clientSecret: MACHINE.client_secret,
    expectedIssuer: identity.issuer,
  })
  await client.connect(new CurrentTransport(new URL(gateway.url), { authProvider }))
  assert.match(JSON.stringify(await client.callTool(call)), /3/)
  assert.deepEqual(authProvider.tokens()?.scope?.split(' ').sort(), ['files:write', 'mcp'])
})

test('a person is sent to log in, comes back with a code, and the client is let in: both SDKs', async (t) => {
  const { identity, gateway } = await guarded(t, {
    ...SETTINGS,
    config: { profiles: { team: {} } },
  })
  const former = (url: URL, authProvider: Login) => {
    const wire = new FormerTransport(url, { authProvider: authProvider as never })
    const finish = (back: URLSearchParams) => wire.finishAuth(String(back.get('code')))
    return { client: new FormerClient(NAME), wire, finish }
  }
  const current = (url: URL, authProvider: Login) => {
    const wire = new CurrentTransport(url, { authProvider: authProvider as never })
    const finish = (back: URLSearchParams) => wire.finishAuth(back)
    return {
      client: new CurrentClient(NAME, { versionNegotiation: { mode: 'auto' } }),
      wire,
      finish,
    }
  }
  for (const make of [former, current]) {
    for (const address of [gateway.url, `${gateway.url}/team`]) {
      const login = new Login()
      const url = new URL(address)
      const first = make(url, login)
      await assert.rejects(first.client.connect(first.wire as never), /Unauthorized/i)
      assert.equal(login.sentTo?.origin, identity.issuer)
      assert.equal(login.sentTo?.searchParams.get('resource'), address)
      assert.equal(login.sentTo?.searchParams.get('scope'), 'mcp')
      const back = await browse(login.sentTo as URL)
      await first.finish(back)
      const again = make(url, login)
      t.after(() => again.client.close())
      await again.client.connect(again.wire as never)
      assert.ok((await again.client.listTools()).tools.length > 0)
    }
  }
})

test('seeds 7.20: the challenge leads to metadata that are served to anybody, also to web pages', async (t) => {
  const { identity, gateway } = await guarded(t, SETTINGS)
  const refused = await fetch(gateway.url, { method: 'POST' })
  const challenge = String(refused.headers.get('www-authenticate'))
  const { origin } = new URL(gateway.url)
  const at = `${origin}/.well-known/oauth-protected-resource/mcp`
  assert.equal(challenge, `Bearer scope="mcp", resource_metadata="${at}"`)
  for (const url of [at, `${origin}/.well-known/oauth-protected-resource`]) {
    const found = await fetch(url, { headers: { origin: 'https://page.test' } })
    assert.equal(found.status, 200)
    assert.equal(found.headers.get('access-control-allow-origin'), '*')
    assert.match(String(found.headers.get('content-type')), /^application\/json/)
    assert.deepEqual(await found.json(), {
      resource: gateway.url,
      authorization_servers: [identity.issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp'],
    })
  }
})
