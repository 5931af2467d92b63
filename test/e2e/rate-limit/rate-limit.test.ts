// Limits where they matter: real servers and clients, concurrent callers, both eras, several processes.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CLIENTS, type McpClient } from '../../fixtures/clients.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { sha256 } from '../admin/door.ts'
import { eventually, startProcesses } from '../workers/processes.ts'

const PEOPLE = ['anna', 'bob', 'carl']
const keyOf = (id: string) => `the key of ${id}`
const AUTH = {
  use: 'auth-api-key',
  config: { keys: PEOPLE.map((id) => ({ id, sha256: sha256(keyOf(id)) })) },
}

async function clientsOf(t: TestContext, url: string, id: string): Promise<McpClient[]> {
  const headers = { 'X-API-Key': keyOf(id) }
  return Promise.all(Object.values(CLIENTS).map(({ connect }) => connect(t, url, { headers })))
}

test('seeds 7.32: concurrent callers of both eras get what their limits say, to the call', async (t) => {
  const old = await legacyUpstream(t)
  const fresh = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { old: { url: old.url }, new: { url: fresh.url } },
    plugins: [
      AUTH,
      {
        use: 'rate-limit',
        config: {
          limits: [
            { name: 'server', per: ['principal', 'upstream'], calls: 20, window: '1d' },
            { name: 'person', per: ['principal'], calls: 30, window: '1d' },
            { name: 'all', per: [], calls: 85, window: '1d' },
          ],
        },
      },
    ],
  })
  await gateway.ready()
  const callers = await Promise.all(PEOPLE.map((id) => clientsOf(t, gateway.url, id)))
  // 80 calls of each person at once, by four clients, to two servers.
  const answers = await Promise.all(
    callers.flatMap((clients, person) =>
      clients.flatMap((client) =>
        Array.from({ length: 20 }, async (_, n) => {
          const name = n % 2 === 0 ? 'old__echo' : 'new__echo'
          return { person, answer: await client.call(name, { text: `${n}` }) }
        }),
      ),
    ),
  )
  const through = answers.filter(({ answer }) => answer.isError !== true)
  assert.equal(through.length, 85)
  assert.equal(old.tools.calls.length + fresh.tools.calls.length, 85)
  for (const [person] of PEOPLE.entries()) {
    const mine = through.filter((one) => one.person === person)
    assert.ok(mine.length <= 30 && mine.length >= 25, `${mine.length}`)
  }
  const refused = answers.filter(({ answer }) => answer.isError === true)
  for (const { answer } of refused) {
    const told = (answer._meta as Record<string, { code: string; retryAfterMs: number }>)[
      'patchbay/error'
    ]
    assert.equal(told?.code, 'RATE_LIMITED')
    assert.ok((told?.retryAfterMs ?? 0) > 0)
    assert.match(answer.content[0]?.text ?? '', /the limit (server|person|all) is used up/)
  }
})

test('workers of one gateway count together', async (t) => {
  const upstream = await modernUpstream(t)
  const limits = [{ per: ['principal'], calls: 20, window: '1d' }]
  const processes = await startProcesses(t, {
    upstreams: { demo: { url: upstream.url } },
    plugins: [
      { use: 'auth-none' },
      { use: './probe.ts' },
      { use: 'rate-limit', config: { limits } },
    ],
  })
  const one = await processes.another(t)
  const other = await processes.another(t, one.pid)
  for (const { wire } of [one, other]) {
    await eventually(async () => (await wire.modern('tools/list')).json.result.tools.length > 0)
  }
  const meta = { name: 'demo__echo', arguments: { text: 'x' } }
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      (n % 2 === 0 ? one : other).wire.modern('tools/call', meta),
    ),
  )
  const through = answers.filter(({ json }) => json.result?.isError !== true)
  assert.equal(through.length, 20)
  assert.equal(upstream.tools.calls.length, 20)
})
