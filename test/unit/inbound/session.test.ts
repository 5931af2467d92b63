import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session, StoredSession } from '../../../core/inbound/session.ts'
import { type SessionStore, Sessions } from '../../../core/inbound/sessions.ts'
import { ExpiringSet } from '../../../core/services/expiring-set.ts'
import { Seal } from '../../../core/services/seal.ts'
import type { Client } from '../../../sdk/index.ts'

const HOUR = 3_600_000
const anna = { issuer: 'test', subject: 'anna', claims: {}, scopes: [] }
const client: Client = {
  name: 'raw',
  version: '1',
  protocolVersion: '2025-11-25',
  era: 'legacy',
  capabilities: {},
}
const sealer = new Seal(['k'.repeat(32)])

/** Two replicas that share a store and a bus, and what they did there. */
function replicas() {
  const rows = new Map<string, StoredSession>()
  const done: string[] = []
  const store: SessionStore = {
    shared: false,
    load(nonce) {
      done.push('load')
      return rows.get(nonce)
    },
    save(nonce, state, used) {
      done.push('save')
      rows.set(nonce, { ended: false, state, used })
    },
    end(nonce) {
      done.push('end')
      rows.set(nonce, { ended: true })
    },
  }
  let time = 1_000
  const listeners: ((news: unknown) => void)[] = []
  const make = (replica: string) =>
    new Sessions({
      sealer,
      store,
      bus: {
        replica,
        publish(_topic, news) {
          for (const hear of listeners) hear(news)
        },
        subscribe(_topic, listener) {
          listeners.push(listener)
          return () => {}
        },
      },
      limits: { idle: 24 * HOUR, lifetime: 168 * HOUR },
      now: () => time,
      fault: (cause) => assert.fail(String(cause)),
    })
  const wait = (ms: number) => {
    time += ms
  }
  return { make, rows, done, wait }
}

const open = (sessions: Sessions, id: string) =>
  sessions.open(sessions.learn(id) as Session | undefined, anna)

test('a session that this process knows is looked up nowhere, and written down now and then', () => {
  const { make, done, wait } = replicas()
  const sessions = make('a')
  const { id } = sessions.create(anna, client)
  for (let minute = 0; minute < 60 * 6; minute++) {
    assert.ok(open(sessions, id))
    wait(60_000)
  }
  assert.deepEqual(done, ['save', 'save', 'save', 'save', 'save'])
})

test('another process learns it once, with what it said, and hears of what it says later', () => {
  const { make, done, rows } = replicas()
  const [here, there] = [make('a'), make('b')]
  const session = here.create(anna, client)
  void here.remember(session, { level: 'error' })
  const { nonce, state } = open(there, session.id) as Session
  assert.deepEqual(state, { level: 'error' })
  assert.ok(nonce.length <= 22 && rows.has(nonce))
  void here.remember(session, { subscriptions: ['a:b'] })
  assert.deepEqual(open(there, session.id)?.state, { level: 'error', subscriptions: ['a:b'] })
  assert.deepEqual(done, ['save', 'load', 'save'])
  const told: string[] = []
  there.onEnded = (one) => told.push(one)
  void here.end(session)
  assert.deepEqual(told, [nonce])
  assert.equal(open(there, session.id), undefined)
  assert.equal(open(make('c'), session.id), undefined)
})

test('a session is idle when no process has heard of it', () => {
  const { make, wait } = replicas()
  const [here, there] = [make('a'), make('b')]
  const { id } = here.create(anna, client)
  assert.ok(open(there, id))
  for (let hours = 0; hours < 30; hours += 2) {
    wait(2 * HOUR)
    assert.ok(open(here, id))
  }
  assert.ok(open(there, id), 'used at the other one')
  wait(24 * HOUR)
  assert.equal(open(here, id), undefined)
  wait(HOUR)
  assert.equal(open(there, id), undefined)
  assert.equal(open(make('c'), id), undefined)
})

test('a set that is full forgets its oldest member, and only that', () => {
  const set = new ExpiringSet(() => 1_000, 3)
  for (const key of ['a', 'b', 'c', 'd']) set.add(key, 1_000)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => set.has(key)),
    ['b', 'c', 'd'],
  )
})
