import assert from 'node:assert/strict'
import test from 'node:test'
import { ask, definePlugin, deny, Events, type GuardHooks } from 'mcp-patchbay/sdk'
import { checkPlugin, type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'
import audit from './index.ts'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const hooked = (hooks: GuardHooks) =>
  definePlugin({
    name: 'other',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => hooks,
  })

type Fields = Record<string, unknown>

async function records(gateway: TestGateway, query: Fields = {}): Promise<Fields[]> {
  return (await gateway.command('audit', 'query', { full: true, ...query })) as Fields[]
}

const ends = async (gateway: TestGateway, ...names: string[]) =>
  (await records(gateway)).map((one) => names.map((name) => one[name]))

test('a call is one record that says who, what, where and how it ended', async () => {
  const gateway = await testPlugin(audit, {}, { tools: { crm: ['find'] } })
  const caller = {
    principal: { issuer: 'https://id.example', subject: 'anna' },
    client: { name: 'desk', version: '3.1' },
    path: '/mcp/sales',
  }
  const meta = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
  await gateway.result('crm__find', { name: 'x', password: 'hunter2' }, { caller, meta })
  const [record] = await records(gateway)
  const { id, request, time, wire, session, ...rest } = record ?? {}
  assert.ok(id && request && wire)
  assert.equal(time, '2026-01-01T00:00:00.000Z')
  assert.deepEqual(rest, {
    record: 1,
    kind: 'call',
    issuer: 'https://id.example',
    principal: 'anna',
    path: '/mcp/sales',
    client: 'desk',
    clientVersion: '3.1',
    protocol: '2026-07-28',
    method: 'tools/call',
    name: 'crm__find',
    upstream: 'crm',
    tool: 'find',
    outcome: 'ok',
    executed: true,
    start: 1_767_225_600_000,
    duration: 0,
    upstreamDuration: 0,
    rounds: 1,
    trace: meta.traceparent,
    argumentNames: ['name', 'password'],
  })
  await gateway.stop()
})

test('each end is told apart, and each call is there once', async () => {
  const judge = hooked({
    beforeCall({ args }) {
      if (args.bad === 1) return deny('FORBIDDEN', 'no, token=abcdefgh', { rule: 'r1' })
      if (args.bad === 2) throw new Error('broken')
      return undefined
    },
  })
  const gone = new AbortController()
  const gateway = await testPlugin(
    audit,
    {},
    {
      with: [[judge]],
      reply({ args }) {
        if (args.cancel) gone.abort()
        return args.cancel
          ? { kind: 'cancelled', reason: 'gone', executed: true }
          : { content: [], isError: args.fails === true }
      },
    },
  )
  await gateway.result('demo__echo')
  await gateway.result('demo__echo', { fails: true })
  await gateway.denied('demo__echo', { bad: 1 })
  await gateway.denied('demo__none')
  await gateway.call('demo__echo', { bad: 2 })
  await gateway.call('demo__echo', { cancel: true }, { cancel: gone.signal })
  assert.deepEqual(await ends(gateway, 'outcome', 'code', 'deniedBy', 'rule', 'executed'), [
    ['ok', undefined, undefined, undefined, true],
    ['error', undefined, undefined, undefined, true],
    ['denied', 'FORBIDDEN', 'other', 'r1', false],
    ['denied', 'NOT_FOUND', undefined, undefined, false],
    ['failed', 'PLUGIN_FAILED', undefined, undefined, false],
    ['cancelled', undefined, undefined, undefined, true],
  ])
  assert.equal((await records(gateway))[2]?.message, 'no, token=[redacted]')
  await gateway.stop()
})

for (const strict of [false, true]) {
  test(`a call that asks is one record, also when nobody answers (strict: ${strict})`, async () => {
    const approval = hooked({
      beforeCall: ({ answers }) =>
        answers.ok
          ? undefined
          : ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } }),
    })
    const asking = { client: { capabilities: { elicitation: {} } } }
    const gateway = await testPlugin(audit, { strict }, { ...asking, with: [[approval]] })
    const question = await gateway.call('demo__echo', { n: 1 })
    assert.deepEqual(await records(gateway), [])
    await gateway.answer(question, { ok: { action: 'accept', content: {} } })
    await gateway.call('demo__echo', { n: 2 })
    gateway.clock.advance(11 * 60_000)
    while ((await records(gateway)).length < 2) await new Promise(setImmediate)
    gateway.clock.advance(11 * 60_000)
    assert.deepEqual(await ends(gateway, 'outcome', 'rounds'), [
      ['ok', 2],
      ['cancelled', 1],
    ])
    await gateway.stop()
  })
}

test('lists, refused logins and what plugins tell are recorded', async () => {
  const telling = definePlugin({
    name: 'policy',
    version: '1.0.0',
    configSchema: nothing,
    needs: { events: Events },
    setup: (_config, { events }) => ({
      authenticate: () => deny('UNAUTHENTICATED', 'the key sk-abcdefghijklmnop is not valid'),
      commands: {
        change: {
          description: 'Changes it.',
          run(_args, { principal }) {
            events.emit('denied', { tool: 'x', by: principal.subject, token: 'hunter2' })
            return 'done'
          },
        },
      },
    }),
  })
  const gateway = await testPlugin(audit, {}, { with: [[telling]] })
  await gateway.list({ principal: { subject: 'anna' } })
  await gateway.refused({}, { path: '/mcp', remoteAddress: '192.0.2.7' })
  await gateway.command('policy', 'change')
  const [list, refusal, event] = await records(gateway)
  assert.deepEqual(
    [list?.kind, list?.method, list?.count, list?.principal],
    ['list', 'tools/list', 1, 'anna'],
  )
  assert.deepEqual(
    [refusal?.kind, refusal?.outcome, refusal?.code, refusal?.path, refusal?.address],
    ['refusal', 'denied', 'UNAUTHENTICATED', '/mcp', '192.0.2.7'],
  )
  assert.equal(refusal?.message, 'the key [redacted] is not valid')
  assert.deepEqual([event?.kind, event?.plugin, event?.name], ['event', 'policy', 'denied'])
  assert.equal((event?.fields as Fields | undefined)?.token, '[redacted]')
  await gateway.stop()
})

test('only what is wanted is recorded', async () => {
  const gateway = await testPlugin(audit, { record: ['lists'] })
  await gateway.result('demo__echo')
  await gateway.list()
  assert.deepEqual(await ends(gateway, 'kind'), [['list']])
  await gateway.stop()
})

test('arguments and results are kept as the settings say, without secrets', async () => {
  const reply = () => ({ content: [{ type: 'text', text: '{"token":"hunter2","a":1}' }] })
  const kept = async (config: object) => {
    const gateway = await testPlugin(audit, config, { reply })
    await gateway.result('demo__echo', { to: 'anna', login: { password: 'hunter2' } })
    const [record] = await records(gateway)
    await gateway.stop()
    assert.doesNotMatch(JSON.stringify(record), /hunter2/)
    const { arguments: args, argumentNames, result } = record ?? {}
    return { args, argumentNames, result }
  }
  const none = { args: undefined, argumentNames: undefined, result: undefined }
  assert.deepEqual(await kept({ arguments: 'none' }), none)
  assert.deepEqual(await kept({}), { ...none, argumentNames: ['to', 'login'] })
  assert.deepEqual(await kept({ arguments: 'redacted', results: 'redacted' }), {
    args: { to: 'anna', login: { password: '[redacted]' } },
    argumentNames: undefined,
    result: { content: [{ type: 'text', text: '{"token":"[redacted]","a":1}' }] },
  })
})

test('names that callers make up are kept short and without secrets', async () => {
  const gateway = await testPlugin(audit)
  await gateway.call(`Bearer abcdefghijkl ${'x'.repeat(100_000)}`)
  const [record] = await records(gateway)
  assert.ok(JSON.stringify(record).length < 4_000)
  assert.match(String(record?.name), /^Bearer \[redacted\] x+…$/)
  await gateway.stop()
})

test('the log is a sink as well', async () => {
  const gateway = await testPlugin(audit, { sinks: ['log'] })
  await gateway.result('demo__echo')
  const [line] = gateway.logs
  assert.equal(line?.level, 'info')
  assert.equal((line?.fields as { record: Fields } | undefined)?.record.outcome, 'ok')
  await assert.rejects(gateway.command('audit', 'tail'))
  await gateway.stop()
})

test('query filters and tail shows the newest, oldest first', async () => {
  const gateway = await testPlugin(audit, {}, { tools: ['echo', 'ping'] })
  for (const subject of ['anna', 'bob']) {
    const caller = { principal: { subject } }
    await gateway.result('demo__echo', {}, { caller })
    await gateway.result('demo__ping', {}, { caller })
    await gateway.denied('demo__none', {}, { caller })
    gateway.clock.advance(3_600_000)
  }
  const what = async (query: Fields) =>
    ((await gateway.command('audit', 'query', query)) as Fields[]).map(
      ({ principal, what: name }) => `${principal} ${name}`,
    )
  assert.deepEqual(await what({ principal: 'bob' }), [
    'bob demo__echo',
    'bob demo__ping',
    'bob demo__none',
  ])
  assert.deepEqual(await what({ tool: '*_p?ng' }), ['anna demo__ping', 'bob demo__ping'])
  assert.deepEqual(await what({ outcome: 'denied' }), ['anna demo__none', 'bob demo__none'])
  assert.deepEqual(await what({ since: '90m', outcome: 'ok' }), [
    'bob demo__echo',
    'bob demo__ping',
  ])
  assert.deepEqual(await what({ principal: "' or 1=1 --" }), [])
  assert.deepEqual(await what({ limit: 1 }), ['bob demo__none'])
  const tail = (await gateway.command('audit', 'tail', { limit: 2 })) as Fields[]
  assert.deepEqual(
    tail.map(({ what: name, outcome }) => [name, outcome]),
    [
      ['demo__ping', 'ok'],
      ['demo__none', 'denied'],
    ],
  )
  await gateway.stop()
})

test('settings that cannot be are refused with path and reason', async () => {
  const refusals: [unknown, RegExp][] = [
    [{ arguments: 'all' }, /config\.arguments: must be one of none, keys, redacted/],
    [{ sinks: [] }, /config\.sinks/],
    [{ strict: true, sinks: ['log'] }, /strict: has nothing to wait for without the database/],
    [{ redact: { patterns: ['('] } }, /redact\.patterns\[0\]: /],
    [{ redact: { keys: ['a', '!b'] } }, /redact\.keys\[1\]: "!b" begins with "!"/],
    [{ queue: 0 }, /config\.queue: must be >= 1/],
    [{ retain: {} }, /config\.retain: is not a setting here/],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(audit, config), { message })
  }
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(audit, { folder: import.meta.dirname }))
