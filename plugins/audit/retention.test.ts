import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'
import audit from './index.ts'

const DAY = 86_400_000

function fileFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-audit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'patchbay.db')
}

/** Looks with eyes of its own, until what it sees is so. */
async function seen(file: string, holds: (count: number, oldest: number) => boolean) {
  for (let tries = 0; tries < 2_000; tries++) {
    const db = new DatabaseSync(file)
    const row = db.prepare('select count(*) as n, min(at) as oldest from audit__records').get()
    db.close()
    if (holds(Number(row?.n), Number(row?.oldest))) return
    await new Promise(setImmediate)
  }
  throw new Error(`never came true: ${holds}`)
}

function fill(file: string, count: number, at: (n: number) => number): void {
  const db = new DatabaseSync(file)
  db.exec('begin')
  const insert = db.prepare("insert into audit__records (at, record) values (?, '{}')")
  for (let n = 0; n < count; n++) insert.run(at(n))
  db.exec('commit')
  db.close()
}

const begin = async (file: string, retention: object): Promise<TestGateway> =>
  testPlugin(audit, { retention }, { database: file })

test('what is older than it may be is deleted, in portions, and nothing else', async (t) => {
  const file = fileFor(t)
  const gateway = await begin(file, { age: '30d' })
  const now = gateway.clock.now()
  fill(file, 9_000, (n) => now - 31 * DAY + (n < 5_000 ? n : 5 * DAY + n))
  gateway.clock.advance(60_000)
  await seen(file, (count, oldest) => count === 4_000 && oldest > now - 30 * DAY)
  await gateway.stop()
})

test('the newest rows stay', async (t) => {
  const file = fileFor(t)
  const gateway = await begin(file, { rows: 1_000 })
  const now = gateway.clock.now()
  fill(file, 4_500, (n) => now + n)
  gateway.clock.advance(60_000)
  await seen(file, (count, oldest) => count === 1_000 && oldest === now + 3_500)
  await gateway.stop()
})

test('what was recorded is there after a restart, and what waited at the end was written', async (t) => {
  const file = fileFor(t)
  const first = await begin(file, {})
  for (let i = 0; i < 10; i++) await first.result('demo__echo')
  await first.stop()
  await seen(file, (count) => count === 10)
  const second = await begin(file, {})
  await second.result('demo__echo')
  const found = (await second.command('audit', 'query', {})) as object[]
  assert.equal(found.length, 11)
  await second.stop()
})

test('a batch is written every quarter of a second, whether or not somebody looks', async (t) => {
  const file = fileFor(t)
  const gateway = await begin(file, {})
  await gateway.result('demo__echo')
  gateway.clock.advance(250)
  await seen(file, (count) => count === 1)
  await gateway.stop()
})
