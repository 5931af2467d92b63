import { Worker } from 'node:worker_threads'
import { ServiceError } from '../../../sdk/index.ts'
import type { Reply, Statement, StatementError, StatementResult } from './protocol.ts'

// The same file runs as TypeScript in the repository and as JavaScript where it is installed.
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const WORKER = new URL(`./worker.${EXTENSION}`, import.meta.url)

interface Asked {
  readonly statement: Statement
  resolve(result: StatementResult): void
  reject(error: Error): void
}

/** The thread that owns the database file. Begins with the first statement, and again after a crash. */
export class SqliteThread {
  readonly #file: string
  readonly #startWorker: (file: string) => Worker
  /** Statements of this tick: they travel together. */
  #next: Asked[] = []
  /** Batches on their way, oldest first. */
  readonly #sent: Asked[][] = []
  #worker: Worker | undefined
  /** Counts the threads there have been: what was open in one is not in the next. */
  #generation = 0
  #closed = false

  /** @param file the database's path, or `:memory:` */
  constructor(file: string, begin: (file: string) => Worker = beginWorker) {
    this.#file = file
    this.#startWorker = begin
  }

  /** Changes when the thread had to be replaced: what was open then is gone. */
  get generation(): number {
    return this.#generation
  }

  /** Begins now, before anybody asks: what is asked first need not wait for it. Opens nothing. */
  begin(): void {
    this.#worker ??= this.#begin()
    if (this.#sent.length === 0) this.#worker.unref()
  }

  /** Runs a statement after all that were given before. Rejects with ServiceError. */
  run(statement: Statement): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(lost('the gateway is stopping', 'Ask no more after `stop`.'))
        return
      }
      if (this.#next.length === 0) queueMicrotask(() => this.#send())
      this.#next.push({ statement, resolve, reject })
    })
  }

  /** Lets the statements under way finish, then closes the file. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#send()
    const worker = this.#worker
    if (worker === undefined) return
    await new Promise<void>((resolve) => {
      worker.once('exit', () => resolve())
      worker.ref()
      worker.postMessage(undefined)
    })
  }

  /** Keeps the process alive no longer: a query that goes on for ever cannot be interrupted. */
  abandon(): void {
    this.#worker?.unref()
  }

  #send(): void {
    const batch = this.#next
    if (batch.length === 0) return
    this.#next = []
    this.#worker ??= this.#begin()
    // Only a statement under way keeps the process alive.
    if (this.#sent.push(batch) === 1) this.#worker.ref()
    try {
      this.#worker.postMessage(batch.map(({ statement }) => statement))
    } catch (cause) {
      this.#sent.pop()
      const error = failure({ message: `a parameter cannot be sent: ${cause}`, errcode: undefined })
      for (const { reject } of batch) reject(error)
    }
    if (this.#sent.length === 0) this.#worker.unref()
  }

  #begin(): Worker {
    const worker = this.#startWorker(this.#file)
    let cause: unknown
    worker.on('message', (replies: readonly Reply[]) => this.#settle(worker, replies))
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => this.#ended(worker, cause))
    return worker
  }

  #settle(worker: Worker, replies: readonly Reply[]): void {
    const batch = this.#sent.shift() ?? []
    if (this.#sent.length === 0) worker.unref()
    for (const [index, { resolve, reject }] of batch.entries()) {
      const reply = replies[index] as Reply
      if ('result' in reply) resolve(reply.result)
      else reject(failure(reply.error, this.#file))
    }
  }

  #ended(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#generation++
    const asked = this.#sent.splice(0).flat()
    for (const { reject } of asked) {
      const reason = 'the thread of the database ended; whether the statement ran is unknown'
      reject(lost(reason, 'Ask again: it begins anew.', cause))
    }
  }
}

/** The thread itself. It opens the file when it is first asked. */
export function beginWorker(file: string): Worker {
  return new Worker(WORKER, {
    workerData: file,
    // SQLite is new in Node; operators need not be told.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
}

const CODES: Readonly<Record<number, readonly [code: string, hint: string]>> = {
  5: ['DATABASE_BUSY', 'Another process writes to it for long: try again later.'],
  8: ['DATABASE_READ_ONLY', 'Let this process write to the folder `data`.'],
  11: ['DATABASE_CORRUPT', 'Put a backup in its place.'],
  13: ['DATABASE_FULL', 'Make room on the disk.'],
  14: ['DATABASE_FAILED', 'Set `data` to a folder this process may write.'],
  19: ['CONSTRAINT', 'Write something that the table allows.'],
  26: ['DATABASE_CORRUPT', 'It is no SQLite file: move it away.'],
}

/** A transaction or statement is gone with the thread that ran it. */
export function lost(reason: string, hint: string, cause?: unknown): ServiceError {
  return new ServiceError('DATABASE_LOST', `the database: ${reason}`, hint, { cause })
}

function failure({ message, errcode }: StatementError, file?: string): ServiceError {
  // The lower byte is the primary result code.
  const known = errcode === undefined ? undefined : CODES[errcode & 0xff]
  const [code, hint] = known ?? ['DATABASE_FAILED', 'Mend the statement, or what it says.']
  const where = code === 'CONSTRAINT' || file === undefined ? '' : ` ${file}`
  return new ServiceError(code, `the database${where}: ${message}`, hint)
}
