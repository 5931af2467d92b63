import type { SQLInputValue } from 'node:sqlite'

/** One statement on its way to the thread that owns the database. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly SQLInputValue[]
}

/** What a statement gave. */
export interface StatementResult {
  readonly rows: readonly Record<string, unknown>[]
  /** Rows changed, and the last row's id; only of statements that return no rows. */
  readonly changes?: bigint
  readonly insertId?: bigint
}

/** What went wrong with a statement, or with opening the database. */
export interface StatementError {
  readonly message: string
  /** SQLite's extended result code; `undefined` when it was not SQLite that complained. */
  readonly errcode: number | undefined
}

/** One statement's fate. */
export type Reply = { readonly result: StatementResult } | { readonly error: StatementError }

/** Statements posted together; `undefined` asks to close. They run in order, and one reply answers all. */
export type Batch = readonly Statement[] | undefined
