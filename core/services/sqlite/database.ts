import { Kysely, sql } from 'kysely'
import type { Clock, Database, Migrations, UntypedDatabase } from '../../../sdk/index.ts'
import { GatewayError } from '../../hooks/errors.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { sqliteDialect } from './dialect.ts'
import { type MigrationTables, Migrator } from './migrator.ts'
import { TablePrefix } from './table-prefix.ts'
import type { SqliteThread } from './thread.ts'
import { Turns } from './turns.ts'

const PATIENCE = 10_000

/** One SQLite file for all plugin lines, each with tables of its own. Opened by the first statement. */
export class SqliteDatabase {
  readonly #wheel: Wheel
  readonly #thread: SqliteThread
  readonly #whole: Kysely<MigrationTables>
  readonly #migrator: Migrator

  /** @param thread of the database's file */
  constructor(thread: SqliteThread, clock: Clock, wheel: Wheel) {
    this.#wheel = wheel
    this.#thread = thread
    const dialect = sqliteDialect(new Turns(this.#thread, wheel))
    this.#whole = new Kysely<MigrationTables>({ dialect })
    this.#migrator = new Migrator(this.#whole, clock)
  }

  /** What one plugin line sees. */
  line(id: string): Database {
    const own = this.#whole.withPlugin(new TablePrefix(prefixOf(id)))
    return { kysely: <Tables>() => own as unknown as Kysely<Tables>, sql }
  }

  /** Brings a line's tables up to date. @throws GatewayError when that cannot be done safely */
  migrate(id: string, migrations: Migrations): Promise<void> {
    const own = this.line(id).kysely() as UntypedDatabase
    return this.#migrator.migrate(id, migrations, own)
  }

  /** Lets what is under way finish, for 10 s, and closes the file. */
  async close(): Promise<void> {
    const late = () => new Error('late')
    await this.#wheel
      .limit(this.#thread.close(), PATIENCE, late)
      .catch(() => this.#thread.abandon())
  }
}

/**
 * Refuses lines whose tables could be each other's.
 * @throws GatewayError
 */
export function checkPrefixes(ids: readonly string[]): void {
  const prefixes = ids.map((id) => ({ id, prefix: prefixOf(id).toLowerCase() }))
  const problems = prefixes.flatMap(({ id, prefix }, index) =>
    prefixes
      .slice(0, index)
      .filter((other) => prefix.startsWith(other.prefix) || other.prefix.startsWith(prefix))
      .map((other) => ({
        code: 'PLUGIN_TABLES_COLLIDE',
        where: `plugin ${id}`,
        reason: `its tables cannot be told from those of the plugin line ${other.id}`,
        hint: 'Give one of the two another `id`.',
      })),
  )
  if (problems.length > 0) throw new GatewayError(problems)
}

/** `-` may not stand in a name without quotes; people write SQL by hand too. */
function prefixOf(id: string): string {
  const prefix = `${id.replaceAll('-', '_')}__`
  // SQLite keeps names that begin so to itself.
  return /^sqlite_/i.test(prefix) ? `the_${prefix}` : prefix
}
