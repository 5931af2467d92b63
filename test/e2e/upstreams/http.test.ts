import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drive, mayHaveRun, trouble, until } from './gateway.ts'
import { answer, json, refuse, stream, stub, TOOLS } from './stub.ts'

const page = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `t${from + i}`,
    inputSchema: { type: 'object' },
  }))

test('a list of three pages is read to its end', async (t) => {
  const server = await stub(t)
  server.acts['tools/list'] = ({ message: { params } }) => {
    const at = Number(params?.cursor ?? 0)
    return { tools: page(at, 2), ...(at < 4 ? { nextCursor: String(at + 2) } : {}) }
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual(
    await gateway.list(),
    [0, 1, 2, 3, 4, 5].map((n) => `up__t${n}`),
  )
})

test('a cursor that comes again ends the reading, and what was read is kept', async (t) => {
  const server = await stub(t)
  let pages = 0
  server.acts['tools/list'] = () => ({ tools: page(pages++, 1), nextCursor: 'again' })
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual(await gateway.list(), ['up__t0', 'up__t1'])
  assert.match(JSON.stringify(gateway.log), /repeats a cursor of tools\/list/)
})

test('a list without end is cut after a hundred pages', async (t) => {
  const server = await stub(t)
  let pages = 0
  server.acts['tools/list'] = () => ({ tools: page(pages++, 1), nextCursor: `c${pages}` })
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.equal((await gateway.list()).length, 100)
  assert.match(JSON.stringify(gateway.log), /more than 100 pages/)
})

test('tools without a name or a schema, and second ones of a name, are left out and told of', async (t) => {
  const server = await stub(t)
  server.tools = [{ name: 'a' }, { inputSchema: {} }, 7, ...TOOLS, TOOLS[0]]
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual(await gateway.list(), ['up__look', 'up__write'])
  assert.equal(gateway.log.filter((line) => /without a name/.test(JSON.stringify(line))).length, 3)
  assert.match(JSON.stringify(gateway.log), /lists look twice/)
})

test('an upstream that is down at the start delays no list, no start and no other', async (t) => {
  const good = await stub(t)
  const bad = await stub(t)
  bad.acts['server/discover'] = () => undefined
  const gateway = await drive(t, {
    down: { url: 'http://127.0.0.1:1/mcp' },
    mute: { url: bad.url },
    good: { url: good.url },
  })
  assert.deepEqual(await gateway.list(), [])
  await gateway.until(() => gateway.status().good?.state === 'ready')
  assert.deepEqual(await gateway.list(), ['good__look', 'good__write'])
  assert.equal((await gateway.call('good__look')).result?.content[0]?.text, 'ok')
  await gateway.until(() => gateway.status().down?.state === 'down')
  const { error, nextAttempt = 0 } = gateway.status().down ?? {}
  assert.match(error ?? '', /ECONNREFUSED/)
  assert.ok(nextAttempt > gateway.clock.now())
  assert.equal(gateway.status().mute?.state, 'connecting')
})

test('a server that refuses to answer is tried again, later each time, until it is well', async (t) => {
  const server = await stub(t)
  server.acts.initialize = (_, response) => void response.writeHead(503).end()
  const gateway = await drive(t, { up: { url: server.url } })
  const delays: number[] = []
  for (const times of [1, 2, 3, 4]) {
    await gateway.passUntil(() => server.of('initialize').length === times)
    await gateway.until(() => gateway.status().up?.state === 'down')
    await until(() => (gateway.status().up?.nextAttempt ?? 0) > gateway.clock.now())
    delays.push((gateway.status().up?.nextAttempt ?? 0) - gateway.clock.now())
  }
  for (const [i, delay] of delays.entries()) {
    const middle = 500 * 2 ** i
    assert.ok(delay > middle * 0.7 - 250 && delay < middle * 1.3, `${delay} is about ${middle}`)
  }
  assert.equal(gateway.status().up?.httpStatus, 503)
  delete server.acts.initialize
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.deepEqual(await gateway.list(), ['up__look', 'up__write'])
})

test('a server that never answers is given up after connectTimeout', async (t) => {
  const server = await stub(t)
  server.acts['server/discover'] = () => undefined
  server.acts.initialize = () => undefined
  const gateway = await drive(t, { up: { url: server.url, connectTimeout: '5s' } })
  await gateway.passUntil(() => gateway.status().up?.state === 'down')
  assert.match(gateway.status().up?.error ?? '', /did not answer in time/)
  // Silence made it ask the old way too, within the same attempt.
  assert.equal(server.of('server/discover').length, 1)
  assert.equal(server.of('initialize').length, 1)
})

test('whatever a server answers instead of the truth ends the call and says whether it may have run', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  const html = '<html><body>Bad gateway</body></html>'
  const lies: [string, (typeof server.acts)[string], RegExp, boolean][] = [
    [
      'not JSON',
      (_, r) => void r.setHeader('content-type', 'application/json').end('{"jso'),
      /not JSON-RPC/,
      true,
    ],
    [
      'another id',
      ({ message }, r) => answer(r, { ...message, id: 999 }, {}),
      /another request/,
      true,
    ],
    [
      'a result that is no object',
      ({ message }, r) => answer(r, message, 7),
      /not an object/,
      true,
    ],
    [
      'HTML with 200',
      (_, r) => void r.setHeader('content-type', 'text/html').end(html),
      /not JSON-RPC/,
      true,
    ],
    ['HTML with 500', (_, r) => void r.writeHead(500).end(html), /HTTP 500/, true],
    ['HTML with 403', (_, r) => void r.writeHead(403).end(html), /HTTP 403/, false],
    ['202 and nothing', (_, r) => void r.writeHead(202).end(), /closed the answer/, true],
    [
      'a stream without an answer',
      (_, r) => {
        stream(r)({ method: 'notifications/message', params: {} })
        r.end()
      },
      /closed the answer/,
      true,
    ],
    [
      'a stream cut mid-frame',
      (_, r) => {
        r.writeHead(200, { 'content-type': 'text/event-stream' })
        r.write('data: {"jsonrpc":"2.0","id":', () => r.destroy())
      },
      /up: /,
      true,
    ],
    [
      'two results',
      ({ message: { id } }, r) =>
        void r
          .setHeader('content-type', 'application/json')
          .end(`{"jsonrpc":"2.0","id":${id},"result":{},"result":{}}`),
      /not JSON-RPC/,
      true,
    ],
  ]
  for (const [what, act, says, ran] of lies) {
    server.acts['tools/call'] = act
    const got = await gateway.call('up__write')
    assert.match(trouble(got), says, what)
    assert.equal(mayHaveRun(got), ran, what)
  }
  delete server.acts['tools/call']
  assert.equal((await gateway.call('up__write')).result?.content[0]?.text, 'ok')
})

test('a stream that goes on for ever without an answer ends with the silence limit', async (t) => {
  const server = await stub(t)
  let closed = false
  server.acts['tools/call'] = (_, response) => {
    response.on('close', () => {
      closed = true
    })
    stream(response)({ method: 'notifications/message', params: { level: 'info', data: 1 } })
  }
  const gateway = await drive(t, { up: { url: server.url, timeout: '10s' } })
  await gateway.ready()
  const calling = gateway.call('up__write')
  await until(() => server.of('tools/call').length === 1)
  let got: Awaited<typeof calling> | undefined
  void calling.then((one) => {
    got = one
  })
  await gateway.passUntil(() => got !== undefined)
  assert.match(trouble(await calling), /silent for 10 s/)
  assert.equal(mayHaveRun(await calling), true)
  await until(() => closed)
  await until(() => server.of('notifications/cancelled').length === 1)
})

test('a server that leaves its stream open behind the answer is answered for, and cut later', async (t) => {
  const server = await stub(t)
  let closed = false
  server.acts['tools/call'] = ({ message: { id } }, response) => {
    response.on('close', () => {
      closed = true
    })
    stream(response)({ id, result: { content: [] } })
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual((await gateway.call('up__write')).result?.content, [])
  assert.equal(closed, false)
  await gateway.passUntil(() => closed)
})

test('progress is a sign of life, and totalTimeout is not impressed by it', async (t) => {
  const server = await stub(t)
  let say: ((message: object) => void) | undefined
  server.acts['tools/call'] = (_, response) => {
    say = stream(response)
  }
  const gateway = await drive(t, {
    up: { url: server.url, timeout: '10s', timeouts: { write: { totalTimeout: '25s' } } },
  })
  await gateway.ready()
  const began = gateway.clock.monotonic()
  const calling = gateway.call('up__write', { meta: { progressToken: 'p' } })
  await until(() => say !== undefined)
  const token = server.of('tools/call')[0]?.message.params?._meta as { progressToken?: unknown }
  let over = false
  void calling.then(() => {
    over = true
  })
  await until(async () => {
    say?.({
      method: 'notifications/progress',
      params: { progressToken: token.progressToken, progress: gateway.clock.monotonic() },
    })
    gateway.clock.advance(250)
    return over
  })
  assert.match(trouble(await calling), /took longer than 25 s/)
  assert.ok(gateway.clock.monotonic() - began >= 25_000)
})

test('one tool may have its own limit', async (t) => {
  const server = await stub(t)
  server.acts['tools/call'] = () => undefined
  const gateway = await drive(t, {
    up: { url: server.url, timeout: '60s', timeouts: { look: { timeout: '2s' } } },
  })
  await gateway.ready()
  const calling = gateway.call('up__look')
  await until(() => server.of('tools/call').length === 1)
  gateway.clock.advance(2_500)
  assert.match(trouble(await calling), /silent for 2 s/)
})

test('a call is repeated only where the tool is harmless and the upstream believed', async (t) => {
  const trusted = await stub(t)
  const other = await stub(t)
  for (const server of [trusted, other]) {
    server.acts['tools/call'] = ({ message }, response) => {
      if (server.of('tools/call').length % 2 === 1) response.destroy()
      else answer(response, message, { content: [] })
    }
  }
  const gateway = await drive(t, {
    trusted: { url: trusted.url, trustAnnotations: true },
    other: { url: other.url },
  })
  await gateway.ready()
  assert.deepEqual((await gateway.call('trusted__look')).result?.content, [])
  assert.equal(trusted.of('tools/call').length, 2)
  const written = await gateway.call('trusted__write')
  assert.equal(mayHaveRun(written), true)
  assert.equal(trusted.of('tools/call').length, 3)
  assert.equal(mayHaveRun(await gateway.call('other__look')), true)
  assert.equal(other.of('tools/call').length, 1)
})

test('a server that goes away and comes back is found again', async (t) => {
  const server = await stub(t, 'modern')
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  server.acts['tools/list'] = (_, response) => void response.writeHead(502).end()
  gateway.clock.advance(5 * 60_000)
  await gateway.until(() => gateway.status().up?.state === 'down')
  const refused = await gateway.call('up__look')
  assert.match(trouble(refused), /up is down: .*Try again in 1 s/s)
  assert.equal(mayHaveRun(refused), false)
  assert.deepEqual(await gateway.list(), ['up__look', 'up__write'])
  delete server.acts['tools/list']
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal((await gateway.call('up__look')).result?.content[0]?.text, 'ok')
})

test('whenDown: hide takes the tools away after the grace, and they come back', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url, whenDown: 'hide', grace: '3s' } })
  await gateway.ready()
  server.acts['tools/list'] = (_, response) => void response.writeHead(502).end()
  gateway.clock.advance(5 * 60_000)
  await gateway.until(() => gateway.status().up?.state === 'down')
  assert.equal((await gateway.list()).length, 2)
  await gateway.passUntil(async () => (await gateway.list()).length === 0)
  delete server.acts['tools/list']
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal((await gateway.list()).length, 2)
})

test('an answer that our own refusal caused is never taken for the tool’s', async (t) => {
  const server = await stub(t, 'modern')
  let first = true
  server.acts['tools/call'] = ({ message }, response) => {
    if (!first) return { content: [] }
    first = false
    refuse(response, message, -32020, 400, 'HeaderMismatch')
    return undefined
  }
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual((await gateway.call('up__look')).result?.content, [])
  assert.equal(server.of('server/discover').length, 2)
  server.acts['tools/call'] = ({ message }, response) => refuse(response, message, -32022, 400)
  assert.match(trouble(await gateway.call('up__look')), /up: refused/)
})

test('an error of the tool’s own arrives as it came', async (t) => {
  const server = await stub(t)
  server.acts['tools/call'] = ({ message: { id } }, response) =>
    json(response, 200, { jsonrpc: '2.0', id, error: { code: 7, message: 'no', data: [1] } })
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  assert.deepEqual((await gateway.call('up__look')).error, { code: 7, message: 'no', data: [1] })
})
