import type { Maybe } from 'mcp-patchbay/sdk'
import { wordOf } from './exact.ts'
import { RuleFailure } from './failure.ts'
import { type Path, readSteps } from './path.ts'
import type { Scope } from './scope.ts'

/** Where a rule gets its value from. */
export interface Source {
  /**
   * Asks for what belongs to a call.
   * @param ms how long there is to wait
   * @throws RuleFailure, or rejects with it
   */
  find(scope: Scope, ms: number): Maybe<unknown>
}

/** A table of the settings: its row is found at once. */
export class TableSource implements Source {
  readonly #key: Path
  readonly #rows: ReadonlyMap<string, unknown>
  readonly #take: Path

  constructor(key: Path, rows: Readonly<Record<string, unknown>>, take: Path) {
    this.#key = key
    this.#take = take
    this.#rows = new Map(
      Object.entries(rows).map(([name, row]) => [name, readSteps(row, take.steps)]),
    )
  }

  find(scope: Scope): unknown {
    const word = wordOf(scope.take(this.#key))
    const found = word === undefined ? undefined : this.#rows.get(word)
    if (found !== undefined) return found
    throw new RuleFailure('NO_VALUE', `its table has no ${this.#take.text} for ${this.#key.text}`)
  }
}

/** What was taken from an answer. @throws RuleFailure `NO_VALUE`, `TOO_LARGE` */
export function sized(value: unknown, take: Path, maxBytes: number): unknown {
  if (value === undefined) {
    throw new RuleFailure('NO_VALUE', `its source answered nothing at ${take.text}`)
  }
  if (Buffer.byteLength(JSON.stringify(value)) <= maxBytes) return value
  throw new RuleFailure('TOO_LARGE', `its source answered more than ${maxBytes} bytes`)
}
