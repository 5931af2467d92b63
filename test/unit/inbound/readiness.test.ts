import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Readiness } from '../../../core/inbound/readiness.ts'
import type { Health } from '../../../sdk/index.ts'

function rig() {
  const state = { health: { ok: true } as Health, now: 0, asked: 0 }
  const told: unknown[] = []
  const readiness = new Readiness({
    health: async () => {
      state.asked++
      return { db: state.health, other: { ok: true } }
    },
    changed: (plugin, health) => told.push([plugin, health]),
    now: () => state.now,
  })
  return { state, told, readiness }
}

test('plugins are asked once a second, however many ask', async () => {
  const { state, readiness } = rig()
  await Promise.all([readiness.plugins(), readiness.plugins()])
  state.now = 999
  await readiness.plugins()
  assert.equal(state.asked, 1)
  state.now = 1_000
  state.health = { ok: false }
  assert.deepEqual(await readiness.plugins(), { db: false, other: true })
  assert.equal(state.asked, 2)
  state.now = -5_000
  await readiness.plugins()
  assert.equal(state.asked, 3)
})

test('a plugin that is not well is told of once, with the reason, and once when it is again', async () => {
  const { state, told, readiness } = rig()
  const next = () => {
    state.now += 1_000
    return readiness.plugins()
  }
  await next()
  state.health = { ok: false, detail: 'no disk at /var/lib' }
  assert.deepEqual(await next(), { db: false, other: true })
  await next()
  state.health = { ok: true }
  await next()
  await next()
  assert.deepEqual(told, [
    ['db', { ok: false, detail: 'no disk at /var/lib' }],
    ['db', { ok: true }],
  ])
})

test('a plugin that says nothing about its health is not well', async () => {
  const { state, readiness } = rig()
  state.health = undefined as never
  assert.deepEqual(await readiness.plugins(), { db: false, other: true })
})
