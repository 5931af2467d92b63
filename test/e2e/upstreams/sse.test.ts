// HTTP+SSE (2024-11-05) to servers: one stream for all calls, and every message to the server a POST.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Scope } from '../../fixtures/gateway.ts'
import { Toolbox } from '../../fixtures/tools.ts'
import { serve } from '../../fixtures/upstreams.ts'
import { drive, mayHaveRun, trouble, until } from './gateway.ts'
import { sseStub } from './sse-stub.ts'
import { stub } from './stub.ts'

/** A server of the maintenance SDK. */
async function sdkServer(scope: Scope): Promise<string> {
  const tools = new Toolbox()
  const wires = new Map<string, SSEServerTransport>()
  const url = await serve(scope, async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (request.method === 'GET' && pathname === '/sse') {
      const wire = new SSEServerTransport('/messages', response)
      wires.set(wire.sessionId, wire)
      const server = new Server(
        { name: 'former', version: '1.2.3' },
        { capabilities: { tools: {} } },
      )
      server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.list }))
      server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) =>
        tools.call(params.name, params.arguments ?? {}, { signal, progress: async () => {} }),
      )
      await server.connect(wire)
      return
    }
    const wire = wires.get(searchParams.get('sessionId') ?? '')
    if (pathname !== '/messages' || wire === undefined) response.writeHead(404).end('Not found')
    else await wire.handlePostMessage(request, response)
  })
  return new URL('/sse', url).href
}

/** The reference server in a process of its own. */
async function everything(scope: Scope): Promise<string> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const script = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/dist/index.js',
  )
  const env = { ...process.env, PORT: String(port) }
  const child = spawn(process.execPath, [script, 'sse'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  scope.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  await until(() => said.includes('running on port'))
  return `http://localhost:${port}/sse`
}

test('a server of the maintenance SDK is found to speak HTTP+SSE, and works', async (t) => {
  const gateway = await drive(t, { up: { url: await sdkServer(t) } })
  await gateway.ready()
  const { found, ...status } = gateway.status().up ?? {}
  assert.match(found ?? '', /^GET named an endpoint, after initialize brought HTTP 404$/)
  assert.deepEqual(status, {
    state: 'ready',
    era: 'legacy',
    transport: 'sse',
    protocolVersion: '2025-11-25',
    server: { name: 'former', version: '1.2.3' },
    tools: (await gateway.list()).length,
  })
  const answers = await Promise.all(
    ['a', 'b', 'c'].map((text) => gateway.call('up__echo', { args: { text } })),
  )
  assert.deepEqual(
    answers.map(({ result }) => result?.content[0]?.text),
    ['a', 'b', 'c'],
  )
})

test('the reference server works over HTTP+SSE', async (t) => {
  const gateway = await drive(t, { up: { url: await everything(t) } })
  await gateway.ready()
  assert.equal(gateway.status().up?.transport, 'sse')
  const { result } = await gateway.call('up__echo', { args: { message: 'héllo' } })
  assert.match(result?.content[0]?.text ?? '', /héllo/)
})

test('with `transport: sse` nothing is asked before the stream', async (t) => {
  const server = await sseStub(t)
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
  assert.equal(server.said[0]?.http, 'GET')
  assert.equal(server.of('server/discover').length, 0)
  assert.equal(gateway.status().up?.found, 'set by config')
  // What a server says of itself ends up on terminals.
  assert.deepEqual(gateway.status().up?.server, { name: 'old [31m', version: '0.9' })
})

test('the transport is remembered for an hour', async (t) => {
  const server = await sseStub(t)
  const gateway = await drive(t, { up: { url: server.url, refresh: '10m' } })
  await gateway.ready()
  const { found } = gateway.status().up ?? {}
  server.stream?.end()
  await gateway.until(() => gateway.status().up?.state === 'down')
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(server.of('server/discover').length, 1)
  assert.equal(gateway.status().up?.found, found)
  gateway.clock.advance(60 * 60_000)
  await gateway.passUntil(() => server.of('server/discover').length === 2)
})

test('credentials go with the stream and with every message', async (t) => {
  const server = await sseStub(t)
  const headers = { authorization: 'Bearer up' }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse', headers } })
  await gateway.ready()
  await gateway.call('up__look')
  assert.ok(server.said.length >= 5)
  for (const { headers } of server.said) assert.equal(headers.authorization, 'Bearer up')
})

for (const [what, endpoint] of [
  ['another host', 'http://elsewhere.example/messages'],
  ['another port', 'http://127.0.0.1:1/messages'],
  ['no host at all', 'http://'],
]) {
  test(`an endpoint at ${what} gets nothing`, async (t) => {
    const server = await sseStub(t)
    server.endpoint = endpoint
    const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
    await gateway.until(() => gateway.status().up?.state === 'down')
    assert.match(gateway.status().up?.error ?? '', /names an endpoint at another place/)
    assert.equal(server.of('initialize').length, 0)
  })
}

test('an endpoint may be relative, or a whole URL of the same origin', async (t) => {
  const server = await sseStub(t)
  const named = server.endpoint
  server.acts.GET = (_, stub, response) => {
    stub.stream = response
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`event: endpoint\ndata: ${new URL(named ?? '', server.url)}\n\n`)
  }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
})

test('a stream that names no endpoint is not one of HTTP+SSE', async (t) => {
  const server = await stub(t)
  server.acts.initialize = (_, response) => void response.writeHead(405).end()
  server.acts.GET = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.until(() => gateway.status().up?.state === 'down')
  assert.match(gateway.status().up?.error ?? '', /HTTP 405 to initialize/)
})

test('progress goes to its call, a log message only to a call that is alone', async (t) => {
  const server = await sseStub(t)
  const calls: { id?: number; token: unknown }[] = []
  server.acts['tools/call'] = ({ message }, _, response) => {
    response.writeHead(202).end()
    const meta = message.params?._meta as { progressToken?: unknown } | undefined
    calls.push({
      ...(message.id === undefined ? {} : { id: message.id }),
      token: meta?.progressToken,
    })
  }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
  const meta = { progressToken: 'mine', 'io.modelcontextprotocol/logLevel': 'debug' }
  const heard: string[][] = [[], []]
  const call = async (index: number) => {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'up__look',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'up__look',
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
            ...meta,
          },
        },
      }),
    })
    heard[index]?.push(await response.text())
  }
  const log = (data: string) =>
    server.send({ method: 'notifications/message', params: { level: 'error', data } })
  const first = call(0)
  await until(() => calls.length === 1)
  log('alone')
  const second = call(1)
  await until(() => calls.length === 2)
  log('crowded')
  const params = { progressToken: calls[1]?.token, progress: 1, message: 'half' }
  server.send({ method: 'notifications/progress', params })
  for (const { id } of calls) server.answer(id === undefined ? {} : { id }, 'done')
  await Promise.all([first, second])
  assert.match(heard[0]?.[0] ?? '', /alone/)
  assert.doesNotMatch(heard[0]?.[0] ?? '', /crowded|half/)
  assert.match(heard[1]?.[0] ?? '', /"progressToken":"mine".*half/)
  assert.doesNotMatch(heard[1]?.[0] ?? '', /alone|crowded/)
})

test('a stream that ends loses its calls, and is opened again', async (t) => {
  const server = await sseStub(t)
  server.acts['tools/call'] = (_, stub, response) => {
    response.writeHead(202).end()
    if (server.of('tools/call').length === 1) stub.stream?.end()
    else stub.answer(server.said.at(-1)?.message ?? {}, 'again')
  }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
  assert.ok(mayHaveRun(await gateway.call('up__write')))
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(server.of('tools/call').length, 1)
  const { result } = await gateway.call('up__write')
  assert.equal(result?.content[0]?.text, 'again')
})

test('a message that is refused was not delivered: a session that is gone is opened anew, once', async (t) => {
  const server = await sseStub(t)
  let refused = 0
  server.acts['tools/call'] = ({ message }, stub, response) => {
    if (refused++ === 0) return void response.writeHead(404).end('no such session')
    response.writeHead(202).end()
    stub.answer(message, 'second')
  }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
  const { result } = await gateway.call('up__write')
  assert.equal(result?.content[0]?.text, 'second')
  assert.equal(server.of('initialize').length, 2)
  server.acts['tools/call'] = (_, __, response) => void response.writeHead(500).end()
  assert.match(trouble(await gateway.call('up__write')), /HTTP 500/)
  server.acts['tools/call'] = (_, __, response) => void response.writeHead(403).end()
  const forbidden = trouble(await gateway.call('up__write'))
  assert.match(forbidden, /HTTP 403/)
  assert.doesNotMatch(forbidden, /Check whether/)
})

test('what the server asks is refused, a ping answered', async (t) => {
  const server = await sseStub(t)
  server.acts['tools/call'] = (_, stub, response) => {
    response.writeHead(202).end()
    stub.send({ id: 'q1', method: 'roots/list' })
    stub.send({ id: 'p1', method: 'ping' })
  }
  const gateway = await drive(t, { up: { url: server.url, transport: 'sse' } })
  await gateway.ready()
  const call = gateway.call('up__look')
  const replies = () =>
    server.said.filter(({ http, message }) => http === 'POST' && !message.method)
  await until(() => replies().length === 2)
  assert.match(replies().find(({ text }) => text.includes('q1'))?.text ?? '', /-32601/)
  assert.match(replies().find(({ text }) => text.includes('p1'))?.text ?? '', /"result":\{\}/)
  const [asked] = server.of('tools/call')
  if (asked !== undefined) server.answer(asked.message, 'done')
  assert.equal((await call).result?.content[0]?.text, 'done')
})
