import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { EmbeddedServices } from '../../../core/services/embedded.ts'
import { Redactor } from '../../../core/services/redactor.ts'
import { Seal } from '../../../core/services/seal.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { listedTool, testUpstreams } from '../../../sdk/testing/upstream.ts'

const DAY = 24 * 60 * 60_000

function services(t: TestContext, file: string, clock = new FakeClock()) {
  const faults: string[] = []
  const embedded = new EmbeddedServices({
    clock,
    wheel: new Wheel(clock),
    sealer: new Seal(['a key that only this test knows']),
    secrets: new Redactor(),
    file,
    replica: 'one',
    egress: [],
    upstreams: testUpstreams([]),
    emit() {},
    fault: (_, where) => faults.push(where),
  })
  t.after(() => embedded.close())
  return { archive: embedded.archive(), embedded, clock, faults }
}

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-archive-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'patchbay.db')
}

test('lists are kept per upstream and identity, over a restart, as the text they came in', async (t) => {
  const path = file(t)
  const big = '{"name":"big","inputSchema":{"type":"object"},"x":12345678901234567890}'
  const exact = { kind: 'tool', definition: JSON.parse(big), text: big } as const
  const before = services(t, path)
  const at = before.clock.now()
  await before.archive.save('crm', 'anna', { entries: [exact], at })
  await before.archive.save('crm', 'bert', { entries: [listedTool('b')], at })
  await before.embedded.close()
  const { archive, faults } = services(t, path)
  assert.deepEqual(await archive.load('crm', 'anna'), { entries: [exact], at })
  assert.equal(await archive.load('docs', 'anna'), undefined)
  await archive.save('crm', 'anna', { entries: [], at: at + 1 })
  assert.deepEqual(await archive.load('crm', 'anna'), { entries: [], at: at + 1 })
  await archive.remove('crm', 'anna')
  assert.equal(await archive.load('crm', 'anna'), undefined)
  assert.equal((await archive.load('crm', 'bert'))?.entries.length, 1)
  assert.deepEqual(faults, [])
})

test('the file tells nobody whose lists they are', async (t) => {
  const path = file(t)
  const { archive, embedded } = services(t, path)
  await archive.save('crm', 'anna@example.org', { entries: [], at: DAY })
  await embedded.close()
  assert.ok(!readFileSync(path).includes('anna@example.org'))
})

test('whoever has not come back for thirty days is forgotten at the next start', async (t) => {
  const path = file(t)
  const before = services(t, path)
  const now = before.clock.now()
  await before.archive.save('crm', 'anna', { entries: [], at: now })
  await before.embedded.close()
  const clock = new FakeClock()
  clock.advance(30 * DAY + 1)
  assert.equal(await services(t, path, clock).archive.load('crm', 'anna'), undefined)
})

test('a database that cannot be opened is told, and reads as if nothing were kept', async (t) => {
  const { archive, faults } = services(t, '/dev/null/patchbay.db')
  assert.equal(await archive.load('crm', 'anna'), undefined)
  await archive.save('crm', 'anna', { entries: [], at: DAY })
  assert.deepEqual(faults, ['the archive of lists', 'the archive of lists'])
})
