// Every client against servers of both eras, made with the official SDKs.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CLIENTS, type Step, wordsOf } from '../../fixtures/clients.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { BIG } from '../../fixtures/tools.ts'
import { legacyUpstream, modernUpstream, type RunningUpstream } from '../../fixtures/upstreams.ts'

interface House {
  readonly gateway: RunningGateway
  readonly servers: Readonly<Record<string, RunningUpstream>>
}

async function house(t: TestContext): Promise<House> {
  const servers = { old: await legacyUpstream(t), new: await modernUpstream(t) }
  const gateway = await startWith(t, {
    upstreams: { old: { url: servers.old.url }, new: { url: servers.new.url } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  return { gateway, servers }
}

test('every client calls servers of both eras', async (t) => {
  const { gateway, servers } = await house(t)
  const eras = Object.values(gateway.status()).map(({ era }) => era)
  assert.deepEqual(eras, ['legacy', 'modern'])

  for (const [name, { connect }] of Object.entries(CLIENTS)) {
    for (const [upstream, { tools }] of Object.entries(servers)) {
      await t.test(`${name} → ${upstream}`, async (t) => {
        const client = await connect(t, gateway.url)
        const names = await client.list()
        assert.deepEqual(
          names.filter((one) => one.startsWith(upstream)),
          tools.list.map((tool) => `${upstream}__${tool.name}`),
        )

        const words = '“quotes”, \\ backslashes,\nlines and 🌍'
        assert.equal(wordsOf(await client.call(`${upstream}__echo`, { text: words })), words)
        assert.equal(wordsOf(await client.call(`${upstream}__add`, { a: 0.1, b: -3 })), '-2.9')

        const failed = await client.call(`${upstream}__fail`)
        assert.equal(failed.isError, true)
        assert.equal(wordsOf(failed), 'it went wrong')

        const big = await client.call(`${upstream}__big`)
        assert.deepEqual(big.structuredContent, { id: BIG })
        assert.equal((big._meta as Record<string, unknown>)['example.com/trace'], 'abc')

        const steps: Step[] = []
        const onprogress = (step: Step) => steps.push({ ...step })
        const slow = await client.call(`${upstream}__slow`, { steps: 3 }, { onprogress })
        assert.equal(wordsOf(slow), 'done')
        assert.deepEqual(
          steps.map(({ progress, total }) => `${progress} of ${total}`),
          ['1 of 3', '2 of 3', '3 of 3'],
        )

        await assert.rejects(client.call(`${upstream}__nothing`), { code: -32602 })
        await client.close()
      })
    }
  }
})

test('what a client cancels is cancelled at the server', async (t) => {
  const { gateway, servers } = await house(t)
  for (const [name, { connect }] of Object.entries(CLIENTS)) {
    for (const [upstream, { tools }] of Object.entries(servers)) {
      await t.test(`${name} → ${upstream}`, { timeout: 10_000 }, async (t) => {
        const client = await connect(t, gateway.url)
        const before = tools.cancelled
        const held = tools.nextCancellation()
        const wish = new AbortController()
        const call = client.call(
          `${upstream}__slow`,
          { steps: 1, hold: true },
          { signal: wish.signal, onprogress: () => wish.abort() },
        )
        await assert.rejects(call)
        await held
        assert.equal(tools.cancelled, before + 1)
        assert.equal(wordsOf(await client.call(`${upstream}__echo`, { text: 'on' })), 'on')
        await client.close()
      })
    }
  }
})

test('many calls of many clients at once each get their own answer', async (t) => {
  const { gateway, servers } = await house(t)
  const clients = await Promise.all(
    Object.values(CLIENTS).flatMap(({ connect }) => [
      connect(t, gateway.url),
      connect(t, gateway.url),
    ]),
  )
  // Their request ids are all the same, and so is their name.
  const calls = clients.flatMap((client, who) =>
    Object.keys(servers).flatMap((upstream) =>
      Array.from({ length: 25 }, async (_, i) => {
        const text = `${who} ${upstream} ${i} ${'x'.repeat(i * 1000)}`
        const onprogress = () => {}
        const answer = await client.call(`${upstream}__echo`, { text }, { onprogress })
        assert.ok(wordsOf(answer) === text, `${wordsOf(answer).slice(0, 20)} for ${who} ${i}`)
      }),
    ),
  )
  await Promise.all(calls)
  const arrived = Object.values(servers).map(({ tools }) => tools.calls.length)
  assert.deepEqual(arrived, [clients.length * 25, clients.length * 25])
  await Promise.all(clients.map((client) => client.close()))
})
