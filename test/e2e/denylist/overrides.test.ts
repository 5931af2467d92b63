// What an operator denies while the gateway runs: at once, for everybody who is connected, and for as long as said.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { type RawClient, rawClient, toolCall } from '../../fixtures/raw.ts'
import { legacyUpstream } from '../../fixtures/upstreams.ts'
import { fileOf, patchbay } from '../commands/patchbay.ts'
import { stubUpstream } from '../wire/stub.ts'
import { eventually, startProcesses } from '../workers/processes.ts'

const CHANGED = 'notifications/tools/list_changed'
const NAME = 'up__delete_it'

/** What a client lists of it, and what calling it ends with. */
async function seen(client: RawClient): Promise<[listed: boolean, answer: string]> {
  const list = await client.ask({ method: 'tools/list' })
  const { tools } = JSON.parse(list.messages[0] ?? '').result
  const { messages } = await client.ask(toolCall(NAME, '{}'))
  const { result, error } = JSON.parse(messages[0] ?? '')
  const listed = tools.some(({ name }: { name: string }) => name === NAME)
  return [listed, result?.content[0]?.text ?? error.code]
}

test('connected clients of both eras are told, and lists and calls follow at once', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'patchbay-overrides-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const upstream = await legacyUpstream(t)
  upstream.tools.offer('delete_it')
  const clock = new FakeClock()
  const config = {
    data,
    admin: { port: 0 },
    upstreams: { up: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }, { use: 'denylist' }, { use: 'audit' }],
  }
  const gateway = await startWith(t, config, { clock })
  await gateway.ready()
  const run = async (...args: string[]) => {
    const { code, out, err } = await patchbay(...args, '--config', fileOf(gateway))
    assert.equal(code, 0, err)
    return out
  }
  const clients = [
    await rawClient(t, gateway.url, 'legacy'),
    await rawClient(t, gateway.url, 'modern'),
  ]
  const streams = await Promise.all(clients.map((client) => client.listen()))
  const told = async () => {
    for (const stream of streams) {
      const message = await stream.next()
      assert.equal(JSON.parse(message ?? '{}').method, CHANGED)
    }
  }
  const all = async (expected: [boolean, string | number]) => {
    for (const client of clients) assert.deepEqual(await seen(client), expected, client.era)
  }
  await all([true, 'delete_it'])
  const args = JSON.stringify({ tool: NAME, reason: 'incident 7', for: '2h' })
  assert.match(await run('denylist', 'deny', args), /author +operator \(patchbay\)/)
  await told()
  await all([false, -32602])
  assert.match((await patchbay('status', fileOf(gateway), '--json')).out, /incident 7/)

  const audited = await run('audit', 'query', '{"kind":"event","full":true}', '--json')
  for (const word of ['"deny"', NAME, 'operator (patchbay)', 'incident 7']) {
    assert.ok(audited.includes(word.replaceAll('"', '')), `${word}: ${audited}`)
  }

  // The short form: no other plugin line has a command of that name.
  assert.match(await run('undeny', JSON.stringify({ tool: NAME })), /The settings decide/)
  await told()
  await all([true, 'delete_it'])

  await run('deny', args.replace('2h', '2s'))
  await told()
  clock.advance(2_000)
  await told()
  await all([true, 'delete_it'])

  await run('deny', JSON.stringify({ tool: NAME, reason: 'for good' }))
  await gateway.stop()
  const again = await startWith(t, config, { clock })
  await again.ready()
  assert.deepEqual(await seen(await rawClient(t, again.url, 'modern')), [false, -32602])
})

test('what one worker was told counts at the others, whoever is asked', async (t) => {
  const stub = await stubUpstream(t)
  const gateway = await startProcesses(t, {
    upstreams: { up: { url: stub.url } },
    plugins: [{ use: 'auth-none' }, { use: './probe.ts' }, { use: 'denylist' }],
  })
  await eventually(async () => (await gateway.admin('/status')).upstreams.up.workers.ready === 2)
  const here = await gateway.another(t)
  const there = await gateway.another(t, here.pid)
  const call = async ({ wire }: typeof here) =>
    (await wire.modern('tools/call', { name: 'up__echo', arguments: {} })).json.error?.code
  for (const one of [here, there]) assert.equal(await call(one), undefined)
  const args = JSON.stringify({ tool: 'up__echo', reason: 'incident 7' })
  const { code, err } = await patchbay('deny', args, '--config', gateway.file)
  assert.equal(code, 0, err)
  for (const one of [here, there]) await eventually(async () => (await call(one)) === -32602)
  await patchbay('undeny', '{"tool":"up__echo"}', '--config', gateway.file)
  for (const one of [here, there]) await eventually(async () => (await call(one)) === undefined)
})
