import type { Clock, Principal } from '../../../sdk/index.ts'
import type { ShadowKind, ShadowReport, ShadowVerdict } from './shadow-plugins.ts'

/** Rules and callers may be many: beyond so many rows they are counted together. */
const MOST = 10_000

/** How often one plugin line in shadow said the same to one caller. */
export interface ShadowRow {
  readonly plugin: string
  readonly hook: 'listFilter' | 'beforeCall'
  readonly verdict: ShadowKind
  /** The rule that decided, for a denial after its code; `''` where there is none. */
  readonly rule: string
  /** Both `*` where callers are counted together. */
  readonly issuer: string
  readonly subject: string
  readonly count: number
  /** How many calls, or entries of lists, it was asked about for this caller. */
  readonly judged: number
}

/** A row before it is known how often its caller was judged. */
type Counted = { -readonly [K in keyof Omit<ShadowRow, 'judged'>]: ShadowRow[K] }

const OTHERS = { issuer: '*', subject: '*' } as const

/** What plugins in shadow would have done, since the start. */
export class CountedShadows implements ShadowReport {
  /** When the counting began, in milliseconds since the epoch. */
  readonly since: number
  readonly #rows = new Map<string, Counted>()
  readonly #most: number

  constructor(clock: Clock, most = MOST) {
    this.since = clock.now()
    this.#most = most
  }

  count(said: ShadowVerdict, principal: Principal, times: number): void {
    const key = keyOf(said, principal)
    const row =
      this.#rows.get(key) ??
      (this.#rows.size < this.#most
        ? this.#add(said, principal)
        : // The rules go as well: what is left has as many rows as there are kinds of verdicts.
          this.#others({ ...said, rule: said.rule === '' ? '' : '*' }))
    row.count += times
  }

  /** Everything so far, of all lines or of one: what would have changed something first, most often first. */
  rows(plugin?: string): ShadowRow[] {
    const rows = [...this.#rows.values()].filter(
      (row) => plugin === undefined || row.plugin === plugin,
    )
    return judgedRows(rows)
  }

  #others(said: ShadowVerdict): Counted {
    return this.#rows.get(keyOf(said, OTHERS)) ?? this.#add(said, OTHERS)
  }

  #add(said: ShadowVerdict, { issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): Counted {
    const { plugin, verdict, rule } = said
    const row: Counted = { plugin, hook: hookOf(said), verdict, rule, issuer, subject, count: 0 }
    this.#rows.set(keyOf(said, row), row)
    return row
  }
}

/** Rows with how often each caller was judged, which they say together: the most telling first, most often first. */
export function judgedRows(rows: readonly Omit<ShadowRow, 'judged'>[]): ShadowRow[] {
  const judged = new Map<string, number>()
  for (const row of rows) judged.set(askedOf(row), (judged.get(askedOf(row)) ?? 0) + row.count)
  return rows
    .map((row) => ({ ...row, judged: judged.get(askedOf(row)) ?? 0 }))
    .sort((a, b) => Number(isNothing(a)) - Number(isNothing(b)) || b.count - a.count)
}

/** Whether a verdict would have changed nothing. */
function isNothing({ verdict }: Pick<ShadowRow, 'verdict'>): boolean {
  return verdict === 'none' || verdict === 'pass' || verdict === 'show'
}

/** Whether a verdict is about a list's entry, not about a call. */
function isOfList({ verdict }: Pick<ShadowRow, 'verdict'>): boolean {
  return verdict === 'show' || verdict === 'hide'
}

function hookOf({ verdict }: ShadowVerdict): ShadowRow['hook'] {
  return ['pass', 'refuse', 'show', 'hide'].includes(verdict) ? 'listFilter' : 'beforeCall'
}

function keyOf(
  { plugin, verdict, rule }: ShadowVerdict,
  { issuer, subject }: Pick<Principal, 'issuer' | 'subject'>,
): string {
  return JSON.stringify([plugin, verdict, rule, issuer, subject])
}

function askedOf(row: Counted): string {
  return JSON.stringify([row.plugin, row.hook, isOfList(row), row.issuer, row.subject])
}
