import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { pluginText } from '../admin/door.ts'
import { fileOf, patchbay } from './patchbay.ts'

const ADMIN = { host: '127.0.0.1', port: 0 }

const COMMANDS = `return { commands: {
  add: { description: 'Adds.', offline: true,
    args: { type: 'object', additionalProperties: false, required: ['a'], properties: {
      a: { type: 'integer', description: 'One.' }, b: { type: 'integer', default: 1, description: 'Other.' },
    } },
    run: ({ a, b }, { principal }) => ({ sum: a + b, by: principal.subject }) },
  list: { description: 'Lists.', run: () => [{ name: 'x', size: 1 }, { name: 'yy', size: 22 }] },
} }`

function start(t: Scope, config: object = {}): Promise<RunningGateway> {
  return startWith(
    t,
    { admin: ADMIN, plugins: [{ use: 'auth-none' }, { use: './sum.ts' }], ...config },
    { files: { 'sum.ts': pluginText('sum', COMMANDS) } },
  )
}

test('status asks the running gateway that belongs to the file', async (t) => {
  const gateway = await start(t, {
    upstreams: { off: { url: 'http://127.0.0.1:1/mcp', enabled: false } },
  })
  const { code, out } = await patchbay('status', fileOf(gateway))
  assert.equal(code, 0)
  assert.match(out, /^Patchbay \S+ at http:\/\/127\.0\.0\.1:\d+\/mcp, up \d+s$/m)
  assert.match(out, /^off\s+disabled\s+0$/m)
  assert.match(out, /^auth-none\s+\S+\s+bundled\s+0$/m)
  const json = await patchbay('status', fileOf(gateway), '--json')
  assert.equal(JSON.parse(json.out).schema, 1)
})

test('without a running gateway every asking command says so once, with what to do', async (t) => {
  const gateway = await start(t)
  const file = fileOf(gateway)
  await gateway.stop()
  for (const args of [
    ['status', file],
    ['refresh', 'x', file],
    ['explain', '--as', 'anna', 'x', file],
    ['sum', 'list', '--config', file],
  ]) {
    const { code, out, err } = await patchbay(...args)
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(
      err,
      /^\S+: no gateway runs with this file \(.*\)\. Start it: `patchbay start \S+`\.$/m,
    )
    assert.equal(err.split('\n').length, 1)
  }
  const json = await patchbay('status', file, '--json')
  assert.equal(JSON.parse(json.out).problems[0].code, 'NOT_RUNNING')
})

test('what a gateway that was killed left behind is not taken for one', async (t) => {
  const gateway = await start(t)
  await gateway.stop()
  writeFileSync(join(gateway.config.data, 'admin.json'), '{"url":"http://127.0.0.1:1"}')
  writeFileSync(join(gateway.config.data, 'admin-token'), 'x')
  const { code, err } = await patchbay('status', fileOf(gateway))
  assert.equal(code, 1)
  assert.match(err, /no gateway runs with this file \(http:\/\/127\.0\.0\.1:1 does not answer/)
})

test('with the admin door switched off the commands say which setting it is', async (t) => {
  const gateway = await start(t, { admin: false })
  const { code, err } = await patchbay('status', fileOf(gateway))
  assert.equal(code, 1)
  assert.match(err, /admin: the admin door is switched off\. Take `admin: false` out/)
})

test('environment variables of the gateway need not be set where a command is run', async (t) => {
  process.env.PATCHBAY_TEST_TOKEN = 'known-to-the-gateway'
  t.after(() => delete process.env.PATCHBAY_TEST_TOKEN)
  const secret = `\${PATCHBAY_TEST_TOKEN}`
  const gateway = await start(t, {
    upstreams: { a: { url: 'http://127.0.0.1:1/mcp', headers: { token: secret } } },
  })
  delete process.env.PATCHBAY_TEST_TOKEN
  assert.equal((await patchbay('status', fileOf(gateway))).code, 0)
  const { code, out } = await patchbay('sum', 'add', '{"a":1}', '--config', fileOf(gateway))
  assert.equal(code, 0)
  assert.match(out, /sum\s+2/)
})

test('refresh and reconnect act on an upstream and say how it is', async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await start(t, { upstreams: { one: { url: upstream.url } } })
  await gateway.ready()
  const { listed } = upstream
  const refreshed = await patchbay('refresh', 'one', fileOf(gateway))
  assert.equal(refreshed.out, 'one is read again; it is ready')
  const again = await patchbay('reconnect', 'one', fileOf(gateway), '--json')
  assert.equal(JSON.parse(again.out).status.state, 'ready')
  assert.ok(upstream.listed > listed)
  const unknown = await patchbay('reconnect', 'two', fileOf(gateway))
  assert.equal(unknown.code, 1)
  assert.match(unknown.err, /there is no upstream two/)
})

const SCOPED = `return { listFilter: ({ principal, path }) => ({
  key: JSON.stringify([principal.issuer, principal.scopes, principal.claims, path]),
  test: (entry) => {
    if (entry.name.endsWith('delete_it') && !principal.scopes.includes('delete')) {
      return { rule: 'destructive', reason: 'deleting needs a scope', scopes: ['delete'] }
    }
    if (entry.name.endsWith('team_only') && principal.claims.team !== 'core') {
      return { rule: 'team', reason: 'for the team ' + path }
    }
    return entry.name.endsWith('odd') ? undefined : true
  },
}), present: () => ({ key: 'x', apply: (entries) => entries.filter(({ name }) => !name.includes('hidden')) }) }`

async function judged(t: Scope): Promise<RunningGateway> {
  const upstream = await modernUpstream(t)
  for (const name of ['delete_it', 'team_only', 'hidden', 'odd']) upstream.tools.offer(name)
  const gateway = await startWith(
    t,
    {
      admin: ADMIN,
      profiles: { work: {} },
      upstreams: { one: { url: upstream.url } },
      plugins: [{ use: 'auth-none' }, { use: './scoped.ts' }],
    },
    { files: { 'scoped.ts': pluginText('scoped', SCOPED) } },
  )
  await gateway.ready()
  return gateway
}

test('explain tells who refuses a tool, by which rule and why', async (t) => {
  const gateway = await judged(t)
  const ask = (...args: string[]) => patchbay('explain', ...args, fileOf(gateway))
  const { code, out } = await ask('--as', 'anna', 'one__delete_it')
  assert.equal(code, 0)
  assert.equal(
    out,
    `one__delete_it on /mcp, as anna of auth-none with no scopes
This caller may not call it
Its lists do not show it

UPSTREAM  TOOL       VERDICT  PLUGIN  RULE         REASON
one       delete_it  refused  scoped  destructive  deleting needs a scope (needs delete)`,
  )
  const odd = await ask('--as', 'anna', 'one__odd')
  assert.match(odd.out, /refused\s+scoped\s+it did not say yes$/m)
  const may = await ask('--as', 'anna', '--scopes', 'read,delete', 'one__delete_it')
  assert.match(may.out, /with scopes read, delete\nThis caller may call it\nIts lists show it/)
})

test('explain describes a caller by issuer, claims and profile', async (t) => {
  const gateway = await judged(t)
  const ask = async (...args: string[]) =>
    JSON.parse((await patchbay('explain', ...args, '--json', fileOf(gateway))).out)
  const refused = await ask(
    '--as',
    'https://idp.example/t/anna',
    '--profile',
    'work',
    'one__team_only',
  )
  assert.equal(refused.verdict, 'refused')
  assert.deepEqual(refused.caller, {
    issuer: 'https://idp.example/t',
    subject: 'anna',
    scopes: [],
    path: '/mcp/work',
  })
  assert.equal(refused.targets[0].refusals[0].reason, 'for the team /mcp/work')
  const core = await ask('--as', 'anna', '--claims', '{"team":"core"}', 'one__team_only')
  assert.equal(core.verdict, 'callable')
})

test('explain knows what can be called and is not shown, and what is not there', async (t) => {
  const gateway = await judged(t)
  const hidden = await patchbay('explain', '--as', 'anna', 'one__hidden', fileOf(gateway))
  assert.match(hidden.out, /may call it\nIts lists do not show it/)
  const near = await patchbay('explain', '--as', 'anna', 'one__hiden', fileOf(gateway))
  assert.match(
    near.out,
    /There is no such tool, prompt or resource \(did you mean "one__hidden"\?\)/,
  )
})

test('explain refuses what it cannot ask', async (t) => {
  const gateway = await judged(t)
  const ask = (...args: string[]) => patchbay('explain', ...args, fileOf(gateway))
  const claims = await ask('--as', 'anna', '--claims', 'team=core', 'x')
  assert.match(claims.err, /--claims: is not a JSON object\. Quote it/)
  const profile = await ask('--as', 'anna', '--profile', 'play', 'x')
  assert.match(profile.err, /no profile play\. Profiles: work/)
  assert.equal((await ask('x')).code, 1, 'a caller is needed')
})

test('a plugin’s commands run by its id, on the running gateway', async (t) => {
  const gateway = await start(t)
  const config = ['--config', fileOf(gateway)]
  const sum = await patchbay('sum', 'add', '{"a":2}', ...config)
  assert.equal(sum.out, 'sum  3\nby   operator')
  assert.equal((await patchbay('sum', 'list', ...config)).out, 'NAME  SIZE\nx     1\nyy    22')
  const json = await patchbay('sum', 'list', '--json', ...config)
  assert.deepEqual(JSON.parse(json.out)[1], { name: 'yy', size: 22 })
  const wrong = await patchbay('sum', 'add', '{"b":2}', ...config)
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /the arguments: .*a|a: /)
  assert.match((await patchbay('sum', 'add', '2', ...config)).err, /args: is not a JSON object/)
  assert.match((await patchbay('sum', ...config)).out, /^add\s+Adds\.\s+true$/m)
  assert.match((await patchbay('auth-none', ...config)).out, /has no commands/)
})

test('a command that can do without runs without the gateway, others do not', async (t) => {
  const gateway = await start(t)
  const config = ['--config', fileOf(gateway)]
  await gateway.stop()
  assert.equal((await patchbay('sum', 'add', '{"a":2}', ...config)).out, 'sum  3\nby   operator')
  assert.match((await patchbay('sum', 'add', '{"a":"x"}', ...config)).err, /a: must be/)
  assert.match((await patchbay('sum', 'list', ...config)).err, /no gateway runs/)
  assert.match((await patchbay('sum', 'ad', ...config)).err, /did you mean "add"/)
})
