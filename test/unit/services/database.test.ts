import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { checkPrefixes, SqliteDatabase } from '../../../core/services/sqlite/database.ts'
import { fingerprintOf } from '../../../core/services/sqlite/fingerprint.ts'
import { beginWorker, SqliteThread } from '../../../core/services/sqlite/thread.ts'
import { Turns } from '../../../core/services/sqlite/turns.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { databaseContract } from '../../services/database-contract.ts'

interface Tables {
  note: { text: string }
}

databaseContract('SQLite', (t) => open(t).database)

test('the file is made by the first statement, for its owner only', async (t) => {
  const folder = join(temporary(t), 'data')
  const { database } = open(t, join(folder, 'patchbay.db'))
  const { sql, ...line } = database.line('line')
  assert.throws(() => readdirSync(folder))
  await sql`select 1`.execute(line.kysely())
  assert.equal(statSync(join(folder, 'patchbay.db')).mode & 0o777, 0o600)
  const { rows } = await sql`pragma journal_mode`.execute(line.kysely())
  assert.deepEqual(rows, [{ journal_mode: 'wal' }])
})

test('what was written is there after a restart', async (t) => {
  const file = join(temporary(t), 'patchbay.db')
  for (const expected of [0, 1]) {
    const { database } = open(t, file)
    await migrated(database)
    const db = database.line('line').kysely<Tables>()
    assert.equal((await db.selectFrom('note').selectAll().execute()).length, expected)
    await db.insertInto('note').values({ text: 'kept' }).execute()
    await database.close()
    assert.deepEqual(readdirSync(join(file, '..')), ['patchbay.db'])
    await assert.rejects(db.selectFrom('note').selectAll().execute(), { code: 'DATABASE_LOST' })
  }
})

test('two processes can migrate the same file', async (t) => {
  const file = join(temporary(t), 'patchbay.db')
  const databases = [open(t, file).database, open(t, file).database]
  await Promise.all(databases.map((one) => migrated(one)))
})

test('a transaction that stays open idly is rolled back, and the others go on', async (t) => {
  const { database, clock } = open(t)
  await migrated(database)
  const db = database.line('line').kysely<Tables>()
  const began = Promise.withResolvers<void>()
  const stuck = db.transaction().execute(async (transaction) => {
    await transaction.insertInto('note').values({ text: 'never' }).execute()
    began.resolve()
    // The mistake: inside a transaction, asking outside of it waits for its own end.
    await db.selectFrom('note').selectAll().execute()
  })
  await began.promise
  const other = db.selectFrom('note').selectAll().execute()
  clock.advance(30_250)
  await assert.rejects(stuck, { code: 'TRANSACTION_TIMEOUT' })
  assert.deepEqual(await other, [])
})

test('a thread that dies fails what is under way with a code, and begins anew', async (t) => {
  const dying = "require('node:worker_threads').parentPort.on('message', () => process.exit(3))"
  const workers = [() => new Worker(dying, { eval: true }), () => beginWorker(':memory:')]
  const thread = new SqliteThread(':memory:', () => workers.shift()?.() as Worker)
  t.after(() => thread.close())
  const turns = new Turns(thread, new Wheel(new FakeClock()))
  const [owner, other] = [{}, {}]
  const one = { sql: 'SELECT 1 AS one', parameters: [] }
  const lost = [turns.begin(owner), turns.run(other, one)]
  await assert.rejects(lost[0] as Promise<unknown>, { code: 'DATABASE_LOST' })
  assert.deepEqual((await turns.run({}, one)).rows, [{ one: 1 }])
  await lost[1]
})

test('a statement may take its time, also in a transaction', async (t) => {
  const clock = new FakeClock()
  const thread = new SqliteThread(':memory:')
  t.after(() => thread.close())
  const turns = new Turns(thread, new Wheel(clock))
  const owner = {}
  await turns.begin(owner)
  const running = turns.run(owner, { sql: 'SELECT 1 AS one', parameters: [] })
  clock.advance(300_000)
  assert.deepEqual((await running).rows, [{ one: 1 }])
  clock.advance(29_000)
  await turns.end(owner, 'COMMIT')
})

test('a transaction does not outlive its thread', async (t) => {
  const workers: Worker[] = []
  const thread = new SqliteThread(':memory:', (file) => {
    const worker = beginWorker(file)
    workers.push(worker)
    return worker
  })
  t.after(() => thread.close())
  const turns = new Turns(thread, new Wheel(new FakeClock()))
  const owner = {}
  const one = { sql: 'SELECT 1 AS one', parameters: [] }
  await turns.begin(owner)
  await workers[0]?.terminate()
  await assert.rejects(turns.run(owner, one), { code: 'DATABASE_LOST' })
  await assert.rejects(turns.end(owner, 'COMMIT'), { code: 'DATABASE_LOST' })
  assert.deepEqual((await turns.run({}, one)).rows, [{ one: 1 }])
})

test('a file that is no database is left as it is, and named', async (t) => {
  const file = join(temporary(t), 'patchbay.db')
  writeFileSync(file, 'this is a letter to my aunt, and has been one for years')
  const { database } = open(t, file)
  await assert.rejects(migrated(database), (error: Error) => {
    assert.match(error.message, /plugin line: the database .*patchbay\.db: file is not a database/)
    return true
  })
})

test('plugin lines whose tables could be each other’s are refused', () => {
  checkPrefixes(['audit', 'audit-log', 'audit2'])
  assert.throws(() => checkPrefixes(['a-b', 'a_b']), /plugin a_b: .*plugin line a-b/)
  assert.throws(() => checkPrefixes(['a', 'a__b']), /plugin a__b/)
  assert.throws(() => checkPrefixes(['A', 'a']), /Give one of the two another `id`/)
})

test('a line that is called like SQLite’s own tables works too', async (t) => {
  const { database } = open(t)
  await migrated(database, 'sqlite-audit')
})

test('the fingerprint of a migration stays the same over versions', async () => {
  // When this fails, a new Kysely writes other SQL: every database in the world would be refused.
  const fingerprint = await fingerprintOf({
    up: (db) => db.schema.createTable('note').addColumn('text', 'text').execute(),
  })
  assert.equal(fingerprint, 'ht34-vPOBGWMtChx-1C29vIwUv5N6hIGFMeNw5qaWYE')
})

function open(
  t: TestContext,
  file = ':memory:',
): { readonly database: SqliteDatabase; readonly clock: FakeClock } {
  const clock = new FakeClock()
  const database = new SqliteDatabase(new SqliteThread(file), clock, new Wheel(clock))
  t.after(() => database.close())
  return { database, clock }
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-database-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function migrated(database: SqliteDatabase, id = 'line'): Promise<void> {
  return database.migrate(id, {
    '001': {
      up: (db) => db.schema.createTable('note').addColumn('text', 'text').execute(),
    },
  })
}
