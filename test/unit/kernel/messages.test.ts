import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PluginLine } from '../../../core/hooks/hooks.ts'
import { FilteredExchange } from '../../../core/kernel/messages.ts'
import type { Hooks } from '../../../sdk/index.ts'
import { guard, rig, shaper } from './kernel.ts'

const PROGRESS =
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":12345678901234567890,"progress":1,"message":"key=s3cret"}}'

/** An exchange as an upstream sees it, and what reached the client. */
async function side(...lines: PluginLine[]) {
  const { kernel, exchange, caller, failures, clock } = await rig({ lines })
  const delivered: string[] = []
  const plain = Object.assign(exchange(), { message: (text: string) => void delivered.push(text) })
  assert.ok(kernel.hooks.messages)
  return {
    filtered: new FilteredExchange(plain, caller(), kernel.hooks),
    delivered,
    failures,
    clock,
  }
}

const redact: Hooks['onMessage'] = (_about, message) => ({
  ...message,
  params: { ...message.params, message: '[redacted]' },
})

test('a message that no plugin changed goes on as the bytes it came in', async () => {
  const { filtered, delivered } = await side(guard('reader', { onMessage: () => undefined }))
  filtered.message(PROGRESS)
  assert.deepEqual(delivered, [PROGRESS])
})

test('a changed message keeps the numbers nobody touched, and null drops it', async () => {
  const { filtered, delivered } = await side(guard('redact', { onMessage: redact }))
  filtered.message(PROGRESS)
  assert.match(delivered[0] ?? '', /12345678901234567890/)
  assert.match(delivered[0] ?? '', /\[redacted\]/)
  assert.doesNotMatch(delivered[0] ?? '', /s3cret/)
  const dropping = await side(guard('drop', { onMessage: () => null }))
  dropping.filtered.message(PROGRESS)
  assert.deepEqual(dropping.delivered, [])
})

test('shapers read a message in reverse, guards after them in config order', async () => {
  const read: string[] = []
  const note = (id: string): Hooks => ({ onMessage: () => void read.push(id) })
  const { filtered } = await side(
    shaper('a', note('a')),
    guard('c', note('c')),
    shaper('b', note('b')),
    guard('d', note('d')),
  )
  filtered.message(PROGRESS)
  assert.deepEqual(read, ['b', 'a', 'c', 'd'])
})

test('a message a guard could not judge is not delivered, unless the operator said skip', async () => {
  const failing: Hooks = {
    onMessage() {
      throw new Error('no')
    },
  }
  const closed = await side(guard('redact', failing))
  closed.filtered.message(PROGRESS)
  assert.deepEqual(closed.delivered, [])
  assert.match(closed.failures.join(), /redact/)
  const nonsense = await side(
    guard('redact', { onMessage: () => ({ jsonrpc: '2.0', method: 'x' }) }),
  )
  nonsense.filtered.message(PROGRESS)
  assert.deepEqual(nonsense.delivered, [])
  const open = await side(guard('redact', failing, { onFailure: 'skip' }))
  open.filtered.message(PROGRESS)
  assert.deepEqual(open.delivered, [PROGRESS])
})

test('messages that wait for a slow plugin keep their order', async () => {
  let first: (() => void) | undefined
  let count = 0
  const { filtered, delivered } = await side(
    guard('slow', {
      onMessage: () =>
        count++ === 0
          ? new Promise((resolve) => {
              first = () => resolve(undefined)
            })
          : undefined,
    }),
  )
  filtered.message(PROGRESS)
  filtered.message(PROGRESS.replace('"progress":1', '"progress":2'))
  assert.deepEqual(delivered, [])
  first?.()
  await filtered.pending
  await filtered.pending
  assert.deepEqual(
    delivered.map((text) => JSON.parse(text).params.progress),
    [1, 2],
  )
})

test('a name that stands twice in a message reaches the client as it was judged', async () => {
  const twice = '{"method":"notifications/message","params":{"data":"s3cret","data":"fine"}}'
  const { filtered, delivered } = await side(guard('reader', { onMessage: () => undefined }))
  filtered.message(twice)
  assert.deepEqual(delivered, ['{"method":"notifications/message","params":{"data":"fine"}}'])
})

for (const how of ['at once', 'later']) {
  test(`a message that JSON cannot say is not delivered (${how})`, async () => {
    const params = { size: 1n }
    const broken: Hooks['onMessage'] = (_about, message) =>
      how === 'later' ? Promise.resolve({ ...message, params }) : { ...message, params }
    const { filtered, delivered, failures } = await side(guard('broken', { onMessage: broken }))
    filtered.message(PROGRESS)
    await filtered.pending
    assert.deepEqual(delivered, [])
    assert.match(failures.join(), /^broken onMessage: .*BigInt/)
  })
}
