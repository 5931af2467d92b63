import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { definePlugin, Secrets } from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import { startWith } from '../fixtures/gateway.ts'
import { type Era, rawClient } from '../fixtures/raw.ts'
import { type RecordedCall, recorder } from '../fixtures/recorder.ts'

/** Nothing that is on the operator's list leaves: neither in results and errors nor in messages. */
const redaction = definePlugin({
  name: 'redaction',
  version: '1.0.0',
  phase: 'guard',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['words'],
    properties: {
      words: {
        type: 'array',
        items: { type: 'string', minLength: 6 },
        writeOnly: true,
        description: 'What must not be told.',
      },
    },
  },
  needs: { secrets: Secrets },
  setup({ words }, { secrets }) {
    for (const word of words) secrets.add(word)
    return {
      // Questions and cancellations are read-only.
      afterCall: (_call, outcome) =>
        outcome.kind === 'result' || outcome.kind === 'failure'
          ? secrets.redactDeep(outcome)
          : undefined,
      onMessage: (_about, message) => secrets.redactDeep(message),
    }
  },
})

/** The gateway's `use` for what this file exports. */
export default redaction

const SECRET = 'hunter2-hunter2'
const words = { words: [SECRET] }
const BIG = '12345678901234567890'

/** What an upstream says while it works. */
const noise = (token: unknown): string[] => [
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${JSON.stringify(token)},"progress":1,"message":"with ${SECRET}","x-big":${BIG}}}`,
  `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"key":"${SECRET}","id":${BIG}}}}`,
]

/** What a client is sent when the upstream answers like this, through a real gateway. */
async function relayed(
  t: TestContext,
  era: Era,
  answer: (call: RecordedCall) => void,
  more: { readonly plugin?: object; readonly files?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const upstream = await recorder(t, era)
  upstream.answer = answer
  const plugin = more.plugin ?? { use: import.meta.filename, config: words }
  const gateway = await startWith(
    t,
    { upstreams: { up: { url: upstream.url } }, plugins: [{ use: 'auth-none' }, plugin] },
    more,
  )
  await gateway.ready()
  const client = await rawClient(t, gateway.url, era)
  if (era === 'legacy') await client.ask({ method: 'logging/setLevel', params: '"level":"debug"' })
  const { messages } = await client.ask({
    method: 'tools/call',
    name: 'up__record',
    params: '"name":"up__record","arguments":{}',
    meta: '"progressToken":7,"io.modelcontextprotocol/logLevel":"debug"',
  })
  return messages.join('\n')
}

test('a secret in a result is blanked, wherever it stands; the rest stays', async () => {
  const reply = () => ({
    content: [{ type: 'text', text: `key: ${SECRET}!` }],
    structuredContent: { deep: [{ key: SECRET }], other: 'words' },
  })
  const gateway = await testPlugin(redaction, words, { reply })
  const result = await gateway.result('demo__echo')
  assert.doesNotMatch(JSON.stringify(result), /hunter2/)
  assert.match(JSON.stringify(result), /key: \[redacted\]!/)
  assert.match(JSON.stringify(result), /"other":"words"/)
})

for (const era of ['legacy', 'modern'] as const) {
  test(`${era}: secrets leave neither by messages nor by the result, and big integers survive`, async (t) => {
    const sent = await relayed(t, era, (call) => {
      for (const text of noise(call.token)) call.message(text)
      call.finish(
        `{"content":[{"type":"text","text":"${SECRET}"}],"structuredContent":{"id":${BIG}}}`,
      )
    })
    assert.doesNotMatch(sent, /hunter2/)
    assert.match(sent, /notifications\/progress.*with \[redacted\]/)
    assert.match(sent, /notifications\/message.*\[redacted\]/)
    assert.match(sent, /"text":"\[redacted\]"/)
    assert.equal(sent.split(BIG).length - 1, 3)
  })

  test(`${era}: an upstream's error is blanked too`, async (t) => {
    const sent = await relayed(t, era, (call) =>
      call.fail(`{"code":-32000,"message":"no ${SECRET}","data":{"key":"${SECRET}"}}`),
    )
    assert.doesNotMatch(sent, /hunter2/)
    assert.match(sent, /no \[redacted\]/)
  })
}

/** A redactor that breaks at what it should hide, in one of its hooks. */
const broken = (hook: string) => `
import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'broken',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ ${hook}() { throw new Error('broken') } }),
})`

test('a redactor that fails delivers nothing of what it could not judge', async (t) => {
  const answer = (call: RecordedCall) => {
    for (const text of noise(call.token)) call.message(text)
    call.finish(`{"content":[{"type":"text","text":"${SECRET}, said at the end"}]}`)
  }
  const relay = (hook: string) =>
    relayed(t, 'modern', answer, {
      plugin: { use: './broken.ts' },
      files: { 'broken.ts': broken(hook) },
    })
  const withoutMessages = await relay('onMessage')
  assert.doesNotMatch(withoutMessages, /notifications/)
  assert.match(withoutMessages, /said at the end/)
  const withoutResult = await relay('afterCall')
  assert.doesNotMatch(withoutResult, /said at the end/)
  assert.match(withoutResult, /a plugin of the gateway failed/)
})

test('a result that the redactor hangs on is not delivered', async () => {
  const hanging = definePlugin({
    ...redaction,
    setup: () => ({ afterCall: () => new Promise(() => {}) }),
  })
  const reply = () => ({ content: [{ type: 'text', text: SECRET }] })
  const gateway = await testPlugin(hanging, words, { reply })
  const running = gateway.call('demo__echo')
  gateway.clock.advance(2_250)
  const outcome = await running
  assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
  assert.equal(outcome.executed, true)
  assert.doesNotMatch(JSON.stringify(outcome), /hunter2/)
})
