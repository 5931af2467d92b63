import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Revocations, Sessions } from '../../../core/inbound/session.ts'
import { ExpiringSet } from '../../../core/services/expiring-set.ts'
import { Seal } from '../../../core/services/seal.ts'
import type { Client } from '../../../sdk/index.ts'

const anna = { issuer: 'test', subject: 'anna', claims: {}, scopes: [] }
const client: Client = {
  name: 'x'.repeat(4_000),
  version: '1',
  protocolVersion: '2025-11-25',
  era: 'legacy',
  capabilities: {},
}
const seal = new Seal(['k'.repeat(32)])
const now = () => 1_000

test('what is remembered of an ended session is small, whatever its client said', () => {
  const kept: string[] = []
  const revoked: Revocations = { has: (key) => kept.includes(key), add: (key) => kept.push(key) }
  const sessions = new Sessions(seal, revoked, now)
  const first = sessions.create(anna, client)
  const second = sessions.create(anna, client)
  sessions.end(first)
  assert.equal(kept.length, 1)
  assert.ok((kept[0] as string).length <= 22, kept[0])
  assert.equal(sessions.open(first.id, anna), undefined)
  assert.equal(sessions.open(second.id, anna), second)
})

test('a session ended here is ended for whoever shares what was revoked', () => {
  const revoked = new ExpiringSet(now)
  const here = new Sessions(seal, revoked, now)
  const there = new Sessions(seal, revoked, now)
  const { id } = here.create(anna, client)
  const session = there.open(id, anna)
  assert.ok(session !== undefined)
  there.end(session)
  assert.equal(here.open(id, anna), undefined)
})

test('a set that is full forgets its oldest member, and only that', () => {
  const set = new ExpiringSet(now, 3)
  for (const key of ['a', 'b', 'c', 'd']) set.add(key, 1_000)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => set.has(key)),
    ['b', 'c', 'd'],
  )
})
