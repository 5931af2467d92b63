import type { Database, Migrations } from 'mcp-patchbay/sdk'
import type { Override } from './override.ts'

/** The steps of the table that overrides are kept in. */
export const migrations: Migrations = {
  '001-overrides': {
    up: (db) =>
      db.schema
        .createTable('overrides')
        .addColumn('tool', 'text', (column) => column.primaryKey())
        .addColumn('effect', 'text', (column) => column.notNull())
        .addColumn('author', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('since', 'bigint', (column) => column.notNull())
        .addColumn('until', 'bigint')
        .execute(),
  },
}

/** Overrides where they outlive the gateway, and where other replicas find them. One per tool. */
export class OverrideStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** In the order of their names, ended ones included. */
  async all(): Promise<readonly Override[]> {
    const rows = await this.#db.selectFrom('overrides').selectAll().orderBy('tool').execute()
    // Databases other than SQLite may give large numbers as text.
    return rows.map(({ tool, effect, author, reason, since, until }) => ({
      tool,
      effect,
      author,
      reason,
      since: Number(since),
      until: until === null ? null : Number(until),
    }))
  }

  /** Writes one in the place of what was there for its tool. */
  async put(override: Override): Promise<void> {
    const { tool: _, ...rest } = override
    await this.#db
      .insertInto('overrides')
      .values(override)
      .onConflict((conflict) => conflict.column('tool').doUpdateSet(rest))
      .execute()
  }

  /** @returns whether it was still there, as it is here: of many replicas one is told so */
  async remove({ tool, since }: Override): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('overrides')
      .where('tool', '=', tool)
      .where('since', '=', since)
      .executeTakeFirst()
    return numDeletedRows > 0n
  }

  get #db() {
    return this.#database.kysely<{ overrides: Override }>()
  }
}
