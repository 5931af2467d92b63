// Two users with accounts of their own at one server, in any order and at once: neither ever sees the other's.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const USERS = ['anna', 'ben'] as const
type User = (typeof USERS)[number]

const KEY = (user: string) => `the key of ${user}, which is long enough`

/** Each user is an account of its own at the server. */
const ACCOUNTS = `
import { definePlugin } from 'mcp-patchbay/sdk'
const known = new Map()
export default definePlugin({
  name: 'accounts', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    identity: ({ caller }) => caller.principal.subject,
    credentials({ caller }) {
      const who = caller?.principal.subject
      if (who === undefined) return undefined
      if (!known.has(who)) known.set(who, { headers: { authorization: 'Bearer ' + who } })
      return known.get(who)
    },
  }),
})
`

/** Lists to each account what is its own, and what all have; calls say whose account they used. */
async function server(scope: Scope): Promise<Stub> {
  const made = await stub(scope, 'modern')
  const who = (headers: { authorization?: string | undefined }) =>
    headers.authorization?.replace('Bearer ', '')
  made.acts['tools/list'] = ({ headers }, response) => {
    const account = who(headers)
    if (account === undefined) return void response.writeHead(401).end()
    const names = ['shared', `of_${account}`]
    return { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) }
  }
  made.acts['tools/call'] = ({ headers }) => ({
    content: [{ type: 'text', text: `by ${who(headers)}` }],
  })
  return made
}

/** The same numbers below 1 for the same seed (a linear congruential generator). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}

interface Seen {
  /** Tools of the other that were listed or could be called. */
  readonly leaks: string[]
  /** How often each user saw or used its own. */
  readonly own: Record<User, number>
}

/** Both users list and call their own, the common and each other's tools, several at once, in both eras. */
async function interleave(scope: Scope, url: string, seed: number, steps: number): Promise<Seen> {
  const random = numbers(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const seen: Seen = { leaks: [], own: { anna: 0, ben: 0 } }
  const wire = new Wire(scope, url)
  const sessions = new Map<User, Record<string, string>>()
  for (const user of USERS) sessions.set(user, await wire.session({ 'x-api-key': KEY(user) }))
  const step = async (user: User, era: string, act: string) => {
    const auth = { 'x-api-key': KEY(user) }
    const send = (method: string, params: Record<string, unknown>) =>
      era === 'modern'
        ? wire.modern(method, params, auth)
        : wire.legacy(method, params, { ...auth, ...sessions.get(user) })
    const other = user === 'anna' ? 'ben' : 'anna'
    if (act === 'list') {
      const { json } = await send('tools/list', {})
      const names = json.result.tools.map(({ name }: { name: string }) => name) as string[]
      if (names.includes(`up__of_${other}`)) seen.leaks.push(`${user} lists ${names}`)
      if (names.includes(`up__of_${user}`)) seen.own[user]++
      return
    }
    const tool = act === 'shared' ? 'shared' : `of_${act === 'own' ? user : other}`
    const { json } = await send('tools/call', { name: `up__${tool}`, arguments: {} })
    const text = json.result?.content[0]?.text
    if (act === 'other' ? json.error?.code !== -32602 : text !== `by ${user}`) {
      seen.leaks.push(`${user} calls ${tool}: ${JSON.stringify(json)}`)
    }
    if (act === 'own') seen.own[user]++
  }
  for (let done = 0; done < steps; ) {
    const together = 1 + Math.floor(random() * 4)
    const batch = Array.from({ length: together }, () =>
      step(pick(USERS), pick(['modern', 'legacy']), pick(['list', 'own', 'other', 'shared'])),
    )
    await Promise.all(batch)
    done += together
  }
  return seen
}

test('seeds 7.5: users of accounts of their own never see or call each other’s tools, in any order, also after a restart', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'patchbay-users-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const up = await server(t)
  const keys = USERS.map((id) => ({
    id,
    sha256: createHash('sha256').update(KEY(id)).digest('hex'),
    scopes: ['up'],
  }))
  const config = {
    data,
    upstreams: { up: { url: up.url } },
    plugins: [
      { use: 'auth-api-key', config: { keys } },
      { use: './accounts.ts' },
      { use: 'permissions', config: { permissions: { 'up__*': ['up'] } } },
    ],
  }
  // The first life begins with nothing known, the others with what was kept; each with another order.
  for (let life = 1; life <= 3; life++) {
    const gateway = await startWith(t, config, { files: { 'accounts.ts': ACCOUNTS } })
    const { leaks, own } = await interleave(t, gateway.url, life, 150)
    assert.deepEqual(leaks, [], `seed ${life}`)
    for (const user of USERS) assert.ok(own[user] > 10, `${user}: ${own[user]}`)
    await gateway.stop()
  }
  for (const { headers, message } of up.of('tools/call')) {
    const [, owner] = /^of_(.*)$/.exec(String(message.params?.name)) ?? []
    if (owner !== undefined) assert.equal(headers.authorization, `Bearer ${owner}`)
  }
})
