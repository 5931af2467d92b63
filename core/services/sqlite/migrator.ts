import { type Kysely, sql } from 'kysely'
import type { Clock, Migrations, UntypedDatabase } from '../../../sdk/index.ts'
import { GatewayError, messageOf, type Problem } from '../../hooks/errors.ts'
import { fingerprintOf } from './fingerprint.ts'

/** The table that says what has been applied. No plugin line's prefix can make this name. */
export interface MigrationTables {
  patchbay_migrations: {
    line: string
    name: string
    fingerprint: string
    /** ISO 8601. */
    applied_at: string
  }
}

interface Step {
  readonly name: string
  readonly fingerprint: string
}

/** Brings the tables of plugin lines up to date, forward only. */
export class Migrator {
  readonly #db: Kysely<MigrationTables>
  readonly #clock: Clock

  /** @param db Kysely without any prefix */
  constructor(db: Kysely<MigrationTables>, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /**
   * Applies what a line's tables lack, each step in a transaction of its own.
   * @param own Kysely on the line's tables
   * @throws GatewayError when the tables were made by other steps than these, or a step fails; what was
   * applied before stays
   */
  async migrate(line: string, migrations: Migrations, own: UntypedDatabase): Promise<void> {
    try {
      await this.#migrate(line, migrations, own)
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause
      throw refusal(line, 'DATABASE_UNUSABLE', messageOf(cause), 'Mend that, then start again.')
    }
  }

  async #migrate(line: string, migrations: Migrations, own: UntypedDatabase): Promise<void> {
    await this.#db.schema
      .createTable('patchbay_migrations')
      .ifNotExists()
      .addColumn('line', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .addColumn('applied_at', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('patchbay_migrations_key', ['line', 'name'])
      .execute()
    const steps: Step[] = []
    for (const name of Object.keys(migrations).sort()) {
      const migration = migrations[name] as Migrations[string]
      steps.push({ name, fingerprint: await fingerprintOf(migration) })
    }
    check(line, steps, await this.#applied(this.#db, line))
    for (const step of steps) await this.#apply(line, migrations, steps, step, own)
  }

  /** Looks again in the transaction: another process may be applying the same. */
  async #apply(
    line: string,
    migrations: Migrations,
    steps: readonly Step[],
    { name, fingerprint }: Step,
    own: UntypedDatabase,
  ): Promise<void> {
    await own.transaction().execute(async (transaction) => {
      // The same transaction under the names of the whole database.
      const whole = transaction.withoutPlugins() as unknown as Kysely<MigrationTables>
      const applied = await this.#applied(whole, line)
      check(line, steps, applied)
      if (applied.some((one) => one.name === name)) return
      try {
        await migrations[name]?.up(transaction, sql)
      } catch (cause) {
        const reason = `the migration ${name} failed, and changed nothing: ${messageOf(cause)}`
        throw refusal(line, 'MIGRATION_FAILED', reason, 'Mend the plugin, or ask its author to.')
      }
      const applied_at = new Date(this.#clock.now()).toISOString()
      await whole
        .insertInto('patchbay_migrations')
        .values({ line, name, fingerprint, applied_at })
        .execute()
    })
  }

  #applied(db: Kysely<MigrationTables>, line: string): Promise<Step[]> {
    return db
      .selectFrom('patchbay_migrations')
      .select(['name', 'fingerprint'])
      .where('line', '=', line)
      .orderBy('name')
      .execute()
  }
}

/** What was applied must be how the plugin's steps begin. @throws GatewayError */
function check(line: string, steps: readonly Step[], applied: readonly Step[]): void {
  for (const [index, { name, fingerprint }] of applied.entries()) {
    const step = steps[index]
    if (step?.name === name && step.fingerprint === fingerprint) continue
    if (step?.name === name) {
      throw refusal(
        line,
        'MIGRATION_EDITED',
        `the migration ${name} is not the one that made the tables`,
        'Take the version of the plugin that made them; authors: undo the change, and add a migration.',
      )
    }
    if (steps.some((one) => one.name === name)) {
      throw refusal(
        line,
        'MIGRATION_OUT_OF_ORDER',
        `the migration ${step?.name} comes before ${name}, which has been applied already`,
        'Update the plugin; authors: give a new migration a name that sorts last.',
      )
    }
    throw refusal(
      line,
      'MIGRATION_UNKNOWN',
      `its tables know the migration ${name}, which the plugin does not have`,
      'The tables were made by another, newer plugin: take that version again.',
    )
  }
}

function refusal(line: string, code: string, reason: string, hint: string): GatewayError {
  const problem: Problem = { code, where: `plugin ${line}`, reason, hint }
  return new GatewayError([problem])
}
