// `explain` for entries of every kind, and `status` that counts them by kind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { knock } from '../admin/door.ts'
import { fileOf, patchbay } from './patchbay.ts'

const ME = `import { definePlugin } from 'mcp-patchbay/sdk'
const text = () => ({ contents: [] })
export default definePlugin({
  name: 'me', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    tools: [{ definition: { name: 'greet', inputSchema: { type: 'object' } }, call: () => ({ content: [] }) }],
    prompts: [
      { definition: { name: 'greet' }, call: () => ({ messages: [] }) },
      { definition: { name: 'draft' }, call: () => ({ messages: [] }) },
    ],
    resources: [
      { definition: { name: 'subject', uri: 'me://subject' }, call: text },
      { definition: { name: 'note', uriTemplate: 'me://notes/{id}' }, call: text },
    ],
  }),
})
`

const JUDGE = `import { definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'judge', version: '1.0.0', phase: 'guard', shadow: true,
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall(call) {
      if (call.args.uri === 'me://notes/secret') return deny('FORBIDDEN', 'not that note')
      if (call.method === 'prompts/get') return deny('FORBIDDEN', 'no prompts: ' + call.args.tone)
    },
  }),
})
`

function start(t: Scope, ...more: object[]): Promise<RunningGateway> {
  return startWith(
    t,
    {
      admin: { host: '127.0.0.1', port: 0 },
      plugins: [{ use: 'auth-none' }, { use: './me.ts' }, ...more],
    },
    { files: { 'me.ts': ME, 'judge.ts': JUDGE } },
  )
}

const asker =
  (gateway: RunningGateway) =>
  (...args: string[]) =>
    patchbay('explain', '--as', 'anna', ...args, fileOf(gateway))

test('what filters permit is not called permitted while guards may refuse it: they are named', async (t) => {
  const gateway = await start(t, { use: './judge.ts' }, { use: './judge.ts', id: 'second' })
  const { out } = await asker(gateway)('greet')
  assert.match(
    out,
    /^Filters let this caller call it\. A call may still be refused by: judge, second \(`--args` asks/m,
  )
  const rehearsed = await asker(gateway)('greet', '--args', '{}')
  assert.match(
    rehearsed.out,
    /^Filters let this caller call it; what is said to a call stands below$/m,
  )
  const free = await start(t, { use: './judge.ts', mode: 'shadow' })
  assert.match((await asker(free)('greet')).out, /^This caller may call it$/m)
})

test('explain finds tools, prompts, resources, and the template of a URI', async (t) => {
  const ask = asker(await start(t))
  const head = async (...args: string[]) => (await ask(...args)).out.split('\n').slice(0, 3)
  assert.deepEqual(await head('draft'), [
    'prompt draft on /mcp, as anna of auth-none with no scopes',
    'This caller may get it',
    'Its lists show it',
  ])
  assert.deepEqual(await head('me://subject'), [
    'resource me://subject on /mcp, as anna of auth-none with no scopes',
    'This caller may read it',
    'Its lists show it',
  ])
  const note = await head('me://notes/7')
  assert.match(
    note[0] ?? '',
    /^resource me:\/\/notes\/7 \(of the template me:\/\/notes\/\{id\}\) on/,
  )
  assert.deepEqual(note.slice(1), ['This caller may read it', 'Its lists show it'])
  assert.match((await head('me://notes/{id}'))[1] ?? '', /may read it/)
  const near = await ask('me://subjet')
  assert.match(
    near.out,
    /^There is no such tool, prompt or resource \(did you mean "me:\/\/subject"/m,
  )
})

test('of a name that several kinds have, one is explained and the others are told', async (t) => {
  const ask = asker(await start(t))
  const { out } = await ask('greet')
  assert.match(
    out,
    /^greet on .*\nThis caller may call it\n.*\nThere is a prompt of that name too: `--kind prompt`$/m,
  )
  const prompt = await ask('greet', '--kind', 'prompt')
  assert.match(prompt.out, /^prompt greet on/)
  assert.match(prompt.out, /^UPSTREAM\s+PROMPT\s+VERDICT/m)
  assert.match((await ask('greet', '--kind', 'resource')).out, /no such tool, prompt or resource/)
  assert.match((await ask('greet', '--kind', 'thing')).err, /kind: must be one of tool, prompt/)
})

test('calls of every kind are rehearsed', async (t) => {
  const ask = asker(await start(t, { use: './judge.ts' }))
  const prompt = await ask('draft', '--args', '{"tone":"dry"}')
  assert.match(prompt.out, /^judge\s+guard\s+denies\s+FORBIDDEN\s+no prompts: dry$/m)
  assert.match(
    (await ask('me://notes/secret', '--args', '{}')).out,
    /denies\s+FORBIDDEN\s+not that/,
  )
  assert.match(
    (await ask('me://notes/1', '--args', '{}')).out,
    /with \{"uri":"me:\/\/notes\/1"\}\. None/,
  )
  assert.match(
    (await ask('me://notes/1', '--args', '{"a":1}')).err,
    /a resource takes no arguments/,
  )
  assert.match(
    (await ask('me://notes/{id}', '--args', '{}')).err,
    /is a template: name a URI of it/,
  )
})

test('status counts what there is by kind', async (t) => {
  const gateway = await start(t)
  const { out } = await patchbay('status', fileOf(gateway))
  assert.match(out, /^1 tool, 2 prompts, 1 resource, 1 resource template, catalog revision \d+$/m)
  const { body } = await knock(gateway, '/status')
  const { tools, prompts, resources, templates } = body.catalog as Record<string, number>
  assert.deepEqual([tools, prompts, resources, templates], [1, 2, 1, 1])
})
