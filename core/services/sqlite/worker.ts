// Owns the database file: long queries and slow disks block this thread and no call. Runs as a worker.
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Batch, Reply, Statement, StatementError } from './protocol.ts'

const MOST_PREPARED = 500
const BUSY_TIMEOUT = 5_000
/** SQLITE_BUSY. */
const BUSY = 5
/** Milliseconds between two tries. */
const PAUSE = 10
const WRITES = /^\s*(insert|update|delete|replace)\b/i

const file = workerData as string
const prepared = new Map<string, StatementSync>()
let database: DatabaseSync | undefined

parentPort?.on('message', (batch: Batch) => {
  if (batch !== undefined) return parentPort?.postMessage(runAll(batch))
  database?.close()
  return parentPort?.close()
})

function runAll(batch: readonly Statement[]): Reply[] {
  let open: DatabaseSync
  try {
    database ??= openDatabase()
    open = database
  } catch (error) {
    const failed = { error: described(error) }
    return batch.map(() => failed)
  }
  // Many writes at once are one write to the disk. A statement that fails undoes itself, not the others.
  const together =
    batch.length > 1 && !open.isTransaction && batch.every(({ sql }) => WRITES.test(sql))
  if (!together) return batch.map((one) => run(open, one))
  try {
    open.exec('BEGIN IMMEDIATE')
    const replies: Reply[] = []
    for (const one of batch) {
      const reply = run(open, one)
      // A full disk, for one, ends the whole transaction: then nothing of the batch was written.
      if (!open.isTransaction) return batch.map(() => reply)
      replies.push(reply)
    }
    open.exec('COMMIT')
    return replies
  } catch (error) {
    if (open.isTransaction) open.exec('ROLLBACK')
    const failed = { error: described(error) }
    return batch.map(() => failed)
  }
}

function run(open: DatabaseSync, { sql, parameters }: Statement): Reply {
  try {
    const statement = prepare(open, sql)
    if (statement.columns().length > 0) return { result: { rows: statement.all(...parameters) } }
    const { changes, lastInsertRowid } = statement.run(...parameters)
    return {
      result: { rows: [], changes: BigInt(changes), insertId: BigInt(lastInsertRowid) },
    }
  } catch (error) {
    return { error: described(error) }
  }
}

/** Prepared statements are kept, the least recently used is forgotten. */
function prepare(open: DatabaseSync, sql: string): StatementSync {
  const known = prepared.get(sql)
  const statement = known ?? open.prepare(sql)
  if (known !== undefined) prepared.delete(sql)
  else if (prepared.size >= MOST_PREPARED) prepared.delete(prepared.keys().next().value as string)
  prepared.set(sql, statement)
  return statement
}

function openDatabase(): DatabaseSync {
  if (file !== ':memory:') {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    // SQLite would make a file that others on this machine can read.
    closeSync(openSync(file, 'a', 0o600))
  }
  const opened = new DatabaseSync(file, {
    enableForeignKeyConstraints: true,
    timeout: BUSY_TIMEOUT,
  })
  try {
    useWriteAheadLog(opened)
    opened.exec('PRAGMA synchronous = NORMAL')
  } catch (error) {
    opened.close()
    throw error
  }
  return opened
}

/** Of two that change a file's mode at once SQLite refuses one at once, whatever its timeout says. */
function useWriteAheadLog(opened: DatabaseSync): void {
  const idle = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return opened.exec('PRAGMA journal_mode = WAL')
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== BUSY || waited >= BUSY_TIMEOUT) throw error
      Atomics.wait(idle, 0, 0, PAUSE)
    }
  }
}

function described(error: unknown): StatementError {
  const { message, errcode } = error as Error & { errcode?: number }
  return { message, errcode }
}
