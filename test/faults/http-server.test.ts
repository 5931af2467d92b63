// What servers over HTTP do wrong, in both eras: each ends in one classified answer, and nothing is left of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayHaveRun, trouble, until } from '../e2e/upstreams/gateway.ts'
import { type Act, answer, json, stream } from '../e2e/upstreams/stub.ts'
import { atFault, both, timed } from './scene.ts'

const TEXT = { resultType: 'complete', content: [{ type: 'text', text: 'fine' }] }
const BIG = 'x'.repeat(10 * 1024 * 1024)

/** What fails the call: what the client reads, and whether it is warned that the work may have been done. */
const FAILS: readonly [string, Act, RegExp, boolean][] = [
  ['refuses with 401', (_, r) => void r.writeHead(401).end(), /HTTP 401/, false],
  ['answers 500', (_, r) => void r.writeHead(500).end('<html>'), /HTTP 500/, true],
  [
    'cuts an SSE frame in the middle',
    (_, r) => {
      stream(r)({ method: 'notifications/message', params: { level: 'info', data: 1 } })
      r.write('data: {"jsonrpc":"2.0","id":', () => r.destroy())
    },
    /^(old|new): /,
    true,
  ],
  [
    'answers with an id nobody asked for',
    ({ message }, r) => answer(r, { ...message, id: 999_999 }, TEXT),
    /answered another request/,
    true,
  ],
  [
    'answers with a wrong jsonrpc',
    ({ message: { id } }, r) => json(r, 200, { jsonrpc: '1.0', id, result: TEXT }),
    /not JSON-RPC/,
    true,
  ],
  ['dies in the middle of a call', (_, r) => void r.destroy(), /^(old|new): /, true],
]

for (const [what, act, says, ran] of FAILS) {
  test(`a server that ${what} fails that call and no other`, async (t) => {
    await atFault(await both(t), act, (got, up) => {
      assert.match(trouble(got), says, up)
      assert.equal(mayHaveRun(got), ran, up)
    })
  })
}

/** What the call survives. */
const SURVIVES: readonly [string, Act, string][] = [
  ['sends 10 MB in one line', () => ({ ...TEXT, content: [{ type: 'text', text: BIG }] }), BIG],
  [
    'sends 10 MB in one SSE event',
    ({ message: { id } }, r) => {
      stream(r)({ id, result: { ...TEXT, content: [{ type: 'text', text: BIG }] } })
      r.end()
    },
    BIG,
  ],
  [
    'sends a result twice',
    ({ message: { id } }, r) => {
      const say = stream(r)
      say({ id, result: TEXT })
      say({ id, result: { ...TEXT, content: [{ type: 'text', text: 'once more' }] } })
      r.end()
    },
    'fine',
  ],
  [
    'reports progress of a call that is finished',
    ({ message: { id, params } }, r) => {
      const say = stream(r)
      say({ id, result: TEXT })
      const { progressToken = id } = (params?._meta ?? {}) as { progressToken?: unknown }
      say({ method: 'notifications/progress', params: { progressToken, progress: 99 } })
      r.end()
    },
    'fine',
  ],
]

for (const [what, act, text] of SURVIVES) {
  test(`a server that ${what} is answered for once, with its first words`, async (t) => {
    const scene = await both(t)
    const call = (name: string) => scene.gateway.call(name, { meta: { progressToken: 'mine' } })
    await atFault(
      scene,
      act,
      ({ result }, up) => {
        const [first, ...more] = result?.content ?? []
        assert.ok(first?.text === text, up)
        assert.deepEqual(more, [])
      },
      call,
    )
  })
}

test('a server that accepts and stalls is given up when its silence limit has passed', async (t) => {
  const scene = await both(t, { timeout: '10s' })
  const open = new Set<unknown>()
  const stall: Act = (said, response) => {
    open.add(said)
    response.on('close', () => open.delete(said))
  }
  await atFault(
    scene,
    stall,
    async () => {},
    async (name) => {
      const calling = scene.gateway.call(name)
      await until(() => open.size === 1)
      const [got, ms] = await timed(scene, calling)
      assert.match(trouble(got), /silent for 10 s/)
      assert.equal(mayHaveRun(got), true)
      assert.ok(ms >= 10_000 && ms <= 10_500, `after ${ms} ms`)
      await until(() => open.size === 0)
      return got
    },
    // The ids of cancelled calls, up to 1,000 a link: their servers may still speak of them.
    { 'entries of maps and sets': 2 },
  )
})
