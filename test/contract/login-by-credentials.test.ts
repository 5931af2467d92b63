import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ask,
  type Call,
  type Caller,
  Calls,
  change,
  definePlugin,
  deny,
  KeyValue,
  type Outcome,
} from 'mcp-patchbay/sdk'
import { type Sent, testPlugin, unauthorized } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** Asks for an upstream's token when, and only when, it is about to be called without one. */
const lateLogin = definePlugin({
  name: 'late-login',
  version: '1.0.0',
  configSchema: nothing,
  upstreamSettings: { key: 'login', schema: nothing },
  needs: { keyValue: KeyValue },
  setup(_config, { keyValue }, upstreams) {
    const accountOf = (upstream: string, { principal }: Caller) =>
      JSON.stringify([upstream, principal.issuer, principal.subject])
    const login = (upstream: string, call: Call, why: string) => {
      const params = {
        message: `${upstream} ${why}`,
        requestedSchema: { type: 'object', properties: { token: { type: 'string' } } },
      }
      return call.canAsk('elicitation/create')
        ? ask({ [upstream]: { method: 'elicitation/create', params } })
        : deny('LOGIN_REQUIRED', params.message, { hint: 'Use a client that can be asked.' })
    }
    return {
      identity: ({ upstream, caller }) =>
        upstreams.has(upstream) ? accountOf(upstream, caller) : undefined,
      async credentials({ upstream, caller, call }) {
        if (!upstreams.has(upstream) || caller === undefined || call === undefined) return undefined
        const account = accountOf(upstream, caller)
        const { action, content } = call.answers[upstream] ?? {}
        if (action === 'decline') return deny('LOGIN_REQUIRED', 'the login was declined')
        const answered = (content as { token?: string } | undefined)?.token
        // What was answered counts once: a token that was refused meanwhile must not come back.
        if (answered !== undefined && (await keyValue.add(`used ${call.id} ${answered}`, '1'))) {
          await keyValue.set(account, answered)
        }
        const token = await keyValue.get(account)
        if (token === undefined) return login(upstream, call, 'needs a login')
        return { headers: { authorization: `Bearer ${token}` } }
      },
      async refused({ upstream, caller, call }) {
        if (!upstreams.has(upstream) || caller === undefined || call === undefined) return undefined
        await keyValue.delete(accountOf(upstream, caller))
        return login(upstream, call, 'no longer accepts the login')
      },
    }
  },
})

const options = {
  tools: { crm: ['echo'], hr: ['echo'], open: ['echo'] },
  upstreams: { crm: { login: {} }, hr: { login: {} } },
  client: { capabilities: { elicitation: {} } },
}
/** The same without anybody who logs in. */
const plain = { tools: { crm: ['echo'] }, client: options.client }
const as = (subject: string) => ({ caller: { principal: { subject } } })
const token = (text: string) => ({ crm: { action: 'accept', content: { token: text } } })
const code = (outcome: Outcome) => ('code' in outcome ? outcome.code : outcome.kind)
const tokens = (sent: readonly Sent[]) => sent.map(({ headers }) => headers.authorization)

test('the call that needs a login asks for it, and the next one does not', async () => {
  const gateway = await testPlugin(lateLogin, {}, options)
  const question = await gateway.call('crm__echo')
  assert.equal(question.kind, 'question')
  assert.equal(gateway.sent.length, 0)
  assert.equal(code(await gateway.answer(question, token('one'))), 'result')
  await gateway.result('crm__echo')
  await gateway.result('open__echo')
  assert.deepEqual(tokens(gateway.sent), ['Bearer one', 'Bearer one', undefined])
})

test('an answer counts once, and for nobody else', async () => {
  const gateway = await testPlugin(lateLogin, {}, options)
  const question = await gateway.call('crm__echo', { a: 1 }, as('anna'))
  const other = { caller: { principal: { subject: 'mallory' } } }
  assert.equal(code(await gateway.answer(question, token('hers'), other)), 'INVALID')
  assert.equal(code(await gateway.answer(question, token('x'), { args: { a: 2 } })), 'INVALID')
  assert.equal(gateway.sent.length, 0)
  assert.equal(code(await gateway.answer(question, token('hers'))), 'result')
  assert.equal(code(await gateway.answer(question, token('hers'))), 'INVALID')
  assert.equal(gateway.sent.length, 1)
})

test('a declined login ends the call, and an empty answer asks again', async () => {
  const gateway = await testPlugin(lateLogin, {}, options)
  const again = await gateway.answer(await gateway.call('crm__echo'), {})
  assert.equal(again.kind, 'question')
  assert.equal(code(await gateway.answer(again, { crm: { action: 'decline' } })), 'LOGIN_REQUIRED')
  assert.equal(gateway.sent.length, 0)
})

test('a login that the upstream refuses is asked for anew; nothing was done meanwhile', async () => {
  const reply = ({ headers }: Sent) =>
    headers.authorization === 'Bearer old' ? unauthorized(401) : { content: [] }
  const gateway = await testPlugin(lateLogin, {}, { ...options, reply })
  const refused = await gateway.answer(await gateway.call('crm__echo'), token('old'))
  assert.equal(refused.kind, 'question')
  assert.equal(refused.executed, false)
  assert.equal(code(await gateway.answer(refused, token('new'))), 'result')
  assert.deepEqual(tokens(gateway.sent), ['Bearer old', 'Bearer new'])
})

test('where nobody can be asked the denial says so, and who asks all the same is told what is missing', async () => {
  const mute = { ...options, client: { capabilities: {} } }
  const gateway = await testPlugin(lateLogin, {}, mute)
  assert.equal((await gateway.denied('crm__echo')).code, 'LOGIN_REQUIRED')
  const blunt = definePlugin({
    name: 'blunt',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      credentials: () => ask({ a: { method: 'elicitation/create', params: { message: '?' } } }),
    }),
  })
  const bluntly = await testPlugin(blunt, {}, { ...plain, client: mute.client })
  const outcome = await bluntly.call('crm__echo')
  assert.ok(outcome.kind === 'question')
  assert.deepEqual(outcome.missing, { elicitation: { form: {} } })
})

test('a call that is cancelled while the login is looked up asks nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = definePlugin({
    name: 'slow',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      async credentials() {
        await promise
        return ask({ a: { method: 'elicitation/create', params: { message: '?' } } })
      },
    }),
  })
  const gateway = await testPlugin(slow, {}, plain)
  const stop = new AbortController()
  const running = gateway.call('crm__echo', {}, { cancel: stop.signal })
  stop.abort('enough')
  resolve()
  assert.equal((await running).kind, 'cancelled')
})

test('a login that nobody answers ends the call, once', async () => {
  const gateway = await testPlugin(lateLogin, {}, options)
  await gateway.call('crm__echo')
  gateway.clock.advance(11 * 60_000)
  await new Promise(setImmediate)
  const ends = gateway.events.filter(({ type }) => type === 'call.finished')
  assert.equal(ends.length, 1)
  assert.ok(ends[0]?.type === 'call.finished' && ends[0].outcome.kind === 'cancelled')
})

const firsts: boolean[] = []
const approval = definePlugin({
  name: 'approval',
  version: '1.0.0',
  phase: 'guard',
  configSchema: nothing,
  setup: () => ({
    beforeCall({ answers, first }) {
      firsts.push(first)
      if (answers.sure !== undefined) return undefined
      return ask({ sure: { method: 'elicitation/create', params: { message: 'Sure?' } } })
    },
  }),
})

test('a guard and the login ask one after the other, and the guard only once', async () => {
  firsts.length = 0
  for (const place of ['before', 'with'] as const) {
    const gateway = await testPlugin(lateLogin, {}, { ...options, [place]: [[approval]] })
    const sure = await gateway.call('crm__echo')
    const login = await gateway.answer(sure, { sure: { action: 'accept' } })
    assert.ok(login.kind === 'question')
    assert.deepEqual(Object.keys(login.questions), ['late-login/crm'])
    assert.equal(code(await gateway.answer(login, token('one'))), 'result')
    assert.equal(gateway.sent.length, 1)
  }
  assert.deepEqual(firsts, [true, false, false, true, false, false])
})

test('an answer about one upstream says nothing of another', async () => {
  let to = 'crm'
  const router = definePlugin({
    name: 'router',
    version: '1.0.0',
    phase: 'shape',
    configSchema: nothing,
    setup: () => ({
      arrange: ([one, other]) =>
        one && other ? [{ ...one, targets: [...one.targets, ...other.targets] }] : [],
      beforeCall: () => change({ target: { upstream: to, name: 'echo' } }),
    }),
  })
  const seen: unknown[] = []
  const trusting = definePlugin({
    name: 'trusting',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      credentials({ upstream, call }) {
        seen.push([upstream, call?.answers.login?.action])
        if (call?.answers.login !== undefined) return { headers: {} }
        return ask({ login: { method: 'elicitation/create', params: { message: upstream } } })
      },
    }),
  })
  const tools = { crm: ['echo'], hr: ['echo'] }
  const gateway = await testPlugin(trusting, {}, { ...plain, tools, with: [[router]] })
  const question = await gateway.call('crm__echo')
  to = 'hr'
  const again = await gateway.answer(question, { login: { action: 'accept' } })
  assert.equal(again.kind, 'question')
  assert.equal(gateway.sent.length, 0)
  assert.equal(code(await gateway.answer(again, { login: { action: 'accept' } })), 'result')
  assert.deepEqual(seen, [
    ['crm', undefined],
    ['hr', undefined],
    ['hr', 'accept'],
  ])
})

test('questions that are none are a failure of the plugin', async () => {
  const odd = definePlugin({
    name: 'odd',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({ credentials: () => ask({}) }),
  })
  const gateway = await testPlugin(odd, {}, plain)
  const outcome = await gateway.call('crm__echo')
  assert.ok(outcome.kind === 'failure' && outcome.hook === 'credentials')
  assert.equal(gateway.sent.length, 0)
})

test('the login of an inner call is asked for by the call around it, and goes on there', async () => {
  const wrapper = definePlugin({
    name: 'wrapper',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'wrapped', inputSchema: { type: 'object' } },
          call: (call) => calls.call(call.caller, 'crm__echo', { inner: true }, { parent: call }),
        },
      ],
    }),
  })
  const gateway = await testPlugin(lateLogin, {}, { ...options, with: [[wrapper]] })
  const question = await gateway.call('wrapped')
  assert.equal(question.kind, 'question')
  assert.equal(code(await gateway.answer(question, token('inner'))), 'result')
  assert.deepEqual(tokens(gateway.sent), ['Bearer inner'])
})
