import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  type Caller,
  definePlugin,
  deny,
  KeyValue,
  type Outcome,
  type Route,
  Seal,
} from 'mcp-patchbay/sdk'
import { type Sent, type TestGateway, testPlugin, unauthorized } from 'mcp-patchbay/sdk/testing'

const PAGE = 'https://gateway.example/login'

/** Callers log in to their own account at an upstream, once, on a page of the gateway. */
const accountLogin = definePlugin({
  name: 'account-login',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  upstreamSettings: {
    key: 'login',
    schema: { type: 'object', additionalProperties: false, properties: {} },
  },
  needs: { keyValue: KeyValue, seal: Seal },
  setup(_config, { keyValue, seal }, upstreams) {
    const accountOf = (upstream: string, { principal }: Caller) =>
      JSON.stringify([upstream, principal.issuer, principal.subject])
    return {
      async beforeCall(call) {
        const { id, target, caller, answers } = call
        if (target === undefined || !upstreams.has(target.upstream)) return undefined
        const account = accountOf(target.upstream, caller)
        if ((await keyValue.get(account)) !== undefined) return undefined
        const { login } = answers
        const url = `${PAGE}?account=${encodeURIComponent(seal.seal(account, 'login'))}`
        // Who accepts has opened the page; only a token says that the login is done.
        if (login !== undefined && login.action !== 'accept') {
          return deny('LOGIN_REQUIRED', `the login to ${target.upstream} was declined`)
        }
        if (!call.canAsk('elicitation/create', 'url')) {
          return deny('LOGIN_REQUIRED', `${target.upstream} needs a login`, { hint: `Open ${url}` })
        }
        const message = `Log in to ${target.upstream}.`
        const params = { mode: 'url', elicitationId: id, url, message }
        return ask({ login: { method: 'elicitation/create', params } })
      },
      identity: ({ upstream, caller }) =>
        upstreams.has(upstream) ? accountOf(upstream, caller) : undefined,
      async credentials({ upstream, caller }) {
        if (!upstreams.has(upstream) || caller === undefined) return undefined
        const token = await keyValue.get(accountOf(upstream, caller))
        if (token !== undefined) return { headers: { authorization: `Bearer ${token}` } }
        return deny('LOGIN_REQUIRED', `${upstream} needs a login`)
      },
      async refused({ upstream, caller }) {
        if (!upstreams.has(upstream) || caller === undefined) return undefined
        await keyValue.delete(accountOf(upstream, caller))
        return deny('LOGIN_REQUIRED', `${upstream} no longer accepts the login`)
      },
      routes: (routes) =>
        routes.add({
          method: 'GET',
          path: '/login',
          async handle(ctx) {
            const account = seal.open(String(ctx.query.account), 'login')
            const { issuer, subject } = ctx.state.principal
            const [, ...whose] = account === undefined ? [] : JSON.parse(account)
            // Somebody else's link must not put one's own account under their name.
            if (account === undefined || whose[0] !== issuer || whose[1] !== subject) {
              ctx.status = 403
              return
            }
            await keyValue.set(account, String(ctx.query.token))
            ctx.status = 204
          },
        }),
    }
  },
})

const logins = { upstreams: { crm: { login: {} } }, tools: { crm: ['echo'], open: ['echo'] } }
const options = { ...logins, client: { capabilities: { elicitation: { url: {} } } } }
const as = (subject: string, issuer = 'test') => ({ caller: { principal: { subject, issuer } } })
const accepted = { login: { action: 'accept' } }

const code = (outcome: Outcome) => ('code' in outcome ? outcome.code : outcome.kind)

/** Opens the page that a call asked for, as somebody with a token of theirs. @returns the HTTP status */
async function open(
  gateway: TestGateway,
  question: Outcome,
  token: string,
  { caller: { principal } }: ReturnType<typeof as>,
): Promise<number> {
  assert.ok(question.kind === 'question')
  const { url } = question.questions['account-login/login']?.params ?? {}
  const { searchParams } = new URL(String(url))
  const ctx = { query: { account: searchParams.get('account'), token }, state: { principal } }
  const answered = { status: 404, ...ctx }
  await gateway.routes()[0]?.handle(answered as unknown as Parameters<Route['handle']>[0])
  return answered.status
}

/** Asks, logs in and comes back. */
async function logIn(gateway: TestGateway, token: string, who: ReturnType<typeof as>) {
  const question = await gateway.call('crm__echo', {}, who)
  assert.equal(await open(gateway, question, token, who), 204)
  return gateway.answer(question, accepted)
}

const tokens = (gateway: TestGateway) => gateway.sent.map(({ headers }) => headers.authorization)

test('the first call asks for a login, and what follows uses it', async () => {
  const gateway = await testPlugin(accountLogin, {}, options)
  assert.equal(code(await logIn(gateway, 'anna-1', as('anna'))), 'result')
  await gateway.result('crm__echo', {}, as('anna'))
  assert.deepEqual(tokens(gateway), ['Bearer anna-1', 'Bearer anna-1'])
})

test('an upstream without logins is called without', async () => {
  const gateway = await testPlugin(accountLogin, {}, options)
  await gateway.result('open__echo')
  assert.deepEqual(tokens(gateway), [undefined])
})

test('two users never share, also when only their issuers differ', async () => {
  const seen: string[] = []
  const auditor = definePlugin({
    name: 'auditor',
    version: '1.0.0',
    phase: 'guard',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({ beforeCall: ({ audience }) => void seen.push(audience) }),
  })
  const gateway = await testPlugin(accountLogin, {}, { ...options, with: [[auditor]] })
  await logIn(gateway, 'anna-1', as('anna'))
  for (const who of [as('bob'), as('anna', 'elsewhere')]) {
    assert.equal(code(await gateway.call('crm__echo', {}, who)), 'question')
  }
  assert.equal(gateway.sent.length, 1)
  await logIn(gateway, 'bob-1', as('bob'))
  await logIn(gateway, 'other-1', as('anna', 'elsewhere'))
  await gateway.result('crm__echo', {}, as('anna'))
  assert.deepEqual(
    tokens(gateway).map((one) => one?.slice(7)),
    ['anna-1', 'bob-1', 'other-1', 'anna-1'],
  )
  assert.equal(new Set(seen).size, 3)
})

test('nobody can log in for somebody else, nor answer for them', async () => {
  const gateway = await testPlugin(accountLogin, {}, options)
  const question = await gateway.call('crm__echo', {}, as('anna'))
  assert.equal(await open(gateway, question, 'mallory-1', as('mallory')), 403)
  const { caller } = as('mallory')
  assert.equal(code(await gateway.answer(question, accepted, { caller })), 'INVALID')
  assert.equal(gateway.sent.length, 0)
})

test('an answer without a login asks again, a declined one ends the call', async () => {
  const gateway = await testPlugin(accountLogin, {}, options)
  const question = await gateway.call('crm__echo', {}, as('anna'))
  const again = await gateway.answer(question, accepted)
  assert.equal(again.kind, 'question')
  const declined = await gateway.answer(again, { login: { action: 'decline' } })
  assert.equal(code(declined), 'LOGIN_REQUIRED')
  assert.equal(gateway.sent.length, 0)
})

test('where nobody can be asked, the denial says where to log in', async () => {
  for (const capabilities of [{}, { elicitation: {} }, { elicitation: { form: {} } }]) {
    const gateway = await testPlugin(accountLogin, {}, { ...logins, client: { capabilities } })
    const { code, hint } = await gateway.denied('crm__echo')
    assert.equal(code, 'LOGIN_REQUIRED')
    assert.match(hint, /^Open https:\/\/gateway\.example\/login\?account=/)
  }
})

test('a login that the upstream refuses is forgotten, and asked for with the next call', async () => {
  const reply = ({ headers }: Sent) =>
    headers.authorization === 'Bearer old' ? unauthorized(401) : { content: [] }
  const gateway = await testPlugin(accountLogin, {}, { ...options, reply })
  await logIn(gateway, 'bob-1', as('bob'))
  const refused = await logIn(gateway, 'old', as('anna'))
  assert.equal(code(refused), 'LOGIN_REQUIRED')
  assert.equal(refused.executed, false)
  assert.equal(code(await logIn(gateway, 'new', as('anna'))), 'result')
  await gateway.result('crm__echo', {}, as('bob'))
  assert.deepEqual(tokens(gateway), ['Bearer bob-1', 'Bearer old', 'Bearer new', 'Bearer bob-1'])
})

test('two calls at once each ask, and one login serves both', async () => {
  const gateway = await testPlugin(accountLogin, {}, options)
  const [one, two] = await Promise.all([
    gateway.call('crm__echo', { n: 1 }, as('anna')),
    gateway.call('crm__echo', { n: 2 }, as('anna')),
  ])
  assert.equal(await open(gateway, one, 'anna-1', as('anna')), 204)
  assert.equal(code(await gateway.answer(one, accepted)), 'result')
  assert.equal(code(await gateway.answer(two, accepted)), 'result')
  assert.deepEqual(tokens(gateway), ['Bearer anna-1', 'Bearer anna-1'])
})
