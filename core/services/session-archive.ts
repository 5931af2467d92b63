import type { Clock, Database, Migrations } from '../../sdk/index.ts'

/** How many sessions are remembered; those that end first are forgotten first. */
const MOST = 1_000_000
/** How often those that are over are deleted, in milliseconds. */
const SWEEP = 60 * 60_000

interface Tables {
  session: { nonce: string; ended: number; state: string; used: number; expires: number }
}

/** The table of sessions. */
export const SESSION_MIGRATIONS: Migrations = {
  '002-sessions': {
    up: async (db) => {
      await db.schema
        .createTable('session')
        .addColumn('nonce', 'text', (column) => column.primaryKey())
        .addColumn('ended', 'integer', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('used', 'integer', (column) => column.notNull())
        .addColumn('expires', 'integer', (column) => column.notNull())
        .execute()
      await db.schema.createIndex('session_expires').on('session').column('expires').execute()
    },
  },
}

/** A session as it is kept. */
export interface SessionRow {
  readonly ended: boolean
  /** JSON. */
  readonly state: string
  /** Milliseconds since the epoch. */
  readonly used: number
}

/** What clients' sessions have said, in the gateway's database: nothing of who they are. */
export class SessionArchive {
  readonly #open: () => Promise<Database>
  readonly #clock: Clock
  #database: Promise<Database> | undefined
  #sweepAt = 0

  /** @param open opens the database, its tables up to date; called by the first need, and again after it failed */
  constructor(open: () => Promise<Database>, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** Rejects when it cannot be read. */
  async load(nonce: string): Promise<SessionRow | undefined> {
    const database = await this.#opened()
    const row = await database
      .kysely<Tables>()
      .selectFrom('session')
      .select(['ended', 'state', 'used'])
      .where('nonce', '=', nonce)
      .executeTakeFirst()
    return row === undefined ? undefined : { ...row, ended: row.ended !== 0 }
  }

  /** Keeps it; an ended one stays ended. Rejects when it cannot be written. @param expires milliseconds since the epoch */
  async save(nonce: string, state: string, used: number, expires: number): Promise<void> {
    await this.#write({ nonce, ended: 0, state, used, expires }, { state, used })
  }

  /** Rejects when it cannot be written. @param expires milliseconds since the epoch */
  async end(nonce: string, expires: number): Promise<void> {
    await this.#write({ nonce, ended: 1, state: '{}', used: 0, expires }, { ended: 1, state: '{}' })
  }

  async #write(row: Tables['session'], change: Partial<Tables['session']>): Promise<void> {
    const database = await this.#opened()
    await database
      .kysely<Tables>()
      .insertInto('session')
      .values(row)
      .onConflict((conflict) => conflict.column('nonce').doUpdateSet(change))
      .execute()
    const now = this.#clock.now()
    if (now < this.#sweepAt) return
    this.#sweepAt = now + SWEEP
    const db = database.kysely<Tables>()
    await db.deleteFrom('session').where('expires', '<=', now).execute()
    const last = await db
      .selectFrom('session')
      .select('expires')
      .orderBy('expires', 'desc')
      .offset(MOST)
      .limit(1)
      .executeTakeFirst()
    if (last !== undefined) {
      await db.deleteFrom('session').where('expires', '<=', last.expires).execute()
    }
  }

  async #opened(): Promise<Database> {
    this.#database ??= this.#open()
    try {
      return await this.#database
    } catch (cause) {
      // A disk that is full now may not be later.
      this.#database = undefined
      throw cause
    }
  }
}
