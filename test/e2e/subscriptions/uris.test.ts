// Clients subscribe with the URIs that they read, and are told those, whatever a server calls its own.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Era } from '../../fixtures/raw.ts'
import { rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

for (const era of ['legacy', 'modern'] satisfies Era[]) {
  test(`two servers of one URI are told apart, ${era} client`, async (t) => {
    const one = await watched(t, 'legacy', ['a:1'])
    const two = await watched(t, 'modern', ['a:1'])
    const { url } = await rightful(t, { one: { url: one.url }, two: { url: two.url } })
    const anna = await subscribe(t, url, era, ['patchbay+two:a:1', 'a:1'])
    assert.deepEqual(anna.agreed, ['patchbay+two:a:1', 'a:1'])
    two.update('a:1')
    assert.equal(await anna.next(), 'patchbay+two:a:1')
    one.update('a:1')
    assert.equal(await anna.next(), 'a:1')
    anna.leave()
  })

  test(`what lies below is told of to those who may read it, ${era} client`, async (t) => {
    const up = await watched(t, 'legacy', ['a:dir', 'a:dir/one', 'a:dir/secret', 'a:1'])
    const { url } = await rightful(t, { up: { url: up.url } })
    const bob = await subscribe(t, url, era, ['a:dir', 'a:1'], 'bob')
    const anna = await subscribe(t, url, era, ['a:dir'])
    up.update('a:dir/secret')
    assert.equal(await anna.next(), 'a:dir/secret')
    up.update('a:dir/one')
    assert.equal(await bob.next(), 'a:dir/one')
  })
}
