// Servers over HTTP that are somebody else from one call to the next: gone, without our session, of another era.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Driven, drive, mayHaveRun, trouble } from '../e2e/upstreams/gateway.ts'
import { type Act, refuse, Stub, stub } from '../e2e/upstreams/stub.ts'
import type { Scope } from '../fixtures/gateway.ts'
import { leavesNothing } from '../fixtures/leaks.ts'
import { serve } from '../fixtures/upstreams.ts'

/** A server that can be taken away and put back, at one address. */
async function leaving(scope: Scope, era: 'legacy' | 'modern') {
  const server = new Stub(era)
  const http = createServer((request, response) => void server.handle(request, response))
  const open = (port: number) =>
    new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      http.close(() => resolve())
      http.closeAllConnections()
    })
  await open(0)
  scope.after(close)
  const { port } = http.address() as AddressInfo
  server.url = `http://127.0.0.1:${port}/mcp`
  return { server, close, open: () => open(port) }
}

const ready = (gateway: Driven) => gateway.passUntil(() => gateway.status().up?.state === 'ready')
const passes = (gateway: Driven) => () => gateway.clock.advance(1_000)

for (const era of ['legacy', 'modern'] as const) {
  test(`a ${era} server that refuses connections is unavailable, at once, until it takes them again`, async (t) => {
    const { server, close, open } = await leaving(t, era)
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.ready()
    await leavesNothing(async () => {
      await close()
      for (let call = 0; call < 2; call++) {
        const got = await gateway.call('up__write')
        assert.match(trouble(got), /up.*ECONNREFUSED/)
        assert.equal(mayHaveRun(got), false)
      }
      assert.equal(gateway.status().up?.state, 'down')
      await open()
      await ready(gateway)
      assert.equal((await gateway.call('up__write')).result?.content[0]?.text, 'ok')
    }, passes(gateway))
  })

  test(`a ${era} server that goes away with calls in it fails all of them at once`, async (t) => {
    const { server, close, open } = await leaving(t, era)
    const gateway = await drive(t, { up: { url: server.url } })
    await gateway.ready()
    await leavesNothing(async () => {
      let held = 0
      const all = Promise.withResolvers<void>()
      server.acts['tools/call'] = () => {
        if (++held === 5) all.resolve()
      }
      const calling = Array.from({ length: 5 }, () => gateway.call('up__write'))
      await all.promise
      await close()
      for (const got of await Promise.all(calling)) {
        assert.match(trouble(got), /^up: /)
        assert.equal(mayHaveRun(got), true)
      }
      delete server.acts['tools/call']
      await open()
      await ready(gateway)
    }, passes(gateway))
  })
}

test('a server that answers 404 to our session gets a new one, once for each call', async (t) => {
  const server = await stub(t)
  const gateway = await drive(t, { up: { url: server.url } })
  await gateway.ready()
  let session = 1
  await leavesNothing(async () => {
    // One that restarted knows another session.
    server.session = `s${++session}`
    const { result } = await gateway.call('up__write')
    assert.equal(result?.content[0]?.text, 'ok')
    // One that never knows any is not chased.
    const before = server.of('tools/call').length
    server.acts['tools/call'] = (_, response) => void response.writeHead(404).end()
    const got = await gateway.call('up__write')
    assert.match(trouble(got), /session is gone/)
    assert.equal(mayHaveRun(got), false)
    assert.equal(server.of('tools/call').length, before + 2)
    delete server.acts['tools/call']
    await ready(gateway)
  }, passes(gateway))
})

test('a server that changes its era between two calls is spoken to in the new one', async (t) => {
  const modes = { legacy: new Stub('legacy'), modern: new Stub('modern') }
  let era: keyof typeof modes = 'legacy'
  const url = await serve(t, (request, response) => modes[era].handle(request, response))
  // One that knows 2026-07-28 only says so to whoever shakes hands or names a session.
  const foreign: Act = ({ message }, response) => refuse(response, message, -32022, 400)
  modes.modern.acts.initialize = foreign
  modes.modern.acts['tools/call'] = (said, response) => {
    if (said.headers['mcp-session-id'] !== undefined) return foreign(said, response)
    return { resultType: 'complete', content: [{ type: 'text', text: 'ok' }] }
  }
  const gateway = await drive(t, { up: { url } })
  await gateway.ready()
  assert.equal(gateway.status().up?.era, 'legacy')
  await leavesNothing(async () => {
    for (const next of ['modern', 'legacy'] as const) {
      era = next
      // Only the call that finds out may fail, and not without saying that nothing was done.
      const first = await gateway.call('up__write')
      if (first.result?.isError === true) assert.equal(mayHaveRun(first), false, trouble(first))
      await gateway.passUntil(() => gateway.status().up?.era === next)
      await ready(gateway)
      assert.equal((await gateway.call('up__write')).result?.content[0]?.text, 'ok')
    }
  }, passes(gateway))
})
