import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENTS } from '../../fixtures/clients.ts'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { knock } from '../admin/door.ts'
import { fileOf, patchbay } from './patchbay.ts'

/** A guard that refuses what says `bad`, and counts what else comes in `KeyValue`. */
const PICKY = `import { definePlugin, deny, KeyValue } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'picky', version: '1.0.0', phase: 'guard', shadow: true,
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { keyValue: KeyValue },
  setup: (_config, { keyValue }) => ({
    beforeCall({ args }) {
      if (args.bad) return deny('FORBIDDEN', 'bad is not allowed', { rule: 'bad' })
      keyValue.set('calls', String(Number(keyValue.get('calls') ?? 0) + 1))
    },
    status: () => ({ calls: keyValue.get('calls') ?? '0' }),
  }),
})
`
const SHAPER = `import { definePlugin, change } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'polite', version: '1.0.0', phase: 'shape', shadow: true,
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ beforeCall: ({ args }) => change({ args: { ...args, please: true } }) }),
})
`
const { connect } = CLIENTS['client 2.4, modern'] as (typeof CLIENTS)[string]
const SILENT = PICKY.replace('shadow: true,', '').replace("name: 'picky'", "name: 'silent'")

async function start(t: Scope, lines: readonly object[]): Promise<RunningGateway> {
  const upstream = await modernUpstream(t)
  const gateway = await startWith(
    t,
    {
      admin: { host: '127.0.0.1', port: 0 },
      upstreams: { one: { url: upstream.url } },
      plugins: [{ use: 'auth-none' }, ...lines],
    },
    { files: { 'picky.ts': PICKY, 'polite.ts': SHAPER, 'silent.ts': SILENT } },
  )
  await gateway.ready()
  return gateway
}

type Sections = Record<string, { mode?: string; hooks: Record<string, unknown>; status?: object }>

test('shadow tells what a line in shadow would have done, to whom and by which rule', async (t) => {
  const gateway = await start(t, [{ use: './picky.ts', mode: 'shadow' }])
  const config = ['--config', fileOf(gateway)]
  const before = await patchbay('shadow', ...config)
  assert.match(before.out, /^In shadow since \d{4}-\S+Z: picky\nNobody has called/)
  const client = await connect(t, gateway.url)
  for (const bad of [true, true, false]) {
    assert.ok(!(await client.call('one__echo', { text: 'x', bad })).isError)
  }
  const { out } = await patchbay('shadow', 'picky', ...config)
  const [, head, denied, nothing] = out.split('\n').filter(Boolean)
  assert.match(head ?? '', /^PLUGIN\s+VERDICT\s+HOW OFTEN\s+RULE\s+CALLER$/)
  assert.match(
    denied ?? '',
    /^picky\s+would have denied\s+2 of 3 calls\s+FORBIDDEN bad\s+auth-none\/\S+$/,
  )
  assert.match(nothing ?? '', /^picky\s+nothing\s+1 of 3 calls\s+auth-none\/\S+$/)
  const json = JSON.parse((await patchbay('shadow', '--json', ...config)).out)
  assert.equal(json.schema, 1)
  assert.equal(json.rows[0].judged, 3)
  const { body } = await knock(gateway, '/status')
  const { picky } = body.plugins as Sections
  assert.equal(picky?.mode, 'shadow')
  assert.deepEqual(picky?.status, { calls: '0' }, 'its own values are not touched')
  assert.match(
    JSON.stringify(picky?.hooks.beforeCall),
    /^\{"runs":3,"failures":0,"verdicts":\{"none":1,"denial":2\},"durationMs":/,
  )
})

test('shadow knows which lines are in shadow', async (t) => {
  const gateway = await start(t, [{ use: './picky.ts' }])
  const config = ['--config', fileOf(gateway)]
  const none = await patchbay('shadow', ...config)
  assert.match(none.out, /^No plugin line is in shadow\. Write `mode: shadow`/)
  const { code, err } = await patchbay('shadow', 'picky', ...config)
  assert.equal(code, 1)
  assert.match(err, /picky is no plugin line in shadow\. No line is\./)
  const page = await knock(gateway, '/shadow?plugin=nobody')
  assert.deepEqual([page.status, page.body.code], [404, 'NOT_FOUND'])
  assert.equal((await knock(gateway, '/shadow', { token: false })).status, 403)
})

test('explain --args rehearses a call: nothing is sent, and nothing stays', async (t) => {
  const gateway = await start(t, [{ use: './picky.ts' }, { use: './polite.ts' }])
  const ask = (args: string) =>
    patchbay('explain', 'one__echo', fileOf(gateway), '--as', 'anna', '--args', args)
  const { code, out } = await ask('{"text":"x"}')
  assert.equal(code, 0)
  assert.equal(
    out.slice(out.indexOf('A call')),
    `A call would be sent to one: echo with {"text":"x","please":true}. None was made

PLUGIN  PHASE  VERDICT  RULE  WHAT
polite  shape  changes        args {"text":"x","please":true}
picky   guard  nothing`,
  )
  const refused = await ask('{"bad":1}')
  assert.match(refused.out, /^A call would be denied\. None was made$/m)
  assert.match(refused.out, /^picky\s+guard\s+denies\s+FORBIDDEN bad\s+bad is not allowed$/m)
  const { body } = await knock(gateway, '/status')
  const { picky } = body.plugins as Sections
  assert.deepEqual([picky?.status, picky?.hooks], [{ calls: '0' }, {}])
})

test('explain says which plugins it could not ask, and refuses what are no arguments', async (t) => {
  const gateway = await start(t, [{ use: './silent.ts' }, { use: './picky.ts', mode: 'shadow' }])
  const ask = (...args: string[]) =>
    patchbay('explain', 'one__echo', fileOf(gateway), '--as', 'anna', '--args', ...args)
  const { out } = await ask('{"bad":true}')
  assert.match(out, /^Incomplete: what the plugins say that were not run is not known$/m)
  assert.match(out, /^silent\s+guard\s+not run\s+the plugin does not say that it can run dry$/m)
  assert.match(out, /^picky\s+guard\s+would deny\s+FORBIDDEN bad\s+bad is not allowed$/m)
  const { call } = JSON.parse((await ask('{"bad":true}', '--json')).out)
  assert.deepEqual([call.end, call.complete], ['sent', false])
  assert.match((await ask('[1]')).err, /--args: is not a JSON object\. Quote it/)
  const body = { name: 'one__echo', subject: 'anna', args: 'text' }
  const wrong = await knock(gateway, '/explain', { method: 'POST', body })
  assert.equal(wrong.status, 400)
  assert.match(String(wrong.body.detail), /args: must be a mapping, not text/)
})

test('explain shows what a filter in shadow would refuse', async (t) => {
  const gateway = await start(t, [
    { use: 'denylist', mode: 'shadow', config: { tools: ['one__echo'] } },
  ])
  const { out } = await patchbay('explain', 'one__echo', fileOf(gateway), '--as', 'anna')
  assert.match(out, /^This caller may call it\nIts lists show it$/m)
  assert.match(
    out,
    /^one\s+echo\s+would be refused\s+denylist\s+one__echo\s+in shadow: not applied$/m,
  )
})

const NUMBERS = `import { definePlugin, Metrics } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'numbers', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { metrics: Metrics },
  setup: (_config, { metrics }) => ({
    status: () => metrics.read().filter(({ name }) => name === 'patchbay.plugin.verdicts'),
  }),
})
`

test('what hooks say is a metric of the gateway', async (t) => {
  const gateway = await startWith(
    t,
    {
      admin: { host: '127.0.0.1', port: 0 },
      plugins: [{ use: 'auth-none' }, { use: './numbers.ts' }],
    },
    { files: { 'numbers.ts': NUMBERS } },
  )
  const client = await connect(t, gateway.url)
  await client.list()
  const { body } = await knock(gateway, '/status')
  const { numbers } = body.plugins as Sections
  const told = JSON.stringify(numbers?.status)
  assert.match(told, /^\[\{"name":"patchbay\.plugin\.verdicts","plugin":""/)
  assert.match(
    told,
    /\{"plugin":"auth-none","hook":"authenticate","verdict":"answer"\},"value":[1-9]/,
  )
})
