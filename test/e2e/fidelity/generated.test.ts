// Whatever JSON there can be in arguments and results: over every wire it arrives as it was sent. The seed
// of a run is in the name of its test; SEED repeats it.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, REVISION, rawClient, toolCall } from '../../fixtures/raw.ts'
import { recorder } from '../../fixtures/recorder.ts'
import { sseStub } from '../upstreams/sse-stub.ts'
import { Generator } from './generator.ts'
import { type Revision, specJudges } from './spec-schemas.ts'

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
const ROUNDS = 40
const SCRIPT = join(import.meta.dirname, '../../fixtures/stdio-server.ts')
const JUDGES = specJudges()

const SHAPER = `import { change, definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'shaper', version: '1.0.0', phase: 'shape',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    beforeCall: (call) => change({ args: { ...call.args, 'x-added': 1 } }),
    afterCall: (call, outcome) => outcome.kind !== 'result' ? outcome
      : { ...outcome, result: { ...outcome.result, 'x-added': 1 } },
  }),
})
`

/** A server behind the gateway. */
interface Far {
  readonly config: object
  /** Calls it with arguments and gets the result back. */
  send(client: RawClient, args: string, result: string): Promise<{ came: string; answer: string }>
}

const http =
  (era: Era, streamed: boolean) =>
  async (t: TestContext): Promise<Far> => {
    const upstream = await recorder(t, era, 'raw')
    return {
      config: { url: upstream.url },
      async send(client, args, result) {
        upstream.answer = (call) => {
          if (streamed) call.message('{"jsonrpc":"2.0","method":"notifications/unknown"}')
          call.finish(result)
        }
        const { messages } = await client.ask(toolCall('raw', args))
        const body = upstream.calls.at(-1)?.body ?? ''
        return { came: member(body, 'params', 'arguments'), answer: messages.at(-1) ?? '' }
      },
    }
  }

const stdio = (era: Era) => async (): Promise<Far> => ({
  config: { command: [process.execPath, SCRIPT, era] },
  async send(client, args, result) {
    const { messages } = await client.ask(
      toolCall('raw', `{"result":${JSON.stringify(result)},"args":${args}}`),
    )
    const last = await client.ask(toolCall('last', '{}'))
    const { line } = JSON.parse(last.messages.at(-1) ?? '').result
    return { came: member(line, 'params', 'arguments', 'args'), answer: messages.at(-1) ?? '' }
  },
})

async function sse(t: TestContext): Promise<Far> {
  const upstream = await sseStub(t)
  upstream.acts['tools/list'] = ({ message: { id } }, stub, response) => {
    response.writeHead(202).end()
    stub.send({
      id: id as number,
      result: { tools: [{ name: 'raw', inputSchema: { type: 'object' } }] },
    })
  }
  return {
    config: { url: upstream.url },
    async send(client, args, result) {
      upstream.acts['tools/call'] = ({ message: { id } }, stub, response) => {
        response.writeHead(202).end()
        stub.stream?.write(
          `event: message\ndata: {"jsonrpc":"2.0","id":${id},"result":${result}}\n\n`,
        )
      }
      const { messages } = await client.ask(toolCall('raw', args))
      const body = upstream.of('tools/call').at(-1)?.text ?? ''
      return { came: member(body, 'params', 'arguments'), answer: messages.at(-1) ?? '' }
    },
  }
}

const FARS: Readonly<Record<string, [(t: TestContext) => Promise<Far>, Era]>> = {
  'a modern HTTP server': [http('modern', false), 'modern'],
  'a modern HTTP server that streams': [http('modern', true), 'modern'],
  'a legacy HTTP server': [http('legacy', false), 'legacy'],
  'a legacy HTTP server that streams': [http('legacy', true), 'legacy'],
  'a modern stdio server': [stdio('modern'), 'modern'],
  'a legacy stdio server': [stdio('legacy'), 'legacy'],
  'an HTTP+SSE server': [sse, 'legacy'],
}

/** The source of the value that these names lead to, found by a parser of its own: the engine's. */
function member(text: string, ...names: readonly string[]): string {
  let source = text
  for (const name of names) {
    const at = source.indexOf(`"${name}":`) + name.length + 3
    source = source.slice(at, at + valueLength(source.slice(at)))
  }
  return source
}

/** The value of a member's text ends where brackets close, or at a comma outside of all. */
function valueLength(text: string): number {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++
    } else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
    else if (c === ',' && depth === 0) return i
    if (depth < 0) return i
    if (depth === 0 && (c === '}' || c === ']')) return i + 1
  }
  return text.length
}

/** A value in which every number stands as it was written: equal only if nothing was lost. */
function lossless(text: string): unknown {
  const keep = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? { number: context?.source } : value
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown)
}

for (const [far, [open, era]] of Object.entries(FARS)) {
  for (const from of ['legacy', 'modern'] satisfies Era[]) {
    for (const shaped of [false, true]) {
      const title = `${from} client → ${far}${shaped ? ', a plugin changes something beside' : ''}`
      test(`${title} (SEED=${SEED})`, { timeout: 60_000 }, async (t) => {
        const { config, send } = await open(t)
        const gateway = await startWith(
          t,
          {
            upstreams: { up: { ...config, prefix: '' } },
            plugins: [{ use: 'auth-none' }, ...(shaped ? [{ use: './shaper.ts' }] : [])],
          },
          { files: { 'shaper.ts': SHAPER } },
        )
        await gateway.ready()
        const client = await rawClient(t, gateway.url, from)
        const generator = new Generator(SEED)
        for (let round = 0; round < ROUNDS; round++) {
          const args = generator.object(4)
          const members = generator.result()
          const stamp = era === 'modern' ? '"resultType":"complete",' : ''
          const result = `{${stamp}${members.map(([name, text]) => `"${name}":${text}`).join()}}`
          const { came, answer } = await send(client, args, result)
          const where = `round ${round}, SEED=${SEED}`
          if (shaped) {
            const expected = { ...(lossless(args) as object), 'x-added': { number: '1' } }
            if (!far.includes('stdio')) assert.deepEqual(lossless(came), expected, where)
            else assert.deepEqual(lossless(came), lossless(args), where)
          } else assert.equal(came, args, where)
          const told = member(answer, 'result')
          for (const [name, text] of members) {
            if (shaped) {
              const got = (lossless(told) as Record<string, unknown>)[name]
              assert.deepEqual(got, lossless(text), `${name}, ${where}`)
            } else assert.ok(told.includes(`"${name}":${text}`), `${name}, ${where}: ${told}`)
          }
          const judge = JUDGES[REVISION[from] as Revision]
          assert.equal(judge('CallToolResult', JSON.parse(told)), '', where)
        }
      })
    }
  }
}

const MB = 1_048_576

for (const [far, [open]] of Object.entries(FARS)) {
  test(`${far} answers with 1 MB and with 20 MB`, { timeout: 60_000 }, async (t) => {
    const { config, send } = await open(t)
    const gateway = await startWith(t, {
      upstreams: { up: { ...config, prefix: '' } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, 'modern')
    for (const size of [MB, 20 * MB]) {
      let answer: string
      // Arguments cannot be as large as results, so this server makes its own.
      if (far.includes('stdio')) {
        answer = (await client.ask(toolCall('huge', `{"size":${size}}`))).messages.at(-1) ?? ''
      } else {
        const text = 'x'.repeat(size)
        ;({ answer } = await send(client, '{}', `{"content":[],"text":"${text}","n":1.0}`))
        assert.ok(answer.includes('"n":1.0'))
      }
      assert.equal(JSON.parse(answer).result.text.length, size)
    }
  })
}
