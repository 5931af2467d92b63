import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellable } from '../../../core/inbound/cancellable.ts'
import { InFlight } from '../../../core/inbound/in-flight.ts'
import { parseBody } from '../../../core/inbound/message.ts'
import { proceed } from '../../../core/inbound/wire.ts'

type Args = Parameters<typeof proceed<string>>
const arrival = {} as Args[1]
const message = { id: '7' }

/** What `proceed` makes of a value and of what goes on with it. */
async function crashes(run: Args[3], go: (value: string) => void = () => {}): Promise<unknown[]> {
  const seen: unknown[] = []
  let dropped = 0
  const exchange = { drop: () => dropped++ } as unknown as NonNullable<Args[5]>
  const crashed = (...[, { id }, cause]: [unknown, { id: string | undefined }, unknown]) => {
    seen.push(id, cause, dropped)
  }
  proceed({ crashed }, arrival, message, run, go, exchange)
  await new Promise((resolve) => setImmediate(resolve))
  return seen
}

test('a throw on the way to an answer always ends in an answer, with the exchange let go', async () => {
  const bug = new Error('bug')
  const fail = () => {
    throw bug
  }
  assert.deepEqual(await crashes(fail), ['7', bug, 1])
  assert.deepEqual(await crashes(() => Promise.reject(bug)), ['7', bug, 1])
  assert.deepEqual(await crashes(() => 'x', fail), ['7', bug, 1])
  assert.deepEqual(await crashes(async () => 'x', fail), ['7', bug, 1])
  assert.deepEqual(await crashes(() => 'x'), [])
})

test('a cancellation that comes before the call runs is kept for it', () => {
  const cancelled: string[] = []
  const round = { cancel: (reason: string) => cancelled.push(reason) } as unknown as NonNullable<
    Cancellable['round']
  >
  const early = new Cancellable()
  early.cancel('first')
  early.cancel('second')
  early.round = round
  assert.deepEqual(cancelled, ['first'])
  const later = new Cancellable()
  later.round = round
  later.cancel('third')
  assert.deepEqual(cancelled, ['first', 'third'])
})

test('a stop waits until nothing is in flight', async () => {
  const inFlight = new InFlight()
  await inFlight.idle()
  inFlight.begin()
  inFlight.begin()
  let idle = false
  const waiting = inFlight.idle().then(() => {
    idle = true
  })
  inFlight.end()
  await Promise.resolve()
  assert.equal(idle, false)
  inFlight.end()
  await waiting
  assert.equal(inFlight.count, 0)
})

test('a message keeps the source of its id and the places of its parameters', () => {
  const text =
    ' { "id" : 1.0e3 , "params":{"name":"a","arguments":{ }}, "jsonrpc":"2.0","method":"m"} '
  const body = parseBody(text)
  assert.equal(body.kind, 'one')
  if (body.kind !== 'one') return
  assert.equal(body.message.id, '1.0e3')
  const [, , start, end] = body.message.paramsMembers.slice(4)
  assert.equal(text.slice(start, end), '{ }')
})
