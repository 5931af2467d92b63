import assert from 'node:assert/strict'
import test from 'node:test'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import denylist from './index.ts'

const FILES = { tools: { files: ['read', 'delete'] } }
/** Between two looks at the clock: calls are right all the same. */
const config = { tools: ['*delete'], yolo: { until: '2026-01-01T01:00:00.500Z' } }

test('until its date the list denies nothing, and says so loudly', async () => {
  const gateway = await testPlugin(denylist, config, FILES)
  await gateway.result('files__delete')
  const [line] = gateway.logs
  assert.equal(line?.level, 'warn')
  assert.match(line?.message ?? '', /SWITCHED OFF until 2026-01-01T01:00:00\.500Z/)
  const { yolo } = (await gateway.status()).denylist as { yolo: unknown }
  assert.deepEqual(yolo, { on: true, until: '2026-01-01T01:00:00.500Z' })
  gateway.clock.advance(3_600_499)
  await gateway.result('files__delete')
  gateway.clock.advance(1)
  await gateway.denied('files__delete')
  gateway.clock.advance(500)
  assert.match(gateway.logs.at(-1)?.message ?? '', /is on again/)
  assert.deepEqual(
    gateway.told('plugin').map(({ name }) => name),
    ['yolo.started', 'yolo.ended'],
  )
})

test('what was denied at runtime stays denied meanwhile', async () => {
  const gateway = await testPlugin(denylist, config, FILES)
  await gateway.command('denylist', 'deny', { tool: 'files__delete', reason: 'incident' })
  await gateway.denied('files__delete')
})

test('it is said again every hour', async () => {
  const until = '2026-01-01T12:00:00Z'
  const gateway = await testPlugin(denylist, { ...config, yolo: { until } }, FILES)
  gateway.clock.advance(2 * 3_600_000)
  const said = gateway.logs.filter(({ message }) => message.includes('SWITCHED OFF'))
  assert.equal(said.length, 3)
})

test('one that is over keeps nobody from starting: the list is on, and that is said', async () => {
  const yolo = { until: '2025-12-31T00:00:00Z' }
  const gateway = await testPlugin(denylist, { ...config, yolo }, FILES)
  await gateway.denied('files__delete')
  assert.match(gateway.logs[0]?.message ?? '', /the denylist is on: `yolo` ended at 2025-12-31/)
  gateway.clock.advance(3 * 3_600_000)
  assert.equal(gateway.logs.length, 1)
  assert.deepEqual(gateway.told('plugin'), [])
})

test('a date that is too far or none is refused', async () => {
  const refusals: [unknown, RegExp][] = [
    [{ until: '2026-01-08T00:00:01Z' }, /config\.yolo\.until: .* is more than seven days away/],
    [{ until: 'tomorrow' }, /config\.yolo\.until: /],
    [{}, /config\.yolo: needs `until`/],
    [true, /config\.yolo: must be/],
  ]
  for (const [yolo, message] of refusals) {
    await assert.rejects(testPlugin(denylist, { yolo }, FILES), { message })
  }
  const last = { yolo: { until: '2026-01-08T00:00:00Z' } }
  await (await testPlugin(denylist, last, FILES)).stop()
})
