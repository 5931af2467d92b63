import type { Startup } from '../startup.ts'
import type { Row } from './rows.ts'

/** Everything one run found, as it is written to a file. */
export interface Result {
  readonly machine: Readonly<Record<'cpu' | 'system' | 'node' | 'date', string>>
  readonly rounds: number
  readonly rows: readonly Row[]
  readonly startup: Startup | null
  /** Peer → version. */
  readonly versions: Readonly<Record<string, string>>
  /** Peers that are not in the table. */
  readonly missing: readonly { readonly name: string; readonly reason: string }[]
}

/** Figures without the digits that mean nothing: four that count. */
export function rounded<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, one) => (typeof one === 'number' ? Number(one.toPrecision(4)) : one)),
  )
}
