// A client of either era is told of the resources it subscribed to, by a server of either era.
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Era } from '../../fixtures/raw.ts'
import { until } from '../upstreams/gateway.ts'
import { request, rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

const ERAS = ['legacy', 'modern'] satisfies Era[]

for (const server of ERAS) {
  for (const era of ERAS) {
    const pair = `${server} server, ${era} client`
    test(`${pair}: told of what it asked for, and of nothing else`, async (t) => {
      const up = await watched(t, server, ['a:1', 'a:2', 'a:3'])
      const { url } = await rightful(t, { up: { url: up.url } })
      const one = await subscribe(t, url, era, ['a:1', 'a:2'])
      assert.deepEqual(one.agreed, ['a:1', 'a:2'])
      // Streams that take each other's place overlap.
      await until(() => up.subscribed().join() === 'a:1,a:2')
      up.update('a:3')
      up.update('a:1')
      assert.equal(await one.next(), 'a:1')
      up.update('a:2')
      assert.equal(await one.next(), 'a:2')
    })

    test(`${pair}: one subscription at the server for all, ended with the last`, async (t) => {
      const up = await watched(t, server, ['a:1', 'a:2'])
      const { url } = await rightful(t, { up: { url: up.url } })
      const first = await subscribe(t, url, era, ['a:1'])
      const second = await subscribe(t, url, era, ['a:1', 'a:2'], 'bob')
      // Streams that take each other's place overlap.
      await until(() => up.subscribed().join() === 'a:1,a:2')
      up.update('a:1')
      assert.equal(await first.next(), 'a:1')
      assert.equal(await second.next(), 'a:1')
      if (era === 'modern') second.leave()
      else {
        for (const uri of ['a:1', 'a:2']) {
          assert.deepEqual((await request(second.client, 'resources/unsubscribe', uri)).result, {})
        }
      }
      await until(() => up.subscribed().join() === 'a:1')
      up.update('a:1')
      assert.equal(await first.next(), 'a:1')
      if (era === 'modern') first.leave()
      else await request(first.client, 'resources/unsubscribe', 'a:1')
      await until(() => up.subscribed().length === 0)
    })

    test(`${pair}: who may not read it reads that there is no such resource`, async (t) => {
      const up = await watched(t, server, ['a:1', 'a:secret'])
      const { url } = await rightful(t, { up: { url: up.url } })
      const bob = await subscribe(t, url, era, ['a:secret', 'a:none', 'a:1'], 'bob')
      assert.deepEqual(bob.agreed, ['a:1'])
      assert.deepEqual(up.subscribed(), ['a:1'])
      const anna = await subscribe(t, url, era, ['a:secret', 'a:1'])
      up.update('a:secret')
      assert.equal(await anna.next(), 'a:secret')
      up.update('a:1')
      assert.equal(await bob.next(), 'a:1')
      if (era === 'modern') return
      const refused = await request(bob.client, 'resources/subscribe', 'a:secret')
      const unknown = await request(bob.client, 'resources/subscribe', 'a:none')
      assert.equal(refused.error?.code, -32002)
      assert.equal(refused.error.data.uri, 'a:secret')
      const same = JSON.stringify(refused.error).replaceAll('a:secret', 'a:none')
      assert.equal(JSON.stringify(unknown.error), same)
    })

    test(`${pair}: a policy is asked for every single update`, async (t) => {
      const up = await watched(t, server, ['a:closing', 'a:1'])
      const { url } = await rightful(t, { up: { url: up.url } })
      const anna = await subscribe(t, url, era, ['a:closing', 'a:1'])
      const turn = (name: string) =>
        anna.client.ask({ method: 'tools/call', name, params: `"name":"${name}"` })
      up.update('a:closing')
      assert.equal(await anna.next(), 'a:closing')
      await turn('shut')
      up.update('a:closing')
      up.update('a:1')
      assert.equal(await anna.next(), 'a:1')
      await until(() => up.subscribed().join() === 'a:1')
      // It may have changed unheard.
      await turn('open')
      assert.equal(await anna.next(), 'a:closing')
      await until(() => up.subscribed().length === 2)
      up.update('a:closing')
      assert.equal(await anna.next(), 'a:closing')
      // The server is still asked: who may be told is judged anew all the same.
      await turn('hush')
      up.update('a:closing')
      up.update('a:1')
      assert.equal(await anna.next(), 'a:1')
      assert.equal(up.subscribed().length, 2)
    })

    test(`${pair}: a server that comes back is asked again, and who waits is told once`, async (t) => {
      const up = await watched(t, server, ['a:1'])
      const { url } = await rightful(t, { up: { url: up.url } })
      const anna = await subscribe(t, url, era, ['a:1'])
      up.restart()
      assert.equal(await anna.next(), 'a:1')
      assert.deepEqual(up.subscribed(), ['a:1'])
      up.update('a:1')
      assert.equal(await anna.next(), 'a:1')
    })
  }
}
