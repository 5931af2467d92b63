// A fleet that changes: members come and go, tools too, and clients hear of it once.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Act, type Stub, stub } from '../upstreams/stub.ts'
import { type Sending, Wire } from '../wire/wire.ts'
import { ERAS, type Era, house } from './house.ts'

const CHANGED = 'notifications/tools/list_changed'

/** Opens the stream on which clients of that era hear of changed lists. */
async function listen(wire: Wire, era: Era, headers: Record<string, string>): Promise<Sending> {
  if (era === 'modern') {
    const notifications = { toolsListChanged: true }
    const stream = wire.beginModern('subscriptions/listen', { notifications }, headers)
    await stream.seen('acknowledged')
    return stream
  }
  const session = await wire.session(headers)
  const stream = wire.begin(
    'GET',
    { ...headers, ...session, accept: 'text/event-stream' },
    undefined,
  )
  // Nothing says that it is open: a request behind it has been answered.
  await wire.legacy('ping', {}, { ...headers, ...session })
  return stream
}

const count = (stream: Sending) => stream.heard().filter(({ method }) => method === CHANGED).length

for (const era of ERAS) {
  test(`${era} clients hear once of a tool that a member gains or loses, and only who may use it`, async (t) => {
    const { gateway, guest, wire, old, fresh } = await house(t, { hidden: { ben: ['old'] } })
    const anna = await listen(wire, era, { 'x-user': 'anna' })
    const ben = await listen(wire, era, { 'x-user': 'ben' })
    const own = await guest(era, 'anna')
    const has = (places: readonly string[]) =>
      gateway.until(() => {
        const entry = gateway.catalog?.entries.find(({ name }) => name === 'site__lone')
        return String(entry?.targets.map(({ upstream }) => upstream) ?? []) === String(places)
      })

    old.tools.offer('lone')
    await has(['old'])
    await anna.seen(CHANGED)
    assert.deepEqual((await own.places()).lone, ['old'])
    fresh.tools.offer('lone')
    await has(['old', 'fresh'])
    await ben.seen(CHANGED)
    assert.deepEqual((await own.places()).lone, ['fresh', 'old'])
    old.tools.withdraw('lone')
    await has(['fresh'])
    assert.deepEqual((await own.places()).lone, ['fresh'])
    assert.match(await own.call('site__lone', { place: 'old' }), /Available of site: fresh/)
    assert.equal(await own.call('site__lone', { place: 'fresh' }), 'lone')
    // Lists that are read again and say the same are no news.
    old.announce()
    fresh.announce()
    fresh.tools.withdraw('lone')
    await has([])
    assert.ok(!(await own.names()).includes('site__lone'))

    await gateway.stop()
    await Promise.allSettled([anna.answer, ben.answer])
    assert.deepEqual([count(anna), count(ben)], [4, 2])
  })
}

/** A family of two servers that do what a test says. */
async function stubs(
  t: TestContext,
  settings: object,
): Promise<{ gateway: RunningGateway; clock: FakeClock; wire: Wire; one: Stub; two: Stub }> {
  const clock = new FakeClock()
  const [one, two] = [await stub(t), await stub(t, 'modern')]
  const family = { name: 'site', instanceArg: 'place' }
  const gateway = await startWith(
    t,
    {
      upstreams: {
        one: { url: one.url, family, ...settings },
        two: { url: two.url, family, ...settings },
      },
      plugins: [{ use: 'auth-none' }, { use: 'family-routing' }],
    },
    { clock },
  )
  await gateway.ready()
  return { gateway, clock, wire: new Wire(t, gateway.url), one, two }
}

async function look(wire: Wire): Promise<{ names: string[]; places: readonly string[] }> {
  const { json } = await wire.modern('tools/list')
  const names = json.result.tools.map(({ name }: { name: string }) => name)
  const tool = json.result.tools.find(({ name }: { name: string }) => name === 'site__look')
  return { names, places: tool?.inputSchema.properties.place.enum ?? [] }
}

async function call(wire: Wire, name: string, args: object): Promise<string> {
  const { json } = await wire.modern('tools/call', { name, arguments: args })
  return json.error?.message ?? json.result.content[0].text
}

for (const whenDown of ['keep', 'hide'] as const) {
  test(`a member that is down is ${whenDown === 'keep' ? 'kept' : 'hidden'}, and the others serve on`, async (t) => {
    const settings =
      whenDown === 'hide' ? { whenDown, grace: '3s', refresh: '60s' } : { refresh: '60s' }
    const { gateway, clock, wire, one, two } = await stubs(t, settings)
    const stream = await listen(wire, 'modern', {})
    const passUntil = async (holds: () => boolean) => {
      while (!holds()) {
        clock.advance(250)
        await new Promise(setImmediate)
      }
    }
    const down: Act = (_, response) => void response.writeHead(502).end()
    one.acts['tools/list'] = down
    one.acts['tools/call'] = down
    await passUntil(() => gateway.status().one?.state === 'down')
    if (whenDown === 'hide') await passUntil(() => count(stream) === 1)
    const left = whenDown === 'keep' ? ['one', 'two'] : ['two']
    assert.deepEqual((await look(wire)).places, left)
    assert.equal(await call(wire, 'site__look', { place: 'two' }), 'ok')
    const refused = await call(wire, 'site__look', { place: 'one' })
    if (whenDown === 'keep') assert.match(refused, /one/)
    else assert.match(refused, /"one" is no `place` of site__look\. Available of site: two/)
    assert.equal(two.of('tools/call').length, 1)

    delete one.acts['tools/list']
    delete one.acts['tools/call']
    await passUntil(() => gateway.status().one?.state === 'ready')
    if (whenDown === 'hide') await passUntil(() => count(stream) === 2)
    assert.deepEqual((await look(wire)).places, ['one', 'two'])
    assert.equal(await call(wire, 'site__look', { place: 'one' }), 'ok')
    await gateway.stop()
    await stream.answer.catch(() => {})
    assert.equal(count(stream), whenDown === 'hide' ? 2 : 0)
  })
}

test('a tool that a member changes is taken apart, and what clients remember of it reaches nobody', async (t) => {
  const { gateway, clock, wire, one, two } = await stubs(t, { refresh: '60s' })
  assert.deepEqual(await look(wire), {
    names: ['site__look', 'site__write'],
    places: ['one', 'two'],
  })
  const listed = one.tools
  const [first, ...others] = listed as readonly [object]
  const passUntil = async (name: string) => {
    const holds = () => gateway.catalog?.entries.some((entry) => entry.name === name) === true
    while (!holds()) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  one.tools = [{ ...first, description: 'Looks elsewhere.' }, ...others]
  await passUntil('one__look')
  assert.deepEqual((await look(wire)).names, ['one__look', 'site__write', 'two__look'])
  assert.match(await call(wire, 'site__look', { place: 'two' }), /site__look/)
  assert.deepEqual([...one.of('tools/call'), ...two.of('tools/call')], [])
  one.tools = listed
  await passUntil('site__look')
  assert.deepEqual(await look(wire), {
    names: ['site__look', 'site__write'],
    places: ['one', 'two'],
  })
})
