// Progress: the client's token there and back, and an answer that becomes a stream only when it must.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, rawClient, toolCall } from '../../fixtures/raw.ts'
import { type Recorder, recorder } from '../../fixtures/recorder.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']
const TOKENS = ['"a string"', '"\\u0041"', '7', '0', '""', '9007199254740993', '"7"']

async function house(
  t: TestContext,
  from: Era,
  to: Era,
): Promise<{ client: RawClient; upstream: Recorder }> {
  const upstream = await recorder(t, to)
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  return { client: await rawClient(t, gateway.url, from), upstream }
}

const note = (params: string) =>
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{${params}}}`

for (const from of ERAS) {
  for (const to of ERAS) {
    const title = `${from} client → ${to} server`

    test(`${title}: progress comes back under the client's own token`, async (t) => {
      const { client, upstream } = await house(t, from, to)
      upstream.answer = (call) => {
        const token = JSON.stringify(call.token)
        call.message(note(`"progressToken":${token},"progress":1,"total":9007199254740993`))
        call.message(note(`"progress":1e0,"progressToken":${token},"message":"\\u0041","x":[1.0]`))
        call.finish('{"content":[],"resultType":"complete"}')
      }
      for (const token of TOKENS) {
        const request = toolCall('up__record', '{}', { meta: `"progressToken":${token}` })
        const { headers, messages } = await client.ask(request)
        assert.equal(headers.get('content-type'), 'text/event-stream')
        const stamp = from === 'modern' ? ',"resultType":"complete"' : ''
        assert.deepEqual(messages, [
          note(`"progressToken":${token},"progress":1,"total":9007199254740993`),
          note(`"progressToken":${token},"progress":1e0,"message":"\\u0041","x":[1.0]`),
          `{"jsonrpc":"2.0","id":1,"result":{"content":[]${stamp}}}`,
        ])
      }
      const tokens = upstream.calls.map((call) => call.token)
      assert.equal(new Set(tokens).size, TOKENS.length)
    })

    test(`${title}: an answer that nothing precedes is plain JSON`, async (t) => {
      const { client, upstream } = await house(t, from, to)
      const asked = toolCall('up__record', '{}', { meta: '"progressToken":1' })
      const { headers } = await client.ask(asked)
      assert.equal(headers.get('content-type'), 'application/json')
      assert.notEqual(upstream.calls[0]?.token, undefined)
    })

    test(`${title}: who asks for no progress gets none, nor does the server`, async (t) => {
      const { client, upstream } = await house(t, from, to)
      upstream.answer = (call) => {
        call.message(note('"progressToken":1,"progress":1'))
        call.finish('{"content":[]}')
      }
      const { headers, messages } = await client.ask(toolCall('up__record', '{}'))
      assert.equal(headers.get('content-type'), 'application/json')
      assert.equal(messages.length, 1)
      assert.equal(upstream.calls[0]?.token, undefined)
    })

    test(`${title}: messages leave as they come`, { timeout: 10_000 }, async (t) => {
      const { client, upstream } = await house(t, from, to)
      const asked = toolCall('up__record', '{}', { meta: '"progressToken":1' })
      const going = Promise.withResolvers<void>()
      upstream.answer = async (call) => {
        call.message(note(`"progressToken":${call.token},"progress":1`))
        await going.promise
        call.finish('{"content":[]}')
      }
      const stream = await client.open(asked)
      assert.equal(await stream.next(), note('"progressToken":1,"progress":1'))
      going.resolve()
      assert.match((await stream.next()) ?? '', /"result"/)
      assert.equal(await stream.next(), undefined)
    })
  }
}

for (const to of ERAS) {
  test(`calls that share the pipe of a ${to} stdio server get their own progress`, async (t) => {
    const script = join(import.meta.dirname, '../../fixtures/stdio-server.ts')
    const gateway = await startWith(t, {
      upstreams: { up: { command: [process.execPath, script, to] } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    assert.equal(gateway.status().up?.era, to)
    for (const from of ERAS) {
      const client = await rawClient(t, gateway.url, from)
      const answers = await Promise.all(
        [1, 2, 3].map((steps) => {
          const more = { id: `${steps}`, meta: `"progressToken":"of ${steps}"` }
          return client.ask(toolCall('up__steps', `{"steps":${steps}}`, more))
        }),
      )
      for (const [i, { messages }] of answers.entries()) {
        const steps = Array.from({ length: i + 1 }, (_, step) =>
          note(`"progressToken":"of ${i + 1}","progress":${step + 1}`),
        )
        assert.deepEqual(messages.slice(0, -1), steps)
        assert.equal(JSON.parse(messages.at(-1) ?? '').id, i + 1)
      }
    }
  })
}
