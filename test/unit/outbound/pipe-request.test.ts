import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEAF } from '../../../core/outbound/message.ts'
import { OpenRequests, PipeRequest } from '../../../core/outbound/pipe-request.ts'

const waiter = { answered() {}, ...DEAF, lost() {} }
const request = (listens = false) => {
  const reader = listens ? { said() {}, over() {} } : undefined
  return new PipeRequest({ cancel() {} }, waiter, undefined, reader)
}

test('a request is found by its id until it is over, however many come and go beside it', () => {
  const open = new OpenRequests()
  const long = request()
  open.add(long)
  const seen = new Set([long.id])
  for (let n = 0; n < 1_000; n++) {
    const batch = Array.from({ length: 1 + (n % 40) }, () => request())
    for (const one of batch) {
      open.add(one)
      assert.ok(!seen.has(one.id), 'no id is given twice')
      seen.add(one.id)
    }
    assert.equal(open.calls, batch.length + 1)
    for (const one of batch) assert.equal(open.get(one.id), one)
    assert.ok(batch.every((one) => open.delete(one)))
    assert.equal(open.get(batch[0]?.id), undefined)
  }
  assert.equal(open.get(long.id), long)
  assert.deepEqual(open.all(), [long])
  assert.equal(open.delete(long), true)
  assert.equal(open.delete(long), false)
  assert.equal(open.calls, 0)
})

test('what a server writes in place of an id finds nothing', () => {
  const open = new OpenRequests()
  const one = request()
  open.add(one)
  for (const id of [String(one.id), one.id + 0.5, one.id + 16, -one.id, null, undefined, {}]) {
    assert.equal(open.get(id), undefined)
  }
})

test('requests to listen are no calls', () => {
  const open = new OpenRequests()
  open.add(request(true))
  open.add(request())
  assert.equal(open.calls, 1)
  assert.equal(open.all().length, 2)
})
