// Clients that come in crowds and leave without a word: a further crowd leaves nothing that the first did not.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { drop, openSessions, openStreams, streamRequest } from '../../bench/memory/crowd.ts'
import { leavesNothing } from '../../fixtures/leaks.ts'
import { type Driven, drive } from '../upstreams/gateway.ts'
import { stub } from '../upstreams/stub.ts'

/** More than the lost streams that a principal may come back to, so that one crowd fills that up; all crowds of a
 * test together are fewer than the streams that it may hold open. */
const CROWD = 66
/** Each session is remembered by its id and by its nonce, up to 10,000 of them. */
const REMEMBERED = { 'entries of maps and sets': 2 * CROWD }

async function gateway(t: TestContext): Promise<Driven> {
  const { url } = await stub(t, 'modern')
  const driven = await drive(t, { up: { url } })
  await driven.ready()
  return driven
}

test('sessions that are opened and forgotten by their clients leave two short lines each', async (t) => {
  const { url, clock } = await gateway(t)
  await leavesNothing(
    async () => {
      const ids = await openSessions(url, CROWD)
      assert.equal(new Set(ids).size, CROWD)
    },
    () => clock.advance(1_000),
    REMEMBERED,
  )
})

test('listen streams whose connections are cut leave nothing', async (t) => {
  const { url, clock } = await gateway(t)
  const request = streamRequest(url)
  await leavesNothing(
    async () => {
      const open = await openStreams(url, CROWD, () => request)
      // A sign of life is on its way to each while it goes.
      clock.advance(16_000)
      drop(open)
    },
    () => clock.advance(1_000),
  )
})

test('streams of sessions whose connections are cut leave what can be come back to, and that is bounded', async (t) => {
  const { url } = await gateway(t)
  await leavesNothing(
    async () => {
      const ids = await openSessions(url, CROWD)
      drop(await openStreams(url, CROWD, (n) => streamRequest(url, ids[n])))
    },
    // Time stands still: none of them goes because it is old.
    () => {},
    REMEMBERED,
  )
})
