import assert from 'node:assert/strict'
import test from 'node:test'
import { ask, Calls, definePlugin, deny } from 'mcp-patchbay/sdk'
import { checkPlugin, type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'
import rateLimit from './index.ts'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const by = (subject: string, client = 'c') => ({
  caller: { principal: { subject }, client: { name: client } },
})

async function lets(gateway: TestGateway, name: string, options = {}): Promise<number> {
  let through = 0
  while (through < 100 && (await gateway.call(name, {}, options)).kind === 'result') through++
  return through
}

async function denials(gateway: TestGateway): Promise<Record<string, number>> {
  const { 'rate-limit': section } = await gateway.status()
  const { limits } = section as { limits: { name: string; denied: number }[] }
  return Object.fromEntries(limits.map(({ name, denied }) => [name, denied]))
}

test('who is over a limit is told which, and when to come back, and then may', async () => {
  const limits = [{ per: ['principal'], calls: 2, window: '10s' }]
  const gateway = await testPlugin(rateLimit, { limits })
  assert.equal(await lets(gateway, 'demo__echo'), 2)
  const denial = await gateway.denied('demo__echo')
  assert.equal(denial.code, 'RATE_LIMITED')
  assert.equal(denial.rule, 'principal-10s')
  assert.equal(denial.retryAfterMs, 5_000)
  assert.match(denial.message, /principal-10s is used up: 2 calls in 10 s for one principal/)
  assert.equal(denial.hint, 'Wait 5 seconds before trying again.')
  assert.equal(gateway.sent.length, 2)
  gateway.clock.advance(4_999)
  await gateway.denied('demo__echo')
  gateway.clock.advance(1)
  assert.equal(await lets(gateway, 'demo__echo'), 1)
})

test('seeds 7.32: a denied call consumes nothing, also of the limits that had room', async () => {
  const limits = [
    { per: [], calls: 5, window: '1h' },
    { per: ['principal'], calls: 2, window: '1h' },
  ]
  const gateway = await testPlugin(rateLimit, { limits })
  assert.equal(await lets(gateway, 'demo__echo', by('anna')), 2)
  for (let i = 0; i < 50; i++) await gateway.denied('demo__echo', {}, by('anna'))
  // Of the five for all together anna has taken two.
  assert.equal(await lets(gateway, 'demo__echo', by('bob')), 2)
  assert.equal(await lets(gateway, 'demo__echo', by('carl')), 1)
  assert.equal((await gateway.denied('demo__echo', {}, by('dora'))).rule, '3600s')
  gateway.clock.advance(3_600_000)
  assert.equal(await lets(gateway, 'demo__echo', by('anna')), 2)
})

test('seeds 7.32: limits per principal, tool and upstream combine, each counting its own', async () => {
  const limits = [
    { name: 'person', per: ['principal'], calls: 6, window: '1h' },
    { name: 'server', per: ['principal', 'upstream'], calls: 4, window: '1h' },
    { name: 'tool', per: ['principal', 'tool'], calls: 3, window: '1h' },
  ]
  const options = { tools: { a: ['x', 'y'], b: ['x', 'y'] } }
  const gateway = await testPlugin(rateLimit, { limits }, options)
  assert.equal(await lets(gateway, 'a__x', by('anna')), 3)
  assert.equal((await gateway.denied('a__x', {}, by('anna'))).rule, 'tool')
  assert.equal(await lets(gateway, 'a__y', by('anna')), 1)
  assert.equal((await gateway.denied('a__y', {}, by('anna'))).rule, 'server')
  // A tool of the same name elsewhere is another tool.
  assert.equal(await lets(gateway, 'b__x', by('anna')), 2)
  assert.equal((await gateway.denied('b__y', {}, by('anna'))).rule, 'person')
  assert.equal(await lets(gateway, 'a__x', by('bob')), 3)
  assert.deepEqual(await denials(gateway), { person: 2, server: 2, tool: 3 })
})

test('an alias is the same tool', async () => {
  const limits = [{ per: ['tool'], calls: 2, window: '1h' }]
  const gateway = await testPlugin(
    rateLimit,
    { limits },
    { tools: { files: ['list'] }, aliases: { files: { ls: 'list' } } },
  )
  await gateway.result('files__ls')
  await gateway.result('files__list')
  await gateway.denied('files__ls')
  await gateway.denied('files__list')
})

test('a burst lets fewer through at once than a window brings back', async () => {
  const limits = [{ per: ['principal'], calls: 60, window: '1m', burst: 3 }]
  const gateway = await testPlugin(rateLimit, { limits })
  assert.equal(await lets(gateway, 'demo__echo'), 3)
  gateway.clock.advance(1_000)
  assert.equal(await lets(gateway, 'demo__echo'), 1)
  gateway.clock.advance(60_000)
  assert.equal(await lets(gateway, 'demo__echo'), 3)
})

test('what a limit does not match is not counted by it', async () => {
  const window = '1h'
  const limits = [
    { name: 'writes', per: [], calls: 1, window, match: { tools: ['write_*'] } },
    { name: 'b', per: [], calls: 2, window, match: { upstreams: ['b*'] } },
    { name: 'bots', per: [], calls: 1, window, match: { principals: ['bot-*'] } },
    { name: 'reads', per: [], calls: 1, window, match: { methods: ['prompts/get'] } },
  ]
  const options = { tools: { a: ['write_file', 'read'], b2: ['read'] } }
  const gateway = await testPlugin(rateLimit, { limits }, options)
  assert.equal(await lets(gateway, 'a__write_file'), 1)
  assert.equal(await lets(gateway, 'b2__read'), 2)
  await gateway.result('a__read', {}, by('bot-1'))
  assert.equal((await gateway.denied('a__read', {}, by('bot-2'))).rule, 'bots')
  for (let i = 0; i < 20; i++) await gateway.result('a__read')
})

test('a call that asks is counted once, in whatever round it gets here', async () => {
  const approval = definePlugin({
    name: 'approval',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => ({
      beforeCall: ({ answers }) =>
        answers.ok
          ? undefined
          : ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } }),
    }),
  })
  const limits = [{ per: ['principal'], calls: 2, window: '1h' }]
  const asking = { client: { capabilities: { elicitation: {} } } }
  for (const where of ['before', 'with'] as const) {
    const gateway = await testPlugin(rateLimit, { limits }, { ...asking, [where]: [[approval]] })
    for (let i = 0; i < 2; i++) {
      const question = await gateway.call('demo__echo')
      const answered = await gateway.answer(question, { ok: { action: 'accept', content: {} } })
      assert.equal(answered.kind, 'result', where)
    }
    const third = await gateway.call('demo__echo')
    const last =
      third.kind === 'question'
        ? await gateway.answer(third, { ok: { action: 'accept', content: {} } })
        : third
    assert.equal(last.kind === 'denial' && last.code, 'RATE_LIMITED', where)
  }
})

test('calls that a plugin makes inside a call count too', async () => {
  const twice = definePlugin({
    name: 'twice',
    version: '1.0.0',
    configSchema: nothing,
    needs: { calls: Calls },
    setup: (_config, { calls }) => ({
      tools: [
        {
          definition: { name: 'twice', inputSchema: { type: 'object' } },
          async call(call) {
            await calls.call(call.caller, 'demo__echo', {}, { parent: call })
            return calls.call(call.caller, 'demo__echo', { again: true }, { parent: call })
          },
        },
      ],
    }),
  })
  const limits = [{ per: ['principal'], calls: 4, window: '1h' }]
  const gateway = await testPlugin(rateLimit, { limits }, { with: [[twice]] })
  await gateway.result('twice')
  assert.equal((await gateway.call('twice')).kind, 'denial')
  assert.equal(gateway.sent.length, 2)
})

test('what another guard refused before is not counted, what one refuses after is', async () => {
  const never = definePlugin({
    name: 'never',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => ({ beforeCall: ({ args }) => (args.bad ? deny('FORBIDDEN', 'bad') : undefined) }),
  })
  const limits = [{ per: ['principal'], calls: 2, window: '1h' }]
  const counted = async (where: 'before' | 'with') => {
    const gateway = await testPlugin(rateLimit, { limits }, { [where]: [[never]] })
    await gateway.denied('demo__echo', { bad: true })
    return 2 - (await lets(gateway, 'demo__echo'))
  }
  assert.equal(await counted('before'), 0)
  assert.equal(await counted('with'), 1)
})

test('in shadow it says whom it would have refused, and counts beside the real count', async () => {
  const limits = [{ per: ['principal'], calls: 2, window: '1h' }]
  const gateway = await testPlugin(rateLimit, { limits }, { mode: 'shadow' })
  for (let i = 0; i < 5; i++) await gateway.result('demo__echo')
  assert.deepEqual(
    gateway
      .shadow()
      .map(({ verdict, rule, count }) => [verdict, rule, count])
      .sort(),
    [
      ['deny', 'RATE_LIMITED principal-3600s', 3],
      ['none', '', 2],
    ],
  )
  assert.deepEqual(await denials(gateway), { 'principal-3600s': 0 })
})

test('to ask what it would say takes nothing', async () => {
  const limits = [{ per: ['principal'], calls: 1, window: '1h' }]
  const gateway = await testPlugin(rateLimit, { limits })
  for (let i = 0; i < 3; i++) await gateway.rehearse('demo__echo')
  assert.equal(await lets(gateway, 'demo__echo'), 1)
  await gateway.rehearse('demo__echo')
  assert.deepEqual(await denials(gateway), { 'principal-3600s': 1 })
})

test('settings that cannot be are refused with path and reason', async () => {
  const one = { per: ['principal'], calls: 1, window: '1s' }
  const refusals: [unknown, RegExp][] = [
    [{}, /config: needs `limits`/],
    [{ limits: [] }, /config\.limits: /],
    [{ limits: [{ ...one, calls: 0 }] }, /config\.limits\[0\]\.calls: must be >= 1/],
    [{ limits: [{ ...one, window: 0 }] }, /limits\[0\]\.window: must be longer than 0/],
    [{ limits: [{ ...one, per: ['user'] }] }, /limits\[0\]\.per\[0\]: must be one of principal/],
    [{ limits: [one, one] }, /limits\[1\]: is called "principal-1s" like limits\[0\]/],
    [{ limits: [{ ...one, match: {} }] }, /limits\[0\]\.match: /],
    [
      { limits: [{ ...one, match: { tools: ['a', '!b'] } }] },
      /limits\[0\]\.match\.tools\[1\]: "!b" begins with "!"/,
    ],
    [{ limits: [{ ...one, brust: 2 }] }, /did you mean "burst"/],
  ]
  for (const [config, message] of refusals) {
    await assert.rejects(testPlugin(rateLimit, config), { message })
  }
})

test('it keeps to what every plugin is held to', () =>
  checkPlugin(rateLimit, { folder: import.meta.dirname }))
