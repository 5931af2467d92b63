import { markdown } from '../house/markdown.ts'
import type { Verdict } from './verdict.ts'

/** One table: what each of its columns found in each of its rows. */
export interface Table {
  /** Over the names of the scenarios. */
  readonly corner: string
  readonly rows: readonly string[]
  /** Rows that the revision does not require. */
  readonly unscored: ReadonlySet<string>
  /** Heading → verdicts. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, Verdict>>
}

/** Tables in Markdown, and under them why what fails was expected to. */
export function pageOf(tables: readonly Table[]): string {
  const reasons: string[] = []
  const cell = (verdict: Verdict | undefined): string => {
    if (verdict === undefined) return ''
    if (verdict.state === 'passes') return 'pass'
    if (verdict.state === 'empty') return 'nothing to check'
    for (const why of verdict.reasons) if (!reasons.includes(why)) reasons.push(why)
    const numbers = verdict.reasons.map((why) => reasons.indexOf(why) + 1)
    return numbers.length === 0 ? 'FAIL' : `expected (${numbers.sort((a, b) => a - b).join(', ')})`
  }
  const filled = tables.filter(({ columns }) => columns.size > 0)
  const made = filled.map(({ corner, rows, unscored, columns }) =>
    markdown([
      [corner, ...columns.keys()],
      ...rows
        .filter((row) => [...columns.values()].some((all) => all.has(row)))
        .map((row) => [
          unscored.has(row) ? `${row} ¹` : row,
          ...[...columns.values()].map((all) => cell(all.get(row))),
        ]),
    ]),
  )
  const list = reasons.map((why, i) => `${i + 1}. ${why}`).join('\n')
  const note = '¹ run by the suite, and required by no revision yet.'
  return [...made, note, ...(list === '' ? [] : [`Expected to fail, because:\n\n${list}`])].join(
    '\n\n',
  )
}
