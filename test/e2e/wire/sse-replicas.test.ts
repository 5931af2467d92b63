// HTTP+SSE behind a proxy that sends every POST to another replica.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARED_BUS } from '../../fixtures/shared-bus.ts'
import { openSse } from './sse-client.ts'
import { steered } from './steered.ts'
import { JSON_HEADERS } from './wire.ts'

const KEYS = ['the one key of all replicas, long enough']
const BUS = {
  keys: KEYS,
  plugins: [{ use: './steer.ts' }, { use: './shared-bus.ts' }],
}
const FILES = { files: { 'shared-bus.ts': SHARED_BUS } }
const call = (id: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { id } },
})

test('what is POSTed to another replica is answered on the stream', async (t) => {
  const [here, there] = [await steered(t, BUS, FILES), await steered(t, BUS, FILES)]
  const client = await openSse(here.wire, { 'x-user': 'anna' })
  const { search } = new URL(client.url)
  const post = (message: object | string, headers = {}) =>
    there.wire.begin(
      'POST',
      { ...JSON_HEADERS, ...headers },
      typeof message === 'string' ? message : JSON.stringify(message),
      `/sse${search}`,
    ).answer
  const { status } = await post(call(1), { 'x-user': 'anna' })
  assert.equal(status, 202)
  const { result } = await client.answer(1)
  assert.equal(result.content[0].text, '{"id":1}')
  assert.equal(here.stub.calls.length, 1)
  assert.equal(there.stub.calls.length, 0)

  assert.equal((await post(call(2), { 'x-user': 'bert' })).status, 404)
  assert.equal((await post('{"jsonrpc":', { 'x-user': 'anna' })).status, 400)
  assert.equal((await post(call(3), { 'x-deny': '{"code":"UNAUTHENTICATED"}' })).status, 401)
  client.stream.cut()
  await client.stream.answer.catch(() => {})
  let gone = 202
  while (gone === 202) ({ status: gone } = await post(call(4), { 'x-user': 'anna' }))
  assert.equal(gone, 404)
})

test('without a bus another replica knows of no stream, and says what helps', async (t) => {
  const config = { keys: KEYS }
  const [here, there] = [await steered(t, config), await steered(t, config)]
  const client = await openSse(here.wire)
  const { status, json } = await there.wire.begin(
    'POST',
    JSON_HEADERS,
    JSON.stringify(call(1)),
    `/sse${new URL(client.url).search}`,
  ).answer
  assert.equal(status, 404)
  assert.match(json.error.message, /one client to one replica/)
})
