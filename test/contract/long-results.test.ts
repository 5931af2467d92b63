import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, deny, isKind, KeyValue, type Principal, Seal } from 'mcp-patchbay/sdk'
import { type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'

const size = { type: 'integer', minimum: 1 } as const

/** Cuts long texts, and offers the rest as a resource to whoever made the call. */
const longResults = definePlugin({
  name: 'long-results',
  version: '1.0.0',
  phase: 'shape',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['longest'],
    properties: {
      longest: { ...size, description: 'Characters of a text that are passed on.' },
      ttl: { type: 'string', format: 'duration', default: '1h', description: 'How long to keep.' },
    },
  },
  needs: { keyValue: KeyValue, seal: Seal },
  setup({ longest, ttl }, { keyValue, seal }) {
    const nobodys = (uri: unknown) => deny('NOT_FOUND', `Resource not found: ${uri}`)
    const ownerOf = ({ issuer, subject }: Principal) => JSON.stringify([issuer, subject])
    return {
      async afterCall(call, outcome) {
        if (call.method !== 'tools/call' || outcome.kind !== 'result') return undefined
        const { content } = outcome.result
        if (!Array.isArray(content)) return undefined
        let cut = false
        const short = await Promise.all(
          content.map(async (block: { type: string; text: string }, index) => {
            if (block.type !== 'text' || block.text.length <= longest) return block
            cut = true
            const key = `${call.id}/${index}`
            await keyValue.set(key, block.text.slice(longest), { ttl })
            const id = seal.seal(JSON.stringify([ownerOf(call.caller.principal), key]), 'rest')
            const link = {
              type: 'resource_link',
              uri: `rest://long-results/${id}`,
              name: 'The rest',
            }
            return [{ ...block, text: block.text.slice(0, longest) }, link]
          }),
        )
        return cut
          ? { ...outcome, result: { ...outcome.result, content: short.flat() } }
          : undefined
      },
      resources: [
        {
          definition: { uriTemplate: 'rest://long-results/{id}', name: 'The rest of a long text' },
          async call({ args: { uri }, caller }) {
            const facts = seal.open(String(uri).slice('rest://long-results/'.length), 'rest')
            const [owner, key] = facts === undefined ? [] : JSON.parse(facts)
            if (owner !== ownerOf(caller.principal)) return nobodys(uri)
            const text = await keyValue.get(key)
            return text === undefined ? nobodys(uri) : { contents: [{ uri, text }] }
          },
        },
      ],
    }
  },
})

const long: TestOptions = { reply: () => ({ content: [{ type: 'text', text: 'abcdefgh' }] }) }
const read = { method: 'resources/read' } as const

async function cut(options: TestOptions = long) {
  const gateway = await testPlugin(longResults, { longest: 3 }, options)
  const { content } = (await gateway.result('demo__echo')) as {
    content: { type: string; text?: string; uri?: string }[]
  }
  return { gateway, content, uri: content[1]?.uri ?? '' }
}

test('what was cut can be read by whoever made the call', async () => {
  const { gateway, content, uri } = await cut()
  assert.equal(content[0]?.text, 'abc')
  const { contents } = (await gateway.result(uri, {}, read)) as { contents: unknown }
  assert.deepEqual(contents, [{ uri, text: 'defgh' }])
  // As often as they like.
  assert.equal((await gateway.call(uri, {}, read)).kind, 'result')
  assert.equal(gateway.sent.length, 1)
})

test('nobody else can read it, and a made-up address reads the same', async () => {
  const { gateway, uri } = await cut()
  const bert = { ...read, caller: { principal: { subject: 'bert' } } }
  assert.equal((await gateway.denied(uri, {}, bert)).code, 'NOT_FOUND')
  const elsewhere = { ...read, caller: { principal: { issuer: 'other' } } }
  assert.equal((await gateway.denied(uri, {}, elsewhere)).code, 'NOT_FOUND')
  const madeUp = await gateway.denied('rest://long-results/guess', {}, read)
  assert.equal(madeUp.message, 'Resource not found: rest://long-results/guess')
})

test('it is gone when its time is over, and was never there for another shape of address', async () => {
  const { gateway, uri } = await cut()
  gateway.clock.advance(3_600_001)
  assert.equal((await gateway.denied(uri, {}, read)).code, 'NOT_FOUND')
  assert.equal((await gateway.denied(`${uri}/more`, {}, read)).plugin, undefined)
  assert.equal((await gateway.denied('rest://other/x', {}, read)).plugin, undefined)
})

test('short texts and other kinds of content pass as they are', async () => {
  const content = [
    { type: 'text', text: 'abc' },
    { type: 'image', data: 'AAAAAAAA', mimeType: 'image/png' },
  ]
  const { content: passed } = await cut({ reply: () => ({ content }) })
  assert.deepEqual(passed, content)
})

test('the template passes every filter, and a refused one cannot be read', async () => {
  const closed = definePlugin({
    name: 'no-templates',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    setup: () => ({
      listFilter: ({ principal: { subject } }) => ({
        key: subject,
        test: (entry) =>
          !isKind(entry, 'template') || subject === 'anna' || { rule: 'anna', reason: 'hers' },
      }),
    }),
  })
  const { gateway, uri } = await cut({ ...long, with: [[closed, {}]] })
  assert.equal((await gateway.call(uri, {}, read)).kind, 'result')
  const bert = { ...read, caller: { principal: { subject: 'bert' } } }
  assert.deepEqual((await gateway.denied(uri, {}, bert)).plugin, 'no-templates')
})
