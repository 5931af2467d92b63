import type { SQLInputValue } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Turns } from './turns.ts'

/** Kysely's SQLite, with the file in another thread. */
export function sqliteDialect(turns: Turns): Dialect {
  return dialectOn(() => new TurnsDriver(turns))
}

/** Kysely's SQLite on any driver. */
export function dialectOn(createDriver: () => Driver): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

class Adapter extends SqliteAdapter {
  /** Kysely need not queue statements: that is done across all plugin lines, and statements travel together. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class TurnsDriver implements Driver {
  readonly #turns: Turns

  constructor(turns: Turns) {
    this.#turns = turns
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Connection(this.#turns)
  }

  beginTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#turns.begin(connection)
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#turns.end(connection, 'COMMIT')
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#turns.end(connection, 'ROLLBACK')
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

/** What Kysely takes for a connection of its own: a place in the queue for the one there is. */
class Connection implements DatabaseConnection {
  readonly #turns: Turns

  constructor(turns: Turns) {
    this.#turns = turns
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const given = parameters as readonly SQLInputValue[]
    const { rows, changes, insertId } = await this.#turns.run(this, { sql, parameters: given })
    return {
      rows: rows as R[],
      ...(changes === undefined ? {} : { numAffectedRows: changes }),
      ...(insertId === undefined ? {} : { insertId }),
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    // One connection serves everybody: rows come all at once, never by a cursor that others wait for.
    yield await this.executeQuery<R>(query)
  }
}
