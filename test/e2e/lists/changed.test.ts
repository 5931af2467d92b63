// Clients hear of a changed list exactly once per change, and never without one.
import assert from 'node:assert/strict'
import test from 'node:test'
import { CLIENTS } from '../../fixtures/clients.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, type RawStream, rawClient } from '../../fixtures/raw.ts'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'

const SERVERS = { legacy: legacyUpstream, modern: modernUpstream }
const CHANGED = 'notifications/tools/list_changed'

async function names(client: RawClient): Promise<string[]> {
  const { messages } = await client.ask({ method: 'tools/list' })
  const { result } = JSON.parse(messages[0] ?? '')
  return result.tools.map((tool: { name: string }) => tool.name)
}

async function nextMethod(stream: RawStream): Promise<string | undefined> {
  const text = await stream.next()
  return text === undefined ? undefined : JSON.parse(text).method
}

/** What the stream still says until the gateway ends it. */
async function rest(stream: RawStream, gateway: RunningGateway): Promise<string[]> {
  const stopped = gateway.stop()
  const texts: string[] = []
  for (let one = await stream.next(); one !== undefined; one = await stream.next()) texts.push(one)
  await stopped
  return texts
}

for (const server of ['legacy', 'modern'] satisfies Era[]) {
  for (const era of ['legacy', 'modern'] satisfies Era[]) {
    const title = `${server} server, ${era} client: one notification per real change`
    test(title, { timeout: 20_000 }, async (t) => {
      const upstream = await SERVERS[server](t)
      const gateway = await startWith(t, {
        upstreams: { up: { url: upstream.url, tools: { exclude: ['hidden*'] } } },
        plugins: [{ use: 'auth-none' }, { use: 'denylist', config: { tools: ['denied*'] } }],
      })
      await gateway.ready()
      const client = await rawClient(t, gateway.url, era)
      const stream = await client.listen()
      assert.equal(stream.type, 'text/event-stream')

      // Nothing changed; nothing changed that is offered; nothing changed that this caller may see.
      upstream.announce()
      upstream.tools.offer('hidden_one')
      upstream.tools.offer('denied_one')
      await gateway.until(
        () => gateway.catalog?.entries.some(({ name }) => name === 'up__denied_one') === true,
      )

      upstream.tools.offer('first')
      assert.equal(await nextMethod(stream), CHANGED)
      assert.ok((await names(client)).includes('up__first'))

      upstream.tools.withdraw('first')
      assert.equal(await nextMethod(stream), CHANGED)
      assert.ok(!(await names(client)).includes('up__first'))

      const last = (await rest(stream, gateway)).map((text) => JSON.parse(text))
      if (era === 'legacy') assert.deepEqual(last, [])
      else {
        const _meta = { 'io.modelcontextprotocol/subscriptionId': 'l1' }
        assert.deepEqual(last, [
          { jsonrpc: '2.0', id: 'l1', result: { resultType: 'complete', _meta } },
        ])
      }
    })
  }
}

test('a modern stream names its subscription in every message', { timeout: 10_000 }, async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  const stream = await client.open({
    method: 'subscriptions/listen',
    params: '"notifications":{"toolsListChanged":true,"colourChanged":true}',
    id: '9007199254740993',
  })
  const meta = '"_meta":{"io.modelcontextprotocol/subscriptionId":9007199254740993}'
  assert.equal(
    await stream.next(),
    `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},${meta}}}`,
  )
  upstream.tools.offer('first')
  assert.equal(
    await stream.next(),
    `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{${meta}}}`,
  )
})

test('a modern stream that asked for nothing hears nothing', { timeout: 10_000 }, async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const client = await rawClient(t, gateway.url, 'modern')
  const listening = await client.listen()
  const quiet = await client.open({ method: 'subscriptions/listen', params: '"notifications":{}' })
  await quiet.next()
  upstream.tools.offer('first')
  assert.equal(await nextMethod(listening), CHANGED)
  const last = (await rest(quiet, gateway)).map((text) => JSON.parse(text))
  assert.deepEqual(
    last.map(({ id, method }) => [id, method]),
    [[1, undefined]],
  )
})

for (const [name, { connect }] of Object.entries(CLIENTS)) {
  test(`${name} is told of a tool that comes`, { timeout: 10_000 }, async (t) => {
    const upstream = await legacyUpstream(t)
    const gateway = await startWith(t, {
      upstreams: { up: { url: upstream.url } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const told = Promise.withResolvers<void>()
    const client = await connect(t, gateway.url, { changed: told.resolve })
    // It opens its stream behind the handshake.
    await client.listening
    upstream.tools.offer('first')
    await told.promise
    assert.ok((await client.list()).includes('up__first'))
    await client.close()
  })
}
