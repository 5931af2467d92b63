// Two users of one family: neither sees or reaches what is the other's, in any order, also after a restart.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { ERAS, type Guest, type House, house, houseOf } from './house.ts'

const HIDDEN = { anna: ['fresh'], ben: ['old'], none: ['old', 'fresh'] }
const OWN = { anna: 'old', ben: 'fresh' } as const
const OTHER = { anna: 'fresh', ben: 'old' } as const

type User = keyof typeof OWN

/** Lists and calls, what may be and what may not. */
async function visit(guest: Guest, user: User): Promise<void> {
  const { echo } = await guest.places()
  assert.deepEqual(echo, [OWN[user]], user)
  assert.equal(await guest.call('site__echo', { place: OWN[user], text: user }), user)
  const refused = await guest.call('site__echo', { place: OTHER[user], text: user })
  assert.equal(
    refused
      .split('\n')[0]
      ?.startsWith(
        `"${OTHER[user]}" is no \`place\` of site__echo. Available of site: ${OWN[user]}`,
      ),
    true,
    refused,
  )
}

/** Nobody's words arrived where they should not have. */
function apart({ old, fresh }: House): void {
  assert.ok(old.tools.calls.length > 0 && fresh.tools.calls.length > 0)
  for (const { args } of old.tools.calls) assert.equal(args.text, 'anna')
  for (const { args } of fresh.tools.calls) assert.equal(args.text, 'ben')
}

for (const era of ERAS) {
  test(`seeds 7.5: ${era} users of different instances never see or reach each other's, in any order`, async (t) => {
    const started = await house(t, { hidden: HIDDEN })
    const anna = await started.guest(era, 'anna')
    const ben = await started.guest(era, 'ben')
    const both = await started.guest(era, 'both')
    for (const order of ['ab', 'ba', 'aab', 'bba', 'abba']) {
      for (const who of order) await (who === 'a' ? visit(anna, 'anna') : visit(ben, 'ben'))
    }
    const visits = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? visit(anna, 'anna') : visit(ben, 'ben'),
    )
    await Promise.all(visits)
    assert.deepEqual((await both.places()).echo, ['fresh', 'old'])
    await visit(anna, 'anna')
    apart(started)
  })
}

test('seeds 7.6: who may use no member has no tool of the family, by any name', async (t) => {
  const { guest, old, fresh } = await house(t, {
    hidden: HIDDEN,
    upstreams: { old: { tools: { alias: { say: 'echo' } } } },
  })
  for (const era of ERAS) {
    const none = await guest(era, 'none')
    assert.deepEqual(await none.names(), [])
    for (const name of ['site__echo', 'old__echo', 'fresh__echo', 'old__say', 'echo']) {
      for (const args of [{ place: 'old', text: 'x' }, { text: 'x' }]) {
        const { json } = await none.ask('tools/call', { name, arguments: args })
        const unknown = await none.ask('tools/call', { name: 'no_such', arguments: args })
        assert.equal(json.error.code, -32602)
        assert.equal(json.error.message.replaceAll(name, 'no_such'), unknown.json.error.message)
      }
    }
    const ben = await guest(era, 'ben')
    assert.ok(!(await ben.names()).includes('old__say'))
    await ben.call('old__say', { text: 'x' })
  }
  assert.deepEqual([...old.tools.calls, ...fresh.tools.calls], [])
})

test('seeds 7.35: a list from before a restart is called after it, by whoever it was for', async (t) => {
  const members = { old: await legacyUpstream(t), fresh: await modernUpstream(t) }
  const data = mkdtempSync(join(tmpdir(), 'patchbay-family-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const before = await houseOf(t, members, { hidden: HIDDEN, data })
  const listed: Record<string, unknown> = {}
  for (const era of ERAS) {
    for (const user of ['anna', 'ben']) {
      listed[`${era} ${user}`] = await (await before.guest(era, user)).tools()
    }
  }
  await before.gateway.stop()

  const after = await houseOf(t, members, { hidden: HIDDEN, data })
  for (const era of ERAS) {
    for (const user of ['ben', 'anna'] as const) {
      const guest = await after.guest(era, user)
      // No list before the call: where it goes is known from the config and from what the servers have.
      assert.equal(await guest.call('site__echo', { place: OWN[user], text: user }), user)
      const refused = await guest.call('site__echo', { place: OTHER[user], text: user })
      assert.match(refused, /is no `place` of site__echo/)
      await visit(guest, user)
      assert.deepEqual(await guest.tools(), listed[`${era} ${user}`])
    }
  }
  apart(after)
})
