// What a server tells of may lie deep.
import assert from 'node:assert/strict'
import test from 'node:test'
import { rightful, subscribe } from './subscriber.ts'
import { watched } from './watched.ts'

test('an update whose URI is long and all separators is told like any other', async (t) => {
  const up = await watched(t, 'legacy', ['a:dir', 'a:1'])
  const { url } = await rightful(t, { up: { url: up.url } })
  const anna = await subscribe(t, url, 'legacy', ['a:1', 'a:dir'])
  const deep = `a:dir/${'/'.repeat(1024 * 1024)}`
  up.update(deep)
  assert.ok((await anna.next())?.endsWith(deep))
  up.update('a:1')
  assert.equal(await anna.next(), 'a:1')
})
