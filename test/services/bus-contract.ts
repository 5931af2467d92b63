// What every `Bus` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Bus, Maybe } from '../../sdk/index.ts'

/** Two plugin lines of one replica, and its time. */
export interface BusUnderTest {
  readonly one: Bus
  readonly other: Bus
  /** Moves time on by so many milliseconds, and what falls due has happened. */
  advance(ms: number): Maybe<void>
}

/** Runs the contract on an implementation; what listeners throw on purpose must not fail the test. */
export function busContract(name: string, make: (t: TestContext) => Maybe<BusUnderTest>): void {
  const spec = (what: string, run: (under: BusUnderTest) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))
  const soon = { timeoutMs: 5_000 }

  spec('every listener hears a message, as JSON, after publish has returned', async ({ one }) => {
    const heard = Promise.withResolvers<unknown>()
    const first: unknown[] = []
    one.subscribe('news', (message) => first.push(message))
    one.subscribe('news', heard.resolve)
    const message = { a: [1, { b: null }], gone: undefined }
    const published = one.publish('news', message)
    assert.equal(first.length, 0)
    await published
    assert.deepEqual(await heard.promise, { a: [1, { b: null }] })
    assert.notEqual(await heard.promise, first[0])
  })

  spec('messages of one sender arrive in order', async ({ one }) => {
    const heard: unknown[] = []
    const last = Promise.withResolvers<void>()
    one.subscribe('news', (message) => {
      heard.push(message)
      if (message === 3) last.resolve()
    })
    for (const n of [1, 2, 3]) await one.publish('news', n)
    await last.promise
    assert.deepEqual(heard, [1, 2, 3])
  })

  spec('a listener that throws harms nobody', async ({ one }) => {
    const heard = Promise.withResolvers<unknown>()
    one.subscribe('news', () => {
      throw new Error('on purpose')
    })
    one.subscribe('news', heard.resolve)
    await one.publish('news', 'x')
    assert.equal(await heard.promise, 'x')
  })

  spec('who has unsubscribed hears nothing, and takes nobody with him', async ({ one }) => {
    const gone: unknown[] = []
    const heard = Promise.withResolvers<unknown>()
    const stop = one.subscribe('news', (message) => gone.push(message))
    one.subscribe('news', heard.resolve)
    stop()
    stop()
    await one.publish('news', 'x')
    await heard.promise
    assert.deepEqual(gone, [])
  })

  spec('other plugin lines hear and answer nothing', async ({ one, other }) => {
    const heard = Promise.withResolvers<unknown>()
    other.subscribe('news', () => heard.reject(new Error('heard by another line')))
    other.answer('ask', () => 'other')
    one.subscribe('news', heard.resolve)
    await one.publish('news', 'x')
    assert.equal(await heard.promise, 'x')
    await assert.rejects(one.request(one.replica, 'ask', 1, soon), { code: 'NO_ANSWER' })
  })

  spec('a request gets its owner’s answer', async ({ one }) => {
    one.answer('double', async (n) => ({ n: (n as number) * 2 }))
    assert.deepEqual(await one.request(one.replica, 'double', 21, soon), { n: 42 })
  })

  spec('an answer that fails, an unknown topic, an unknown owner have codes', async ({ one }) => {
    one.answer('fail', () => {
      throw new Error('no luck')
    })
    const failed = one.request(one.replica, 'fail', 1, soon)
    await assert.rejects(failed, { code: 'ANSWER_FAILED', message: /no luck/ })
    await assert.rejects(one.request(one.replica, 'none', 1, soon), { code: 'NO_ANSWER' })
    await assert.rejects(one.request('nobody', 'fail', 1, soon), { code: 'NO_REPLICA' })
    const options = { onMessage() {} }
    await assert.rejects(one.stream('nobody', 'fail', 1, options), { code: 'NO_REPLICA' })
    await assert.rejects(one.stream(one.replica, 'none', 1, options), { code: 'NO_ANSWER' })
  })

  spec('a request that is not answered in time ends', async ({ one, advance }) => {
    const asked = Promise.withResolvers<void>()
    one.answer('hang', () => {
      asked.resolve()
      return new Promise(() => {})
    })
    const request = one.request(one.replica, 'hang', 1, { timeoutMs: 1_000 })
    const ended = assert.rejects(request, { code: 'TIMEOUT' })
    await asked.promise
    await advance(2_000)
    await ended
  })

  spec('a handler taken away does not answer; one put in its place does', async ({ one }) => {
    const stop = one.answer('ask', () => 1)
    one.answer('ask', () => 2)
    stop()
    assert.equal(await one.request(one.replica, 'ask', null, soon), 2)
  })

  spec('a stream gives every message in order, then the outcome', async ({ one }) => {
    const got: unknown[] = []
    one.serve('count', async (to, { send }) => {
      for (let n = 1; n <= (to as number); n++) send({ n })
      return { done: to }
    })
    const options = { onMessage: (message: unknown) => got.push(message) }
    const outcome = await one.stream(one.replica, 'count', 3, options)
    assert.deepEqual(got, [{ n: 1 }, { n: 2 }, { n: 3 }])
    assert.deepEqual(outcome, { done: 3 })
  })

  spec('aborting a stream ends it on the other side too', async ({ one }) => {
    const began = Promise.withResolvers<void>()
    const told = Promise.withResolvers<void>()
    one.serve('hang', (_message, { signal }) => {
      signal.addEventListener('abort', () => told.resolve())
      began.resolve()
      return new Promise(() => {})
    })
    const abort = new AbortController()
    const options = { signal: abort.signal, onMessage() {} }
    const ended = assert.rejects(one.stream(one.replica, 'hang', 1, options), /went away/)
    await began.promise
    abort.abort(new Error('went away'))
    await ended
    await told.promise
  })

  spec('a stream whose server fails says why', async ({ one }) => {
    one.serve('fail', async () => {
      throw new Error('no luck')
    })
    const stream = one.stream(one.replica, 'fail', 1, { onMessage() {} })
    await assert.rejects(stream, { code: 'ANSWER_FAILED', message: /no luck/ })
  })

  spec('what JSON cannot say is refused', async ({ one }) => {
    await assert.rejects(async () => one.publish('news', undefined), TypeError)
    await assert.rejects(async () => one.publish('news', 1n), TypeError)
  })
}
