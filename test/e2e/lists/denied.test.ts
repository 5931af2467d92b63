// What a filter does not permit cannot be called, under any name or alias, by any route.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, rawClient, toolCall } from '../../fixtures/raw.ts'
import { legacyUpstream, modernUpstream, type RunningUpstream } from '../../fixtures/upstreams.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']

interface House {
  readonly gateway: RunningGateway
  readonly upstreams: readonly RunningUpstream[]
}

/** Two servers with a tool to deny: one behind a prefix and an alias, one renamed and without a prefix. */
async function house(t: TestContext, denied: readonly string[]): Promise<House> {
  const old = await legacyUpstream(t)
  const fresh = await modernUpstream(t)
  for (const { tools } of [old, fresh]) tools.offer('delete_it')
  const denylist = denied.length === 0 ? [] : [{ use: 'denylist', config: { tools: denied } }]
  const gateway = await startWith(t, {
    upstreams: {
      old: { url: old.url, tools: { alias: { remove: 'delete_it' } } },
      new: {
        url: fresh.url,
        prefix: '',
        tools: { rename: { delete_it: 'discard' }, alias: { drop: 'delete_it' } },
      },
    },
    plugins: [{ use: 'auth-none' }, ...denylist],
  })
  await gateway.ready()
  return { gateway, upstreams: [old, fresh] }
}

async function listOf(client: RawClient): Promise<string[]> {
  const { messages } = await client.ask({ method: 'tools/list' })
  const { result } = JSON.parse(messages[0] ?? '')
  return result.tools.map((tool: { name: string }) => tool.name)
}

const OLD = ['old__delete_it', 'old__remove']
const NEW = ['discard', 'drop']
/** Names that nobody gave the tool, but that somebody could try. */
const GUESSES = [
  'delete_it',
  'remove',
  'new__delete_it',
  'new__discard',
  'old__discard',
  '_delete_it',
]

// What is denied → which of the names are gone.
const CASES: readonly [rule: string, gone: readonly string[]][] = [
  ['delete_it', [...OLD, ...NEW]],
  ['old__delete_it', OLD],
  ['old__*', OLD],
  ['discard', NEW],
  ['*elete_*', [...OLD, ...NEW]],
  ['old__remove', ['old__remove']],
  ['dro[p-q]', ['drop']],
]

for (const [rule, gone] of CASES) {
  test(`"${rule}" denies ${gone.join(', ')} for listing and calling alike`, async (t) => {
    const { gateway, upstreams } = await house(t, [rule])
    for (const era of ERAS) {
      const client = await rawClient(t, gateway.url, era)
      const listed = await listOf(client)
      const left = [...OLD, ...NEW].filter((name) => !gone.includes(name))
      assert.deepEqual(
        listed.filter((name) => [...OLD, ...NEW, ...GUESSES].includes(name)).sort(),
        left.sort(),
      )
      for (const name of [...gone, ...GUESSES]) {
        // A name of the same length that surely belongs to nothing.
        const unknown = 'x'.repeat(name.length)
        const denied = await client.ask(toolCall(name, '{}'))
        const missing = await client.ask(toolCall(unknown, '{}'))
        assert.deepEqual(
          denied.messages.map((text) => text.replaceAll(name, unknown)),
          missing.messages,
        )
        assert.equal(denied.status, missing.status)
        assert.deepEqual(visible(denied.headers), visible(missing.headers))
        assert.equal(JSON.parse(denied.messages[0] ?? '').error.code, -32602)
      }
      assert.deepEqual(
        upstreams.flatMap(({ tools }) => tools.calls),
        [],
      )
      for (const name of left) {
        const { messages } = await client.ask(toolCall(name, '{}'))
        assert.equal(JSON.parse(messages[0] ?? '').result.content[0].text, 'delete_it', name)
      }
      for (const { tools } of upstreams) tools.calls.length = 0
    }
  })
}

test('without the denylist every one of those names is listed and called', async (t) => {
  const { gateway } = await house(t, [])
  for (const era of ERAS) {
    const client = await rawClient(t, gateway.url, era)
    const listed = await listOf(client)
    for (const name of [...OLD, ...NEW]) {
      assert.ok(listed.includes(name), name)
      const { messages } = await client.ask(toolCall(name, '{}'))
      assert.equal(JSON.parse(messages[0] ?? '').result.content[0].text, 'delete_it', name)
    }
  }
})

test('a denied tool that comes later is denied too, and nobody is told of it', async (t) => {
  const { gateway, upstreams } = await house(t, ['secret_*'])
  const [{ tools }] = upstreams as [RunningUpstream]
  tools.offer('secret_plan')
  await gateway.until(() => gateway.catalog?.entries.some(named('old__secret_plan')) === true)
  for (const era of ERAS) {
    const client = await rawClient(t, gateway.url, era)
    assert.ok(!(await listOf(client)).includes('old__secret_plan'))
    const { messages } = await client.ask(toolCall('old__secret_plan', '{}'))
    assert.equal(JSON.parse(messages[0] ?? '').error.code, -32602)
  }
  assert.deepEqual(tools.calls, [])
})

function named(name: string) {
  return (entry: { readonly name: string }) => entry.name === name
}

/** The headers that could tell a denied tool from an unknown one. */
function visible(headers: Headers): [string, string][] {
  return [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
}
