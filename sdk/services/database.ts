import type { Kysely, Sql } from 'kysely'
import { type Token, token } from '../token.ts'

/** A database whose tables nobody has described yet, as migrations see it. */
export type UntypedDatabase = Kysely<Record<string, Record<string, unknown>>>

/** One step of a plugin's tables. */
export interface Migration {
  /**
   * Makes the change, through `db` and nothing else, within a transaction of its own. Must issue the same
   * statements each time: at every boot it also runs against a database that answers nothing, to see
   * whether it is still the one that was applied.
   */
  up(db: UntypedDatabase, sql: Sql): Promise<unknown>
}

/** Migrations by name, for example `001-first`. They run once, in the order of their names, before `start`. */
export type Migrations = Readonly<Record<string, Migration>>

/**
 * Tables of the plugin line's own: names are prefixed with the line's id on the way, in statements made by
 * Kysely and in `sql.table('name')`, not in the text of raw SQL. Nothing is opened before the first statement.
 *
 * Statements reject with ServiceError: `CONSTRAINT`, `DATABASE_BUSY`, `DATABASE_FULL`,
 * `DATABASE_READ_ONLY`, `DATABASE_CORRUPT`, `DATABASE_FAILED` (any other), `DATABASE_LOST` (what was under
 * way is gone; ask again), `TRANSACTION_TIMEOUT` (a transaction did nothing for 30 s).
 */
export interface Database {
  /**
   * Kysely on this line's tables; costs nothing, ask for it in `setup`. While a transaction is open
   * everybody else's statements wait: inside one, use only what the transaction gave you, and do not wait
   * for anything else.
   */
  kysely<Tables>(): Kysely<Tables>
  /** Kysely's tag for raw SQL. */
  readonly sql: Sql
}
/** The service of that name. */
export const Database: Token<Database> = token<Database>('Database')

/** What a plugin that provides `Database` makes for each plugin line. */
export interface MigratingDatabase extends Database {
  /**
   * Brings the line's tables up to date: what was not applied yet, in the order of the names. Called at
   * boot before the line's own `start`, and after that of the provider; a rejection stops the boot.
   */
  migrate(migrations: Migrations): Promise<void>
}
