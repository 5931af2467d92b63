// A burst of 10,000 calls, strictly recorded: everybody counts the same.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'
import { AUTH, type Fields, keyOf, PEOPLE, recordsOf, tally } from './records.ts'

/** Says what the gateway itself has counted. */
const PROBE = `import { definePlugin, Metrics } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'probe', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { metrics: Metrics },
  setup: (_config, { metrics }) => ({
    beforeCall: () => undefined,
    routes: (routes) =>
      routes.add({ method: 'GET', path: '/numbers', access: 'public', async handle(ctx) { ctx.body = await metrics.readAll() } }),
  }),
})
`

/** A server that repeats the text it is called with. */
async function echoing(scope: Scope, era: 'legacy' | 'modern'): Promise<Stub> {
  const server = await stub(scope, era)
  server.tools = [{ name: 'echo', inputSchema: { type: 'object' } }]
  const call = ({ message }: { readonly message: { readonly params?: Fields } }) => {
    const said = message.params?.arguments as Fields | undefined
    return { content: [{ type: 'text', text: said?.text }] }
  }
  server.acts['tools/call'] = call
  return server
}

/** Calls on one connection after another, `at` at a time. */
async function spread<T>(count: number, at: number, call: (n: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  let next = 0
  const lane = async () => {
    while (next < count) answers.push(await call(next++))
  }
  await Promise.all(Array.from({ length: at }, lane))
  return answers
}

test('seeds 7.41: of 10,000 calls at once none is lost: client, audit and metrics count the same', async (t) => {
  const old = await echoing(t, 'legacy')
  const fresh = await echoing(t, 'modern')
  const gateway = await startWith(
    t,
    {
      upstreams: { old: { url: old.url }, new: { url: fresh.url } },
      plugins: [
        AUTH,
        { use: './probe.ts' },
        {
          use: 'rate-limit',
          config: { limits: [{ per: ['principal'], calls: 2_000, window: '30d' }] },
        },
        { use: 'audit', config: { strict: true, arguments: 'redacted' } },
      ],
    },
    { files: { 'probe.ts': PROBE } },
  )
  await gateway.ready()
  const wires = PEOPLE.map(() => new Wire(t, gateway.url))
  const sessions = await Promise.all(wires.map((wire, n) => wire.session(keyOf(PEOPLE[n] ?? ''))))
  const answers = await spread(10_000, 64, async (n) => {
    const who = n % PEOPLE.length
    const key = keyOf(PEOPLE[who] ?? '')
    const params = {
      name: n % 8 < 4 ? 'old__echo' : 'new__echo',
      arguments: { text: `${n}`, login: [{ password: `hunter2-${n}` }] },
    }
    const wire = wires[who] as Wire
    const { json } =
      n % 16 < 8
        ? await wire.modern('tools/call', params, key)
        : await wire.legacy('tools/call', params, { ...key, ...sessions[who] })
    return json.result?.isError === true ? 'RATE_LIMITED' : json.result?.content[0].text
  })
  const through = answers.filter((one) => one !== 'RATE_LIMITED')
  assert.equal(through.length, 8_000)
  assert.equal(old.of('tools/call').length + fresh.of('tools/call').length, 8_000)

  const records = recordsOf(gateway)
  assert.deepEqual(tally(records.map(({ outcome }) => outcome)), { ok: 8_000, denied: 2_000 })
  assert.deepEqual(
    tally(records.map(({ principal }) => principal)),
    Object.fromEntries(PEOPLE.map((id) => [id, 2_500])),
  )
  const recorded = records.map(({ arguments: args }) => (args as Fields).text)
  assert.equal(new Set(recorded).size, 10_000)
  assert.equal(new Set(records.map(({ id }) => id)).size, 10_000)
  const done = new Set(
    records
      .filter(({ outcome }) => outcome === 'ok')
      .map(({ arguments: args }) => (args as Fields).text),
  )
  assert.ok(through.every((text) => done.has(text)))
  assert.doesNotMatch(JSON.stringify(records), /hunter2/)

  const { json: metrics } = await (wires[0] as Wire).send('GET', {}, undefined, '/numbers')
  const hooks = (
    metrics as { name: string; series: { labels: Fields; value?: number; count?: number }[] }[]
  )
    .filter(({ name }) => name === 'patchbay.plugin.runs')
    .flatMap(({ series }) => series)
  const runs = (plugin: string, hook: string) =>
    hooks
      .filter(({ labels }) => labels.plugin === plugin && labels.hook === hook)
      .reduce((sum, { value = 0 }) => sum + value, 0)
  assert.equal(runs('probe', 'beforeCall'), 10_000)
  assert.equal(runs('rate-limit', 'beforeCall'), 10_000)
  assert.equal(runs('audit', 'settle'), 10_000)
})
