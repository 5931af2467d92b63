import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Asker } from '../../../core/outbound/asker.ts'
import type { Link } from '../../../core/outbound/link.ts'
import { LinkPool } from '../../../core/outbound/pool.ts'

/** A link that only knows whether it is open and how much it carries. */
interface Plain extends Link {
  key: string
  open: number
  closed: boolean
  retired: boolean
}

function setUp() {
  const opened: Plain[] = []
  const time = { now: 0 }
  const gates: PromiseWithResolvers<void>[] = []
  let gated = false
  const pool = new LinkPool(
    async (key) => {
      const link: Plain = {
        key,
        open: 0,
        closed: false,
        facts: {
          era: 'modern',
          protocolVersion: '',
          capabilities: {},
          instructions: '',
          found: '',
        },
        transport: 'http',
        subscriptions: 0,
        onUpdated() {},
        onMuted() {},
        subscribe: async () => {},
        unsubscribe() {},
        onEnd() {},
        listen() {},
        retired: false,
        retire() {
          link.retired = true
        },
        send: () => ({ cancel() {}, handOver() {} }),
        close: async () => {
          link.closed = true
        },
      }
      opened.push(link)
      if (gated) {
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        await gate.promise
      }
      return link
    },
    () => time.now,
    'kept',
    { maxSessions: 3, sessionIdle: 10 * 60_000 },
  )
  return {
    pool,
    opened,
    time,
    gates,
    gate: () => {
      gated = true
    },
  }
}

test('a link is opened once however many wait for it, and is there at once afterwards', async () => {
  const { pool, opened } = setUp()
  const [one, two] = await Promise.all([pool.get('a'), pool.get('a')])
  assert.equal(one, two)
  assert.equal(opened.length, 1)
  assert.equal(pool.get('a'), one)
  assert.notEqual(await pool.get('b'), one)
})

test('an opening that failed is tried again by the next who asks', async () => {
  const { pool, gate, gates, opened } = setUp()
  gate()
  const first = pool.get('a')
  gates[0]?.reject(new Error('no'))
  await assert.rejects(async () => first, /no/)
  const second = pool.get('a')
  gates[1]?.resolve()
  assert.equal(await second, opened[1])
})

test('idle links are closed after ten minutes, busy and kept ones are not', async () => {
  const { pool, opened, time } = setUp()
  for (const key of ['kept', 'idle', 'busy', 'fresh']) await pool.get(key)
  const [kept, idle, busy, fresh] = opened as [Plain, Plain, Plain, Plain]
  busy.open = 1
  time.now = 9 * 60_000
  await pool.get('fresh')
  time.now = 11 * 60_000
  await pool.sweep()
  assert.deepEqual(
    [kept, idle, busy, fresh].map(({ closed }) => closed),
    [false, true, false, false],
  )
  assert.equal(pool.peek('idle'), undefined)
})

test('when there are too many, the longest idle gives way, and a busy one never does', async () => {
  const { pool, opened, time } = setUp()
  for (const key of ['kept', 'busy', 'longest', 'idle']) {
    time.now++
    const link = (await pool.get(key)) as Plain
    link.open = key === 'busy' ? 1 : 0
  }
  await pool.get('one more')
  const closed = opened.filter((link) => link.closed).map(({ key }) => key)
  assert.deepEqual(closed, ['longest'])
  for (const link of opened) link.open = link.key === 'kept' ? 0 : 1
  assert.throws(() => pool.get('and another'), /all of its 3 sessions are busy; its `maxSessions`/)
})

test('what a principal needed first is forgotten with it, calls included to their end', async () => {
  const { pool, opened } = setUp()
  const asker = (subject: string) =>
    ({ caller: { principal: { issuer: 'i', subject } } }) as unknown as Asker
  for (const key of ['kept', 'a']) await pool.get(key, asker('ann'))
  await pool.get('b', asker('bob'))
  pool.forget({ issuer: 'i', subject: 'ann' })
  assert.deepEqual(
    opened.map(({ retired }) => retired),
    [false, true, false],
  )
  assert.equal(pool.peek('a'), undefined)
  assert.notEqual(await pool.get('a', asker('ann')), opened[1])
})

test('closing closes what is open and what is still opening, and nothing is opened any more', async () => {
  const { pool, opened, gate, gates } = setUp()
  await pool.get('a')
  gate()
  const opening = Promise.resolve(pool.get('b'))
  const closing = pool.close()
  gates[0]?.resolve()
  await closing
  await opening
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [true, true],
  )
  assert.throws(() => pool.get('c'), /the gateway is stopping/)
})
