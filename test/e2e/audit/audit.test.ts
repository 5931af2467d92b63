// What is written down of real calls: all of them, once each, whoever makes them and however they end.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { CLIENTS } from '../../fixtures/clients.ts'
import { startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { fileOf, patchbay } from '../commands/patchbay.ts'
import { Wire } from '../wire/wire.ts'
import { AUTH, type Fields, keyOf, recordsOf, tally } from './records.ts'

test('seeds 7.41: what was refused, denied, cancelled or failed is recorded, by whatever client', async (t) => {
  const upstream = await modernUpstream(t)
  upstream.tools.offer('delete_it')
  const gateway = await startWith(t, {
    admin: { port: 0 },
    upstreams: { demo: { url: upstream.url } },
    plugins: [AUTH, { use: 'denylist', config: { tools: ['delete_*'] } }, { use: 'audit' }],
  })
  await gateway.ready()
  const config = ['--config', fileOf(gateway)]
  for (const [name, { connect }] of Object.entries(CLIENTS)) {
    const before = upstream.tools.cancelled
    const client = await connect(t, gateway.url, { headers: keyOf('anna') })
    await client.call('demo__echo', { text: name })
    await client.call('demo__fail')
    await assert.rejects(client.call('demo__delete_it'))
    await assert.rejects(client.call('demo__nothing'))
    const gone = new AbortController()
    const held = client.call('demo__slow', { steps: 1, hold: true }, { signal: gone.signal })
    while (upstream.tools.calls.at(-1)?.name !== 'slow') await new Promise(setImmediate)
    gone.abort()
    await assert.rejects(held)
    while (upstream.tools.cancelled === before) await new Promise(setImmediate)
  }
  const wire = new Wire(t, gateway.url)
  const { status } = await wire.modern('tools/list', {}, { 'x-api-key': 'sk-wrongwrongwrong' })
  assert.equal(status, 401)

  const asked = await patchbay('audit', 'query', '{"kind":"call","full":true}', ...config, '--json')
  assert.equal(asked.code, 0, asked.err)
  const calls = JSON.parse(asked.out) as Fields[]
  const ends = calls.map(({ name, outcome, executed }) => `${name} ${outcome} ${executed}`)
  assert.deepEqual(tally(ends), {
    'demo__echo ok true': 4,
    'demo__fail error true': 4,
    'demo__delete_it denied false': 4,
    'demo__nothing denied false': 4,
    'demo__slow cancelled unknown': 4,
  })
  const rules = new Set(calls.map(({ deniedBy, rule }) => `${deniedBy} ${rule}`))
  assert.ok(rules.has('denylist delete_*') || rules.has('denylist delete_it'), [...rules].join())
  assert.deepEqual(new Set(calls.map(({ protocol }) => protocol)).size, 2)

  const refused = await patchbay('audit', 'query', '{"kind":"refusal"}', ...config)
  assert.match(refused.out, /refusal.*\/mcp.*denied.*UNAUTHENTICATED/)
  const narrow = '{"principal":"anna","tool":"demo__e*","outcome":"ok","since":"1h","limit":2}'
  const table = (await patchbay('audit', 'query', narrow, ...config)).out.split('\n')
  assert.equal(table.length, 3)
  assert.match(table[0] ?? '', /^TIME +KIND +PRINCIPAL +CLIENT +WHAT +OUTCOME/)
  // A change of policy is recorded with who made it, and why.
  const change = '{"tool":"demo__add","reason":"incident 7"}'
  const denied = await patchbay('denylist', 'deny', change, ...config)
  assert.equal(denied.code, 0, denied.err)
  const told = await patchbay('audit', 'query', '{"kind":"event","full":true}', ...config, '--json')
  const [event] = JSON.parse(told.out) as Fields[]
  assert.deepEqual([event?.plugin, event?.name], ['denylist', 'deny'])
  assert.match(JSON.stringify(event?.fields), /demo__add.*incident 7/)
  const wrong = await patchbay('audit', 'query', '{"outcome":"fine"}', ...config)
  assert.notEqual(wrong.code, 0)

  await gateway.stop()
  const offline = await patchbay('audit', 'tail', '{"limit":3}', ...config, '--json')
  assert.equal(offline.code, 0, offline.err)
  assert.equal((JSON.parse(offline.out) as Fields[]).length, 3)
})

test('no record, no answer: what cannot be written down is not told, until it can', async (t) => {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(t, {
    upstreams: { demo: { url: upstream.url } },
    plugins: [{ use: 'auth-none' }, { use: 'audit', config: { strict: true } }],
  })
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  const session = await wire.session()
  const call = { name: 'demo__echo', arguments: { text: 'the answer' } }
  await wire.modern('tools/call', call)
  const db = new DatabaseSync(join(gateway.config.data, 'patchbay.db'))
  t.after(() => db.close())
  db.exec('alter table audit__records rename to away')
  for (const send of [
    () => wire.modern('tools/call', call),
    () => wire.legacy('tools/call', call, session),
    () => wire.modern('tools/list'),
    () => wire.legacy('tools/list', {}, session),
  ]) {
    const { text, json } = await send()
    assert.equal(json.error?.code, -32603, text)
    assert.doesNotMatch(text, /the answer|demo__echo/)
  }
  db.exec('alter table away rename to audit__records')
  const { json } = await wire.modern('tools/call', call)
  assert.equal(json.result.content[0].text, 'the answer')
  assert.equal(recordsOf(gateway).length, 2)
})
