// Nothing is lost in transit: what nobody changed arrives as the bytes it was sent in.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, rawClient, toolCall } from '../../fixtures/raw.ts'
import { type Recorder, recorder } from '../../fixtures/recorder.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']

/** Every character of the basic plane but surrogates, as JSON writes it. */
const BASIC = JSON.stringify(
  String.fromCharCode(
    ...Array.from({ length: 0x10000 }, (_, i) => i).filter((i) => i < 0xd800 || i > 0xdfff),
  ),
)
/** One character of every 64 in the other planes. */
const ASTRAL = JSON.stringify(
  Array.from({ length: 0x4000 }, (_, i) => String.fromCodePoint(0x10000 + i * 64)).join(''),
)

/** JSON objects whose bytes a careless relay would change. */
const OBJECTS: Readonly<Record<string, string>> = {
  'integers above 2^53':
    '{"id":9007199254740993,"least":-9223372036854775808,"list":[18446744073709551615,{"deep":123456789012345678901234567890}]}',
  'numbers as they were written':
    '{"a":1.0,"b":1e2,"c":1E+400,"d":-0,"e":0.1000000000000000055511151231257827,"f":-0.0,"g":1e-7}',
  'unknown fields, empty names and names that are special in JavaScript':
    '{"":{"":[]},"__proto__":{"polluted":1},"constructor":null,"toString":1,"2":"b","1":"a"}',
  'escapes as they were written':
    '{"slash":"\\/","letter":"\\u0041","astral":"\\ud83c\\udf0d","\\u006bey":"\\u000a","line":"\\u2028\u2028\u2029"}',
  'escaped lone surrogates': '{"high":"\\ud800","low":"x\\uDC00y","\\udfff":["\\ud83d\\ud83d"]}',
  'every character of the basic plane': `{"text":${BASIC}}`,
  'characters of every other plane': `{"text":${ASTRAL}}`,
  'white space': '{ "a" : [ 1 ,\t2 ] ,\r\n  "b" :\n{ } }',
  'empty values': '{"object":{},"list":[],"text":"","nothing":null}',
  nothing: '{}',
  'a megabyte': `{"text":"${'0123456789abcdef'.repeat(65_536)}","id":9007199254740993}`,
  'a thousand levels': `{"deep":${'['.repeat(1000)}9007199254740993${']'.repeat(1000)}}`,
}

const GUARD = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'looker', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall(call) { JSON.stringify(call.args) },
    async afterCall(call, outcome) { JSON.stringify(outcome); return outcome },
  }),
})
`

interface House {
  readonly client: RawClient
  readonly upstream: Recorder
}

async function house(
  t: TestContext,
  from: Era,
  to: Era,
  plugins: Readonly<Record<string, string>> = {},
): Promise<House> {
  const upstream = await recorder(t, to)
  const uses = Object.keys(plugins).map((name) => ({ use: `./${name}` }))
  const config = {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }, ...uses],
  }
  const gateway = await startWith(t, config, { files: plugins })
  await gateway.ready()
  return { client: await rawClient(t, gateway.url, from), upstream }
}

/** The value of the first member of that name, as long as the expected text. */
function textOf(body: string, name: string, expected: string): string {
  const at = body.indexOf(`"${name}":`) + name.length + 3
  assert.match(body.charAt(at + expected.length), /[,}]/, `${name} has another length`)
  return body.slice(at, at + expected.length)
}

/** Compares without printing megabytes. */
function same(actual: string, expected: string, what: string): void {
  if (actual === expected) return
  let i = 0
  while (actual[i] === expected[i]) i++
  assert.fail(`${what} differs at ${i}: ${actual.slice(i, i + 60)} ≠ ${expected.slice(i, i + 60)}`)
}

for (const from of ERAS) {
  for (const to of ERAS) {
    for (const guarded of [false, true]) {
      const plugins = guarded ? { 'looker.ts': GUARD } : {}
      const title = `${from} client → ${to} server${guarded ? ', with a guard' : ''}`
      test(`${title}: arguments and results keep their bytes`, async (t) => {
        const { client, upstream } = await house(t, from, to, plugins)
        for (const [what, text] of Object.entries(OBJECTS)) {
          for (const streamed of [false, true]) {
            upstream.answer = (call) => {
              if (streamed) call.message('{"jsonrpc":"2.0","method":"notifications/unknown"}')
              call.finish(`{"content":[],"structuredContent":${text},"x-unknown":${text}}`)
            }
            const { status, messages } = await client.ask(toolCall('up__record', text))
            assert.equal(status, 200)
            assert.equal(messages.length, 1)
            const sent = upstream.calls.at(-1)?.body ?? ''
            same(textOf(sent, 'arguments', text), text, `${what} in arguments`)
            const answer = messages[0] ?? ''
            // An SSE answer of the upstream cannot hold a carriage return.
            const came = streamed ? text.replaceAll('\r\n', '\n') : text
            for (const member of ['structuredContent', 'x-unknown']) {
              same(textOf(answer, member, came), came, `${what} in ${member}`)
            }
          }
        }
      })
    }

    test(`${from} client → ${to} server: only era, name and envelope are ours`, async (t) => {
      const { client, upstream } = await house(t, from, to)
      const meta = '"example.com/trace":{"id":9007199254740993},"traceparent":"00-ab-cd-01"'
      const call = toolCall('up__record', undefined, { meta, id: '"ünïcode \\ud800"' })
      const result =
        '{ "content" : [] , "_meta" : { "n" : 1.0 } , "resultType":"complete","z":1e2 }'
      upstream.answer = (one) => one.finish(result)
      const { messages } = await client.ask({ ...call, params: `${call.params},"x-new":[1.0]` })

      const sent = upstream.calls[0]?.body ?? ''
      assert.match(
        sent,
        /^\{"jsonrpc":"2\.0","id":\d+,"method":"tools\/call","params":\{"name":"record",/,
      )
      assert.ok(sent.includes('"x-new":[1.0]'))
      assert.ok(!sent.includes('"arguments"'))
      assert.ok(sent.includes(meta))
      const envelope = Object.keys(JSON.parse(sent).params._meta).filter((key) =>
        key.startsWith('io.modelcontextprotocol/'),
      )
      assert.equal(envelope.length, to === 'modern' ? 3 : 0)
      if (to === 'modern') {
        const info = JSON.parse(sent).params._meta['io.modelcontextprotocol/clientInfo']
        assert.equal(info.name, 'patchbay')
      }
      const left = from === 'modern' ? result : '{"content":[],"_meta":{ "n" : 1.0 },"z":1e2}'
      assert.equal(messages[0], `{"jsonrpc":"2.0","id":"ünïcode \\ud800","result":${left}}`)
    })

    test(`${from} client → ${to} server: an error keeps code, message and data`, async (t) => {
      const { client, upstream } = await house(t, from, to)
      const error =
        '{"code":-32000,"message":"\\u0041 “no”","data":{"id":9007199254740993,"n":1.0}}'
      upstream.answer = (call) => call.fail(error)
      const { status, messages } = await client.ask(toolCall('up__record', '{}'))
      assert.equal(status, 200)
      assert.equal(messages[0], `{"jsonrpc":"2.0","id":1,"error":${error}}`)
    })
  }
}

test('a result without a result type gets one for a modern client, and nothing else changes', async (t) => {
  const { client, upstream } = await house(t, 'modern', 'legacy')
  const results = [
    ['{}', ''],
    [' { } ', ' '],
    ['{"content":[],"n":9007199254740993}', '"content":[],"n":9007199254740993'],
  ] as const
  for (const [text, members] of results) {
    upstream.answer = (call) => call.finish(text)
    const { messages } = await client.ask(toolCall('up__record', '{}'))
    const { result } = JSON.parse(messages[0] ?? '')
    assert.equal(result.resultType, 'complete')
    assert.equal(result._meta['io.modelcontextprotocol/serverInfo'].name, 'patchbay')
    assert.ok(messages[0]?.includes(members))
  }
})

const SHAPER = `import { change, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'shaper', version: '1.0.0', phase: 'shape',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall: (call) => change({ args: { ...call.args, who: 'shaper', added: 1 } }),
    afterCall(call, outcome) {
      if (outcome.kind !== 'result') return outcome
      const { content, ...rest } = outcome.result
      return { ...outcome, result: { ...rest, content: [{ type: 'text', text: 'shaped' }] } }
    },
  }),
})
`

for (const from of ERAS) {
  for (const to of ERAS) {
    test(`${from} client → ${to} server: a change keeps the numbers beside it`, async (t) => {
      const { client, upstream } = await house(t, from, to, { 'shaper.ts': SHAPER })
      upstream.answer = (call) =>
        call.finish('{"content":[],"structuredContent":{"id":9007199254740993,"e":1e2},"n":1E400}')
      const { messages } = await client.ask(
        toolCall('up__record', '{"who":"me","id":9007199254740993,"list":[1e2,{"n":1E400}]}'),
      )
      const args = '{"who":"shaper","id":9007199254740993,"list":[1e2,{"n":1E400}],"added":1}'
      assert.equal(textOf(upstream.calls[0]?.body ?? '', 'arguments', args), args)
      const answer = messages[0] ?? ''
      for (const part of [
        '"structuredContent":{"id":9007199254740993,"e":1e2}',
        '"n":1E400',
        '"content":[{"type":"text","text":"shaped"}]',
      ]) {
        assert.ok(answer.includes(part), `${part} in ${answer}`)
      }
    })
  }
}

for (const to of ERAS) {
  test(`a ${to} stdio server is sent one line per call, and answers keep their bytes`, async (t) => {
    const script = join(import.meta.dirname, '../../fixtures/stdio-server.ts')
    const gateway = await startWith(t, {
      upstreams: { up: { command: [process.execPath, script, to] } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, to)
    for (const [what, text] of Object.entries(OBJECTS)) {
      // Line breaks are white space in JSON, and the end of the message on this wire.
      const line = text.replace(/[\r\n]/g, ' ')
      const result = `{"resultType":"complete","content":[],"x-unknown":${line}}`
      const args = `{"result":${JSON.stringify(result)},"sent":${text}}`
      const { messages } = await client.ask(toolCall('up__raw', args))
      same(textOf(messages[0] ?? '', 'x-unknown', line), line, `${what} in the result`)
      const report = await client.ask(toolCall('up__report', '{}'))
      const { lines } = JSON.parse(report.messages[0] ?? '').result.structuredContent
      same(textOf(lines.at(-2), 'sent', line), line, `${what} in arguments`)
    }
  })
}
