// What every `Database` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Generated } from 'kysely'
import type { Database, Maybe, Migrations } from '../../sdk/index.ts'

/** A database with nothing in it. */
export interface DatabaseUnderTest {
  line(id: string): Database
  /** What the gateway does at boot. Rejects with GatewayError. */
  migrate(id: string, migrations: Migrations): Promise<void>
}

interface Tables {
  person: { id: Generated<number>; name: string; boss: number | null }
  pet: { id: Generated<number>; owner: number; name: string }
}

const FIRST: Migrations['x'] = {
  async up(db) {
    await db.schema
      .createTable('person')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('boss', 'integer', (column) => column.references('person.id'))
      .execute()
    await db.schema.createIndex('by_name').on('person').column('name').unique().execute()
  },
}
const SECOND: Migrations['x'] = {
  async up(db) {
    await db.schema
      .createTable('pet')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('owner', 'integer', (column) => column.notNull().references('person.id'))
      .addColumn('name', 'text', (column) => column.notNull())
      .execute()
    await db.insertInto('person').values({ name: 'the first', boss: null }).execute()
  },
}
const BOTH = { '001-person': FIRST, '002-pet': SECOND }

/** Runs the contract on an implementation; `make` gives empty databases. */
export function databaseContract(
  name: string,
  make: (t: TestContext) => Maybe<DatabaseUnderTest>,
): void {
  const spec = (what: string, run: (under: DatabaseUnderTest) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))

  spec('tables of two plugin lines have the same names and nothing in common', async (under) => {
    for (const id of ['plugin-a', 'plugin-b']) await under.migrate(id, { '001': FIRST })
    const a = under.line('plugin-a').kysely<Tables>()
    const b = under.line('plugin-b').kysely<Tables>()
    await a.insertInto('person').values({ name: 'Anna', boss: null }).execute()
    assert.deepEqual(await b.selectFrom('person').selectAll().execute(), [])
    const found = await a.selectFrom('person').select(['name', 'person.boss']).execute()
    assert.deepEqual(found, [{ name: 'Anna', boss: null }])
  })

  spec(
    'joins, aliases, expressions, upserts and raw names mean this line’s tables',
    async (under) => {
      await under.migrate('line', BOTH)
      const { sql, ...database } = under.line('line')
      const db = database.kysely<Tables>()
      const anna = await db
        .insertInto('person')
        .values({ name: 'Anna', boss: 1 })
        .returning('id')
        .executeTakeFirstOrThrow()
      await db.insertInto('pet').values({ owner: anna.id, name: 'Rex' }).execute()
      const joined = await db
        .selectFrom('pet')
        .innerJoin('person', 'person.id', 'pet.owner')
        .innerJoin('person as boss', 'boss.id', 'person.boss')
        .select(['pet.name as pet', 'person.name as person', 'boss.name as boss'])
        .selectAll('pet')
        .executeTakeFirstOrThrow()
      assert.deepEqual(
        [joined.pet, joined.person, joined.boss, joined.name],
        ['Rex', 'Anna', 'the first', 'Rex'],
      )
      const expression = await db
        .with('named', (q) => q.selectFrom('person').select(['person.id', 'person.name']))
        .selectFrom('named')
        .where('named.name', '=', 'Anna')
        .where(({ exists, selectFrom }) =>
          exists(selectFrom('pet').select('pet.id').whereRef('pet.owner', '=', 'named.id')),
        )
        .select('named.name')
        .execute()
      assert.deepEqual(expression, [{ name: 'Anna' }])
      await db
        .insertInto('person')
        .values({ name: 'Anna', boss: null })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((eb) => ({ boss: eb.ref('excluded.boss') })),
        )
        .execute()
      const raw = await sql<{ boss: number | null }>`
      select ${sql.ref('person.boss')} from ${sql.table('person')}
      where ${sql.ref('person.name')} = ${'Anna'}`.execute(db)
      assert.deepEqual(raw.rows, [{ boss: null }])
      const renamed = await db
        .updateTable('person')
        .set({ name: 'A' })
        .where('person.id', '=', anna.id)
        .executeTakeFirstOrThrow()
      assert.equal(renamed.numUpdatedRows, 1n)
      await db.deleteFrom('pet').where('pet.owner', '=', anna.id).execute()
      assert.deepEqual(await db.selectFrom('pet').selectAll().execute(), [])
      await db.schema.dropIndex('by_name').execute()
      await db.schema.alterTable('pet').renameTo('animal').execute()
      await db.schema.dropTable('animal').execute()
    },
  )

  spec('a transaction is all or nothing, and others wait for it', async (under) => {
    await under.migrate('line', { '001': FIRST })
    const db = under.line('line').kysely<Tables>()
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const undone = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('person').values({ name: 'Anna', boss: null }).execute()
      begun.resolve()
      await gate.promise
      throw new Error('changed my mind')
    })
    await begun.promise
    const seen = db.selectFrom('person').selectAll().execute()
    const next = db
      .transaction()
      .execute((transaction) =>
        transaction.insertInto('person').values({ name: 'Bob', boss: null }).execute(),
      )
    gate.resolve()
    await assert.rejects(undone, /changed my mind/)
    assert.deepEqual(await seen, [])
    await next
    const names = await db.selectFrom('person').select('name').execute()
    assert.deepEqual(names, [{ name: 'Bob' }])
  })

  spec('statements given together each have their own fate', async (under) => {
    await under.migrate('line', { '001': FIRST })
    const db = under.line('line').kysely<Tables>()
    const fates = await Promise.allSettled(
      ['Anna', 'Bob', 'Anna', 'Carl'].map((one) =>
        db.insertInto('person').values({ name: one, boss: null }).execute(),
      ),
    )
    assert.deepEqual(
      fates.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((fates[2] as PromiseRejectedResult).reason.code, 'CONSTRAINT')
    const { count } = await db
      .selectFrom('person')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    assert.equal(Number(count), 3)
    const orphan = db.insertInto('person').values({ name: 'Dora', boss: 99 }).execute()
    await assert.rejects(orphan, { code: 'CONSTRAINT' })
  })

  spec('a wrong statement says so and breaks nothing', async (under) => {
    const { sql, ...database } = under.line('line')
    const db = database.kysely<Tables>()
    await assert.rejects(sql`selct 1`.execute(db), { code: 'DATABASE_FAILED', message: /selct/ })
    await assert.rejects(db.selectFrom('pet').selectAll().execute(), { code: 'DATABASE_FAILED' })
    assert.deepEqual((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }])
  })

  spec('migrations run once, in the order of their names', async (under) => {
    await under.migrate('line', { '001-person': FIRST })
    await under.migrate('line', { '002-pet': SECOND, '001-person': FIRST })
    await under.migrate('line', BOTH)
    const db = under.line('line').kysely<Tables>()
    const people = await db.selectFrom('person').select('name').execute()
    assert.deepEqual(people, [{ name: 'the first' }])
  })

  spec('a migration that fails changes nothing and names itself', async (under) => {
    const failing = {
      async up(db: Parameters<typeof SECOND.up>[0], ...rest: [Parameters<typeof SECOND.up>[1]]) {
        await SECOND.up(db, ...rest)
        // Where every table is empty there is nothing to fail on.
        if ((await db.selectFrom('person').selectAll().execute()).length > 0) throw new Error('no')
      },
    }
    const migrating = under.migrate('line', { '001-person': FIRST, '002-pet': failing })
    await assert.rejects(migrating, /plugin line: the migration 002-pet failed.*: no\./)
    const db = under.line('line').kysely<Tables>()
    assert.deepEqual(await db.selectFrom('person').selectAll().execute(), [])
    await assert.rejects(db.selectFrom('pet').selectAll().execute(), { code: 'DATABASE_FAILED' })
    await under.migrate('line', BOTH)
  })

  spec('tables made by other migrations than these are refused', async (under) => {
    await under.migrate('line', BOTH)
    await under.migrate('other', {})
    const refused = (migrations: Migrations, code: string) =>
      assert.rejects(under.migrate('line', migrations), (error: Error) => {
        const [problem] = (error as Error & { problems: { code: string }[] }).problems
        assert.equal(problem?.code, code)
        return true
      })
    await refused({ '001-person': FIRST }, 'MIGRATION_UNKNOWN')
    await refused({}, 'MIGRATION_UNKNOWN')
    await refused({ '001-person': FIRST, '002-pet': FIRST }, 'MIGRATION_EDITED')
    await refused(
      { '001-a': FIRST, '001-person': FIRST, '002-pet': SECOND },
      'MIGRATION_OUT_OF_ORDER',
    )
    await under.migrate('line', BOTH)
  })
}
