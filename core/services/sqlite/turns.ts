import { ServiceError } from '../../../sdk/index.ts'
import type { Alarm, Wheel } from '../../hooks/wheel.ts'
import type { Statement, StatementResult } from './protocol.ts'
import { lost, type SqliteThread } from './thread.ts'

const LONGEST = 30_000

interface Waiting {
  readonly owner: object
  readonly exclusive: boolean
  go(): void
}

interface Open {
  readonly owner: object
  generation: number
  /** Statements under way: these may take as long as they take. */
  running: number
  readonly alarm: Alarm
}

/**
 * Who may use the one connection: everybody, or whoever has a transaction open. The others wait in the
 * order they came. A transaction that stays open and does nothing is rolled back: nobody may stop everybody.
 */
export class Turns {
  readonly #thread: SqliteThread
  readonly #wheel: Wheel
  readonly #waiting: Waiting[] = []
  /** Those whose transaction was ended for them, and have not noticed. */
  readonly #ended = new WeakMap<object, Error>()
  #open: Open | undefined
  #reserved: object | undefined

  constructor(thread: SqliteThread, wheel: Wheel) {
    this.#thread = thread
    this.#wheel = wheel
  }

  /** Runs a statement when it is this owner's turn. */
  async run(owner: object, statement: Statement): Promise<StatementResult> {
    const ended = this.#ended.get(owner)
    if (ended !== undefined) throw ended
    if (this.#open?.owner === owner) return this.#runIn(this.#open, statement)
    await this.#turn(owner, false)
    return this.#thread.run(statement)
  }

  /** Begins a transaction when nobody else has one open. */
  async begin(owner: object): Promise<void> {
    await this.#turn(owner, true)
    const open: Open = {
      owner,
      generation: this.#thread.generation,
      running: 1,
      alarm: this.#wheel.after(LONGEST, () => this.#late(open)),
    }
    this.#open = open
    try {
      await this.#thread.run({ sql: 'BEGIN IMMEDIATE', parameters: [] })
      // The thread may have been replaced just before: the transaction is the new one's.
      open.generation = this.#thread.generation
      this.#rest(open)
    } catch (error) {
      if (this.#open === open) this.#close()
      throw error
    }
  }

  /** Ends the owner's transaction. Rejects when it was not there any more. */
  async end(owner: object, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (this.#open?.owner !== owner) {
      const ended = this.#ended.get(owner)
      if (ended !== undefined && how === 'COMMIT') throw ended
      return
    }
    const { generation } = this.#open
    try {
      if (generation === this.#thread.generation) {
        await this.#thread.run({ sql: how, parameters: [] })
      } else if (how === 'COMMIT') {
        throw lost('the transaction is gone with its thread', 'Begin it again.')
      }
    } catch (error) {
      if (how === 'COMMIT' && generation === this.#thread.generation) {
        await this.#thread.run({ sql: 'ROLLBACK', parameters: [] }).catch(() => {})
      }
      throw error
    } finally {
      if (this.#open?.owner === owner) this.#close()
    }
  }

  async #runIn(open: Open, statement: Statement): Promise<StatementResult> {
    if (open.generation !== this.#thread.generation) {
      throw lost('the transaction is gone with its thread', 'Begin it again.')
    }
    open.running++
    try {
      return await this.#thread.run(statement)
    } finally {
      this.#rest(open)
    }
  }

  #rest(open: Open): void {
    open.running--
    open.alarm.deadline = this.#wheel.now() + LONGEST
  }

  #late(open: Open): void {
    if (open.running > 0) {
      open.alarm.deadline = this.#wheel.now() + LONGEST
      this.#wheel.add(open.alarm)
      return
    }
    const reason = `a transaction did nothing for ${LONGEST} ms and has been rolled back`
    const hint = 'Inside a transaction use only what it gave you, and wait for nothing else.'
    this.#ended.set(open.owner, new ServiceError('TRANSACTION_TIMEOUT', reason, hint))
    this.end(open.owner, 'ROLLBACK').catch(() => {})
  }

  #turn(owner: object, exclusive: boolean): Promise<void> | undefined {
    if (this.#reserved === undefined && this.#waiting.length === 0) {
      if (exclusive) this.#reserved = owner
      return undefined
    }
    return new Promise((resolve) => {
      this.#waiting.push({ owner, exclusive, go: resolve })
    })
  }

  #close(): void {
    if (this.#open !== undefined) this.#wheel.remove(this.#open.alarm)
    this.#open = undefined
    this.#reserved = undefined
    while (this.#reserved === undefined) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      if (next.exclusive) this.#reserved = next.owner
      next.go()
    }
  }
}
