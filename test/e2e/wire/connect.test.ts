// `patchbay stdio --connect`, line by line on one side and byte by byte on the other.
import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { Scope } from '../../fixtures/gateway.ts'
import { serve } from '../../fixtures/upstreams.ts'
import { startStdio } from './stdio-client.ts'
import { steered } from './steered.ts'
import { ENVELOPE, initialize } from './wire.ts'

const modern = (params: object = {}) => ({ ...params, _meta: ENVELOPE })

interface Heard {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
  readonly body: any
}

/** A server that answers as it is told, and keeps what it hears. */
async function server(t: Scope, answer: (heard: Heard, response: ServerResponse) => void) {
  const heard: Heard[] = []
  const looks = new Set<() => void>()
  const url = await serve(t, async (request, response) => {
    const body = await text(request)
    const { method, headers } = request
    const one = { method, headers, body: body === '' ? undefined : JSON.parse(body) }
    heard.push(one)
    for (const look of looks) look()
    answer(one, response)
  })
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return
        looks.delete(look)
        resolve()
      }
      looks.add(look)
      look()
    })
  return { url, heard, until }
}

function json(response: ServerResponse, message: object, headers = {}, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(message))
}

test('both eras go through, and what comes before an answer comes at once', async (t) => {
  const { gateway, stub } = await steered(t)
  const client = startStdio(t, ['--connect', gateway.url])
  const { params } = initialize() as { params: object }
  const hello = await client.ask('hello', 'initialize', params)
  assert.equal(hello.result.serverInfo.name, 'patchbay')
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  assert.equal((await client.ask(1, 'tools/list')).result.tools.length, 6)
  const progressing = { name: 'hold', _meta: { progressToken: 'p' } }
  for (const [id, more] of [
    [2, progressing],
    [3, modern({ ...progressing, _meta: undefined })],
  ] as const) {
    const _meta = { ...(id === 3 ? ENVELOPE : {}), progressToken: `p${id}` }
    client.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { ...more, _meta } })
    await client.seen(({ params }) => params?.progressToken === `p${id}`)
    stub.release()
    const { result } = await client.seen((message) => message.id === id)
    assert.equal(result.content[0].text, 'held')
  }
  const bad = client.seen(({ error }) => error?.code === -32700)
  client.send('{"jsonrpc"\n')
  await bad
  assert.equal(await client.end(), 0)
})

test('a modern request has the headers that mirror it, and is cancelled by its stream', async (t) => {
  const inputSchema = {
    type: 'object',
    properties: { city: { type: 'string', 'x-mcp-header': 'City' } },
  }
  let closed = 0
  const { url, heard, until } = await server(t, ({ body }, response) => {
    const { id, method } = body
    const result = { resultType: 'complete', tools: [{ name: 'wéather', inputSchema }] }
    if (method === 'tools/list') return json(response, { jsonrpc: '2.0', id, result })
    if (body.params.arguments?.city !== 'Bonn')
      return json(response, { jsonrpc: '2.0', id, result: {} })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    response.on('close', () => closed++)
  })
  const client = startStdio(t, ['--connect', url])
  await client.ask(1, 'tools/list', modern())
  await client.ask(2, 'tools/call', modern({ name: 'wéather', arguments: { city: 'Köln' } }))
  const { headers } = heard[1] as Heard
  assert.equal(headers['mcp-protocol-version'], '2026-07-28')
  assert.equal(headers['mcp-method'], 'tools/call')
  assert.equal(headers['mcp-name'], `=?base64?${Buffer.from('wéather').toString('base64')}?=`)
  assert.equal(headers['mcp-param-city'], `=?base64?${Buffer.from('Köln').toString('base64')}?=`)
  assert.equal(headers['mcp-session-id'], undefined)
  assert.match(String(headers.accept), /application\/json, text\/event-stream/)

  const params = modern({ name: 'wéather', arguments: { city: 'Bonn' } })
  client.send({ jsonrpc: '2.0', id: 3, method: 'tools/call', params })
  await until(() => heard.length === 3)
  client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } })
  await client.ask(4, 'tools/list', modern())
  assert.equal(await client.end(), 0)
  assert.equal(closed, 1)
  assert.deepEqual(
    heard.map(({ body }) => body.method),
    ['tools/list', 'tools/call', 'tools/call', 'tools/list'],
  )
})

test('a handshake’s session is kept, heard, and ended at the end', async (t) => {
  const { url, heard, until } = await server(t, ({ method, body, headers }, response) => {
    if (method === 'DELETE') return void response.writeHead(200).end()
    if (method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
      return void response.write(`data: ${JSON.stringify(changed)}\n\n`)
    }
    const { id, method: asked } = body
    if (id === undefined) return void response.writeHead(202).end()
    const result = asked === 'initialize' ? { protocolVersion: '2025-06-18' } : {}
    const session = asked === 'initialize' ? { 'mcp-session-id': 'abc' } : {}
    if (headers['mcp-session-id'] === 'abc' || asked === 'initialize')
      return json(response, { jsonrpc: '2.0', id, result }, session)
    json(response, { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'who' } }, {}, 404)
  })
  const client = startStdio(t, ['--connect', url])
  await client.ask(1, 'initialize', (initialize() as { params: object }).params)
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await client.seen(({ method }) => method === 'notifications/tools/list_changed')
  await client.ask(2, 'ping')
  client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } })
  await until(() => heard.some(({ body }) => body?.method === 'notifications/cancelled'))
  assert.equal(await client.end(), 0)
  const later = heard.slice(1)
  assert.ok(later.every(({ headers }) => headers['mcp-session-id'] === 'abc'))
  assert.ok(later.every(({ headers }) => headers['mcp-protocol-version'] === '2025-06-18'))
  assert.equal(heard.at(-1)?.method, 'DELETE')
})

test('the rest of an answer that broke off is asked for, of a handshake only', async (t) => {
  const { url, heard } = await server(t, ({ method, body, headers }, response) => {
    if (method === 'GET') {
      assert.equal(headers['last-event-id'], 'e1')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void response.end('data: {"jsonrpc":"2.0","id":1,"result":{"whole":true}}\n\n')
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const { id } = body
    response.write(`id: e1\nretry: 1\ndata: {"jsonrpc":"2.0","method":"notifications/x${id}"}\n\n`)
    response.end()
  })
  const client = startStdio(t, ['--connect', url])
  assert.equal((await client.ask(1, 'ping')).result.whole, true)
  const { error } = await client.ask(2, 'tools/list', modern())
  assert.equal(error.code, 50301)
  assert.match(error.message, /before its end/)
  assert.equal(heard.filter(({ method }) => method === 'GET').length, 1)
})

test('credentials come from the environment, and refusals reach the client', async (t) => {
  const { url } = await server(t, ({ headers, body }, response) => {
    const { id, method } = body
    if (headers.authorization !== 'Bearer s3cret') return void response.writeHead(401).end()
    if (method === 'tools/list') return void response.writeHead(302, { location: '/other' }).end()
    if (method === 'ping') {
      const error = { code: -32600, message: 'not you' }
      return json(response, { jsonrpc: '2.0', id: null, error }, {}, 403)
    }
    json(response, { jsonrpc: '2.0', id, result: { seen: headers['x-more'] } })
  })
  const more = ['--header', 'X-More: a b', '--header', `authorization: Bearer \${TOKEN}`]
  const client = startStdio(t, ['--connect', url, ...more], { TOKEN: 's3cret' })
  assert.equal((await client.ask(1, 'x')).result.seen, 'a b')
  assert.match((await client.ask(2, 'tools/list')).error.message, /302: it has moved/)
  assert.deepEqual((await client.ask(3, 'ping')).error, { code: -32600, message: 'not you' })
  const stranger = startStdio(t, ['--connect', url])
  const { error } = await stranger.ask(1, 'x')
  assert.equal(error.code, 40100)
  assert.match(error.message, /--header/)
  stranger.send({ jsonrpc: '2.0', method: 'notifications/x' })
  const nowhere = startStdio(t, ['--connect', 'http://127.0.0.1:1/mcp'])
  assert.equal((await nowhere.ask(1, 'x')).error.code, 50301)
  assert.equal(await nowhere.end(), 0)
  assert.doesNotMatch(client.errors(), /s3cret/)
})

test('what the command line cannot mean is told', async (t) => {
  for (const [args, told] of [
    [['--connect', 'gateway'], /no http or https address/],
    [['--connect', 'http://user:secret@x/'], /no http or https address/],
    [['--connect', 'http://x', '--header', 'nonsense'], /is no header/],
    [['--connect', 'http://x', '--header', `a: \${NOT_SET_HERE}`], /NOT_SET_HERE is not set/],
    [['--connect', 'http://x', '--header', 'Mcp-Session-Id: 1'], /written by the transport/],
    [['some.yaml', '--connect', 'http://x'], /without a config file/],
    [['--header', 'a: b', 'some.yaml'], /go together/],
  ] as const) {
    const client = startStdio(t, args)
    assert.equal(await client.exit, 1)
    assert.match(client.errors(), told)
    assert.doesNotMatch(client.errors(), /secret/)
  }
})
