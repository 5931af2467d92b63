import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, startWith } from '../../fixtures/gateway.ts'
import { Wire } from './wire.ts'

/** A `KeyValue` that all gateways of this process share, until it is cut off. */
const SHARED = `import { definePlugin, KeyValue, perLine } from 'mcp-patchbay/sdk'
const shared = (globalThis.replicas ??= { values: new Map(), cut: false })
const reach = async (work) => {
  if (shared.cut) throw new Error('no network')
  return work(shared.values)
}
export default definePlugin({
  name: 'shared', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  provides: { keyValue: KeyValue },
  setup: () => ({
    provide: () => ({
      keyValue: perLine((line) => ({
        get: (key) => reach((values) => values.get(line + '/' + key)),
        set: (key, value) => reach((values) => void values.set(line + '/' + key, value)),
      })),
    }),
  }),
})
`
const shared = () =>
  (globalThis as unknown as { replicas: { values: Map<string, string>; cut: boolean } }).replicas

async function replica(t: Scope) {
  const config = {
    keys: ['the one key of all replicas, long enough'],
    plugins: [{ use: 'auth-none' }, { use: './shared.ts' }],
  }
  const gateway = await startWith(t, config, { files: { 'shared.ts': SHARED } })
  return { gateway, wire: new Wire(t, gateway.url) }
}

test('a session that one replica ended is ended at every other', async (t) => {
  const [here, there] = [await replica(t), await replica(t)]
  const session = await here.wire.session()
  const other = await here.wire.session()
  const ping = async ({ wire }: typeof here, headers = session) =>
    (await wire.legacy('ping', undefined, headers)).status
  assert.equal(await ping(there), 200)
  assert.equal((await there.wire.send('DELETE', session)).status, 200)
  assert.equal(await ping(here), 404)
  assert.equal(await ping(there), 404)
  assert.equal(await ping(here, other), 200)
  assert.equal((await here.wire.send('DELETE', session)).status, 404)
  const keys = [...shared().values.keys()]
  assert.equal(keys.length, 1)
  assert.match(keys[0] ?? '', /^\$gateway\/ended\/[\w-]{22}$/)

  shared().cut = true
  t.after(() => {
    shared().cut = false
  })
  const { json } = await here.wire.legacy('ping', undefined, other)
  assert.equal(json.error?.code, -32603, 'whether it was ended cannot be said')
  assert.ok(here.gateway.log.some(({ err }) => /no network/.test(JSON.stringify(err))))
})
