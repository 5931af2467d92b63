import type { Clock, Database, EntryKind, Migrations } from '../../sdk/index.ts'
import { digest } from '../catalog/digest.ts'
import type { Archive, ArchivedList, ListedEntry } from '../catalog/ports.ts'

/** Whoever has not come back for that long is listed anew, in milliseconds. */
const KEPT = 30 * 24 * 60 * 60_000

interface Tables {
  list: { upstream: string; identity: string; entries: string; read_at: number }
}

/** The archive's tables. */
export const ARCHIVE_MIGRATIONS: Migrations = {
  '001-lists': {
    up: (db) =>
      db.schema
        .createTable('list')
        .addColumn('upstream', 'text', (column) => column.notNull())
        .addColumn('identity', 'text', (column) => column.notNull())
        .addColumn('entries', 'text', (column) => column.notNull())
        .addColumn('read_at', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('list_of', ['upstream', 'identity'])
        .execute(),
  },
}

/**
 * What upstreams list for single identities, in the gateway's database: definitions as they came,
 * under a fingerprint of the identity. What fails is told and otherwise as if nothing were kept.
 */
export class CatalogArchive implements Archive {
  readonly #open: () => Promise<Database>
  readonly #clock: Clock
  readonly #failed: (cause: unknown) => void
  #database: Promise<Database> | undefined

  /** @param open opens the database, its tables up to date; called once, by the first need */
  constructor(open: () => Promise<Database>, clock: Clock, failed: (cause: unknown) => void) {
    this.#open = open
    this.#clock = clock
    this.#failed = failed
  }

  load(upstream: string, identity: string): Promise<ArchivedList | undefined> {
    return this.#attempt(async (database) => {
      const row = await database
        .kysely<Tables>()
        .selectFrom('list')
        .select(['entries', 'read_at'])
        .where('upstream', '=', upstream)
        .where('identity', '=', digest(identity))
        .executeTakeFirst()
      if (row === undefined) return undefined
      const kept = JSON.parse(row.entries) as [EntryKind, string][]
      const entries = kept.map(([kind, text]): ListedEntry => {
        return { kind, definition: JSON.parse(text), text }
      })
      return { entries, at: row.read_at }
    })
  }

  async save(upstream: string, identity: string, { entries, at }: ArchivedList): Promise<void> {
    await this.#attempt(async (database) => {
      const kept = JSON.stringify(entries.map(({ kind, text }) => [kind, text]))
      const row = { entries: kept, read_at: at }
      await database
        .kysely<Tables>()
        .insertInto('list')
        .values({ upstream, identity: digest(identity), ...row })
        .onConflict((conflict) => conflict.columns(['upstream', 'identity']).doUpdateSet(row))
        .execute()
    })
  }

  async remove(upstream: string, identity: string): Promise<void> {
    await this.#attempt(async (database) => {
      await database
        .kysely<Tables>()
        .deleteFrom('list')
        .where('upstream', '=', upstream)
        .where('identity', '=', digest(identity))
        .execute()
    })
  }

  async #attempt<T>(work: (database: Database) => Promise<T>): Promise<T | undefined> {
    try {
      this.#database ??= this.#opened()
      return await work(await this.#database)
    } catch (cause) {
      this.#failed(cause)
      return undefined
    }
  }

  async #opened(): Promise<Database> {
    try {
      const database = await this.#open()
      const forgotten = this.#clock.now() - KEPT
      await database.kysely<Tables>().deleteFrom('list').where('read_at', '<', forgotten).execute()
      return database
    } catch (cause) {
      // A disk that is full now may not be later.
      this.#database = undefined
      throw cause
    }
  }
}
