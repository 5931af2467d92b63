// Which of an upstream's tools are offered, and under which names.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, rawClient, toolCall } from '../../fixtures/raw.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'

const ALL = ['echo', 'add', 'fail', 'slow', 'big']

async function gatewayWith(t: TestContext, tools: object): Promise<RunningGateway> {
  const { url } = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { up: { url, tools } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  return gateway
}

async function listOf(client: RawClient): Promise<string[]> {
  const { messages } = await client.ask({ method: 'tools/list' })
  const { result } = JSON.parse(messages[0] ?? '')
  return result.tools.map((tool: { name: string }) => tool.name)
}

async function isCallable(client: RawClient, name: string): Promise<boolean> {
  const { messages } = await client.ask(toolCall(name, '{}'))
  const { error, result } = JSON.parse(messages[0] ?? '')
  if (error !== undefined) assert.equal(error.code, -32602)
  return result !== undefined
}

const CASES: readonly [what: string, tools: object, left: readonly string[]][] = [
  ['everything when nothing is said', {}, ALL],
  ['what include names', { include: ['echo', 'a*'] }, ['echo', 'add']],
  ['nothing when include is empty', { include: [] }, []],
  ['all but what exclude names', { exclude: ['[ab]*'] }, ['echo', 'fail', 'slow']],
  [
    'what include names without what exclude names',
    { include: ['*d', 'b*'], exclude: ['add'] },
    ['big'],
  ],
]

for (const [what, tools, left] of CASES) {
  test(`offers ${what}, for listing and calling alike`, async (t) => {
    const gateway = await gatewayWith(t, tools)
    for (const era of ['legacy', 'modern'] satisfies Era[]) {
      const client = await rawClient(t, gateway.url, era)
      assert.deepEqual(
        await listOf(client),
        left.map((name) => `up__${name}`),
      )
      for (const name of ALL) {
        assert.equal(await isCallable(client, `up__${name}`), left.includes(name), name)
        assert.equal(await isCallable(client, name), false, name)
      }
    }
  })
}

test('a renamed tool has its new name only, an alias is a second name', async (t) => {
  const gateway = await gatewayWith(t, {
    include: ['echo', 'add'],
    rename: { add: 'sum' },
    alias: { plus: 'add', say: 'echo' },
  })
  for (const era of ['legacy', 'modern'] satisfies Era[]) {
    const client = await rawClient(t, gateway.url, era)
    const names = ['up__echo', 'up__say', 'up__sum', 'up__plus']
    assert.deepEqual((await listOf(client)).sort(), names.sort())
    for (const name of ['up__sum', 'up__plus']) {
      const { messages } = await client.ask(toolCall(name, '{"a":40,"b":2}'))
      assert.equal(JSON.parse(messages[0] ?? '').result.content[0].text, '42')
    }
    assert.equal(await isCallable(client, 'up__add'), false)
  }
})

test('a name that clients could not use becomes one they can, for both eras of server', async (t) => {
  const old = await legacyUpstream(t)
  const fresh = await modernUpstream(t)
  const odd = ['größe/π 🌍', ' spaced ', '=?base64?eA==?=', 'x'.repeat(80)]
  for (const name of odd) for (const { tools } of [old, fresh]) tools.offer(name)
  const gateway = await startWith(t, {
    upstreams: { old: { url: old.url }, new: { url: fresh.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  for (const era of ['legacy', 'modern'] satisfies Era[]) {
    const client = await rawClient(t, gateway.url, era)
    const answered: string[] = []
    for (const name of await listOf(client)) {
      assert.match(name, /^[A-Za-z0-9_-]{1,64}$/)
      if (ALL.some((known) => name.endsWith(`__${known}`))) continue
      const { messages } = await client.ask(toolCall(name, '{}'))
      answered.push(JSON.parse(messages[0] ?? '').result.content[0].text)
    }
    assert.deepEqual(answered, [...odd, ...odd])
  }
})

test('an alias of a tool that is left out is refused at the start', async (t) => {
  const config = { exclude: ['echo'], alias: { say: 'echo' } }
  await assert.rejects(gatewayWith(t, config), {
    message: /tools\.alias\.say: echo cannot get an alias: include and exclude leave that tool out/,
  })
})

test('tools of one name are hidden on both sides, reported, and back when one goes', async (t) => {
  const old = await legacyUpstream(t)
  const fresh = await modernUpstream(t)
  old.tools.offer('only_old')
  for (const name of ALL.slice(1)) fresh.tools.withdraw(name)
  const gateway = await startWith(t, {
    upstreams: { old: { url: old.url, prefix: '' }, new: { url: fresh.url, prefix: '' } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  assert.deepEqual(await listOf(client), ['add', 'fail', 'slow', 'big', 'only_old'])
  assert.equal(await isCallable(client, 'echo'), false)
  assert.deepEqual(gateway.catalog?.collisions, ['echo'])
  assert.match(gateway.log.map(({ msg }) => msg).join(), /same name are hidden/)

  fresh.tools.withdraw('echo')
  await gateway.until(() => gateway.catalog?.collisions.length === 0)
  assert.equal(await isCallable(client, 'echo'), true)
})

test('what is listed is what the upstream wrote, but for the name', async (t) => {
  const { url, tools } = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { up: { url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'legacy')
  const { messages } = await client.ask({ method: 'tools/list' })
  assert.deepEqual(
    JSON.parse(messages[0] ?? '').result.tools,
    tools.list.map((tool) => ({ ...tool, name: `up__${tool.name}` })),
  )
})
