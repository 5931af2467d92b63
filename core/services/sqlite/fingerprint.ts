import { createHash } from 'node:crypto'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  sql,
} from 'kysely'
import type { Migration } from '../../../sdk/index.ts'
import { dialectOn } from './dialect.ts'

/**
 * A digest of the statements a migration issues where every table is empty. Formatting, comments and
 * builds do not change it; another column does.
 */
export async function fingerprintOf({ up }: Migration): Promise<string> {
  const statements: string[] = []
  const db = new Kysely<Record<string, Record<string, unknown>>>({
    dialect: dialectOn(() => new Recorder(statements)),
  })
  try {
    await db.transaction().execute((transaction) => up(transaction, sql))
  } catch {
    // It expected rows. What it said until then tells it apart well enough.
  }
  return createHash('sha256').update(JSON.stringify(statements)).digest('base64url')
}

/** A database that notes what it is told and knows nothing. */
class Recorder implements Driver, DatabaseConnection {
  readonly #statements: string[]

  constructor(statements: string[]) {
    this.#statements = statements
  }

  async executeQuery<R>({ sql: text }: CompiledQuery): Promise<QueryResult<R>> {
    this.#statements.push(text)
    return { rows: [], numAffectedRows: 0n, insertId: 0n }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this
  }

  async init(): Promise<void> {}
  async beginTransaction(): Promise<void> {}
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
