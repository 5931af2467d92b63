// Servers whose words cannot even be made a text of: JSON may name members `toString` and `valueOf`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { rawClient } from '../../fixtures/raw.ts'

const UNSAYABLE = { toString: 1, valueOf: 1 }
const LEVEL = 'io.modelcontextprotocol/logLevel'

/** A stdio server of 2026-07-28 that says `words` before it answers a call with `result`. */
function server(words: object, result: object): string[] {
  const script = `
    const words = ${JSON.stringify(words)}
    const say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      const supportedVersions = ['2026-07-28']
      const stamp = { resultType: 'complete' }
      if (method === 'server/discover') {
        say({ id, result: { ...stamp, supportedVersions, capabilities: { tools: {} } } })
      } else if (method === 'tools/list') {
        const tools = [{ name: 'look', inputSchema: { type: 'object' } }]
        say({ id, result: { ...stamp, tools } })
      } else if (method === 'tools/call') {
        say({ method: 'notifications/message', params: words })
        say({ id, result: ${JSON.stringify(result)} })
      }
    })`
  return [process.execPath, '-e', script]
}

const DONE = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] }

for (const [what, words, result, answer] of [
  ['the level of a log message', { level: UNSAYABLE, data: 'x' }, DONE, /done/],
  ['the type of a result', { level: 'info' }, { resultType: UNSAYABLE }, /did not offer/],
] as const) {
  test(`${what} that no text can be made of ends no process`, async (t) => {
    const upstreams = { up: { command: server(words, result) } }
    const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, 'modern')
    const { messages } = await client.ask({
      method: 'tools/call',
      params: '"name":"up__look","arguments":{}',
      name: 'up__look',
      meta: `"${LEVEL}":"error"`,
    })
    assert.equal(messages.length, 1)
    assert.match(messages[0] ?? '', answer)
  })
}

test('a call whose arguments are too deep to remember, and whose server asks, ends no process', async (t) => {
  const asks = { resultType: 'input_required', requestState: 's' }
  const upstreams = { up: { command: server({}, asks) } }
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const params = `"name":"up__look","arguments":{"deep":${deep}}`
  const { messages } = await client.ask({ method: 'tools/call', params, name: 'up__look' })
  assert.match(messages[0] ?? '', /"isError":true/)
})

test('what a server logs about a call that was cancelled reaches nobody else', async (t) => {
  const script = `
    const say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
    const stamp = { resultType: 'complete' }
    const log = (data) => say({ method: 'notifications/message', params: { level: 'error', data } })
    let first
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line)
      if (method === 'server/discover') {
        const supportedVersions = ['2026-07-28']
        say({ id, result: { ...stamp, supportedVersions, capabilities: { tools: {} } } })
      } else if (method === 'tools/list') {
        const tools = [{ name: 'look', inputSchema: { type: 'object' } }]
        say({ id, result: { ...stamp, tools } })
      } else if (method === 'tools/call') {
        if (first === undefined) {
          first = id
          log('begun')
          return
        }
        log('the first one’s secret')
        if (params.arguments.late) say({ id: first, result: { ...stamp, content: [] } })
        log('the second one’s')
        say({ id, result: { ...stamp, content: [] } })
      }
    })`
  const upstreams = { up: { command: [process.execPath, '-e', script], timeout: '1s' } }
  const gateway = await startWith(t, { upstreams, plugins: [{ use: 'auth-none' }] })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  const ask = async (args: object) => {
    const params = `"name":"up__look","arguments":${JSON.stringify(args)}`
    const meta = `"${LEVEL}":"error"`
    const { messages } = await client.ask({ method: 'tools/call', params, name: 'up__look', meta })
    return messages.flatMap((text) => JSON.parse(text).params?.data ?? [])
  }
  assert.deepEqual(await ask({}), ['begun'])
  assert.deepEqual(await ask({}), [])
  assert.deepEqual(await ask({ late: true }), ['the second one’s'])
  assert.deepEqual(await ask({}), ['the first one’s secret', 'the second one’s'])
})
