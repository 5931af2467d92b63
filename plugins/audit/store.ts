import type { Database, Migrations } from 'mcp-patchbay/sdk'
import type { Waiting } from './writer.ts'

/** How many records one statement reads or deletes at most: others wait for it. */
const SLICE = 5_000
/** Records of several processes are not quite in the order of their times: milliseconds. */
const SLACK = 60_000
const DELETED_AT_ONCE = 2_000

interface Records {
  readonly id: number
  readonly at: number
  readonly record: string
  readonly kind: string
  readonly principal: string | null
  readonly name: string | null
  readonly outcome: string | null
}

/** What one query asks for. */
export interface Wanted {
  /** From when on, in milliseconds since the epoch. */
  readonly since: number
  readonly kind?: string | undefined
  readonly principal?: string | undefined
  /** A name or a glob of SQLite's. */
  readonly tool?: string | undefined
  readonly outcome?: string | undefined
  readonly limit: number
}

/** A record as it was written, with its number and time. */
export interface Kept {
  readonly id: number
  readonly at: number
  readonly fields: Readonly<Record<string, unknown>>
}

/** The table: ids grow with time, so that neither needs an index. The other columns are read out of the record. */
export const MIGRATIONS: Migrations = {
  '001-records': {
    up: (db, sql) =>
      sql`create table ${sql.table('records')} (
        id integer primary key,
        at integer not null,
        record text not null,
        kind text generated always as (record ->> '$.kind') virtual,
        principal text generated always as (record ->> '$.principal') virtual,
        name text generated always as (record ->> '$.name') virtual,
        outcome text generated always as (record ->> '$.outcome') virtual
      )`.execute(db),
  },
}

/** Records in the gateway's database. */
export class Store {
  readonly #database: Database
  readonly #db
  /** Statements by the number of records they write. */
  readonly #inserts = new Map<number, ReturnType<Store['compile']>>()

  constructor(database: Database) {
    this.#database = database
    this.#db = database.kysely<{ records: Records }>()
  }

  /** Writes records: all or none. Rejects with ServiceError. */
  async insert(batch: readonly Waiting[]): Promise<void> {
    let insert = this.#inserts.get(batch.length)
    if (insert === undefined) {
      insert = this.compile(batch.length)
      this.#inserts.set(batch.length, insert)
    }
    const parameters = batch.flatMap(({ at, text }) => [at, text])
    await this.#db.executeQuery({ ...insert, parameters })
  }

  /** The newest records that are wanted, newest first. */
  async find({ since, kind, principal, tool, outcome, limit }: Wanted): Promise<Kept[]> {
    const found: Kept[] = []
    let newest = await this.#below(Number.MAX_SAFE_INTEGER)
    while (newest !== undefined && newest.at >= since - SLACK && found.length < limit) {
      const end = newest.id
      let query = this.#db
        .selectFrom('records')
        .select(['id', 'at', 'record'])
        .where('id', '<=', end)
        .where('id', '>', end - SLICE)
        .where('at', '>=', since)
      if (kind !== undefined) query = query.where('kind', '=', kind)
      if (principal !== undefined) query = query.where('principal', '=', principal)
      if (tool !== undefined) query = query.where('name', this.#database.sql`glob`, tool)
      if (outcome !== undefined) query = query.where('outcome', '=', outcome)
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit - found.length)
        .execute()
      for (const { id, at, record } of rows) found.push({ id, at, fields: JSON.parse(record) })
      newest = await this.#below(end - SLICE)
    }
    return found
  }

  /** Deletes the oldest of what is older or too much, up to 2,000. @returns whether there may be more */
  async sweep(before: number, rows = Number.POSITIVE_INFINITY): Promise<boolean> {
    const newest = await this.#below(Number.MAX_SAFE_INTEGER)
    if (newest === undefined) return false
    const oldest = await this.#db
      .selectFrom('records')
      .select(['id', 'at'])
      .orderBy('id')
      .limit(DELETED_AT_ONCE)
      .execute()
    // Up to the first that stays: ids grow with time.
    const stays = oldest.findIndex(({ id, at }) => at >= before && id > newest.id - rows)
    const last = oldest.at(stays < 0 ? -1 : stays - 1)
    if (last === undefined || stays === 0) return false
    await this.#db.deleteFrom('records').where('id', '<=', last.id).execute()
    return stays < 0
  }

  /** The statement that writes so many records. */
  compile(count: number) {
    const { sql } = this.#database
    const rows = Array.from({ length: count }, () => sql`(${0}, ${''})`)
    return sql`insert into ${sql.table('records')} (at, record) values ${sql.join(rows)}`.compile(
      this.#db,
    )
  }

  /** The newest record up to a number. */
  #below(id: number) {
    return this.#db
      .selectFrom('records')
      .select(['id', 'at'])
      .where('id', '<=', id)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
  }
}
